"""What the trail tells a restored database, and from where on it has to read again."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.retold import Done, Gone, PolicyTold, Retold
from audit.templates import event_id, expand
from records.reapply import live_longer, read_from

AT = datetime(2026, 11, 23, 0, 0, 4, 127_000, tzinfo=UTC)
DUE = datetime(2026, 11, 23, tzinfo=UTC)
ACTOR = "5f1e578d1ca982d2a636924b631770b9"
DAY = timedelta(days=1)
RECORD, OTHER = str(uuid4()), str(uuid4())
PLACE = ("orders", 3, 12345)
WHERE = [*PLACE, "NOT_JSON"]


def told(kind: str, *items: list[Any], n: int | None = None, policy: int = 3, entry: str = "") -> list[bytes]:
    facts: dict[str, Any] = {
        "_id": entry or str(uuid4()),
        "kind": kind,
        "time": AT,
        "template": 1,
        "build": "1.4.2",
        "policyVersion": policy,
        "policyDigest": f"sha256:{'0' * 64}",
        "items": list(items),
    }
    numbered = {} if n is None else {"n": n}
    return [record.value for record in expand({**facts, **numbered}, "shop")]


def test_erasures_are_told_by_record_with_their_number() -> None:
    trail = Retold("shop")
    part = trail.take(
        [*told("deleted", [RECORD, 2, DUE, []], n=7), *told("anonymized", [OTHER, 2, DUE, []], n=6)]
    )
    assert (part.deleted, part.anonymized) == ({RECORD: Done(AT, DUE)}, {OTHER: Done(AT, DUE)})
    assert (trail.n, trail.policy_version, trail.events, trail.unreadable) == (7, 3, 2, 0)


@pytest.mark.parametrize(
    ("kind", "item", "gone"),
    [
        ("quarantine.erased", [*WHERE, DUE], Gone(AT, "NOT_JSON", None, on_time=True)),
        (
            "quarantine.dropped",
            [*WHERE, "NOT_AN_ORDER", ACTOR],
            Gone(AT, "NOT_JSON", "NOT_AN_ORDER", on_time=False),
        ),
        ("quarantine.replayed", [*WHERE, "", "ERASED", ACTOR], Gone(AT, "NOT_JSON", None, on_time=False)),
    ],
)
def test_a_quarantined_event_that_lost_its_content_is_told_by_its_place(
    kind: str, item: list[Any], gone: Gone
) -> None:
    n = 5 if kind == "quarantine.erased" else None
    assert Retold("shop").take(told(kind, item, n=n)).gone == {PLACE: gone}


@pytest.mark.parametrize(
    ("outcome", "replayed"), [("CREATED", {PLACE: AT}), ("UNCHANGED", {PLACE: AT}), ("REFUSED", {})]
)
def test_a_replay_that_stored_the_order_leaves_its_entry_to_be_replayed_again(
    outcome: str, replayed: dict[Any, Any]
) -> None:
    part = Retold("shop").take(told("quarantine.replayed", [*WHERE, "", outcome, ACTOR]))
    assert (part.replayed, part.gone) == (replayed, {})


def test_each_policy_is_told_with_its_numbers_and_time() -> None:
    trail = Retold("shop")
    for version, days in ((4, 30), (5, 60)):
        trail.take(told("policy.changed", [days, 90, False, ACTOR], policy=version))
    assert trail.policies[5] == PolicyTold(5, 60, 90, actor_anonymization=False, since=AT)
    assert sorted(trail.policies) == [4, 5]


def test_dates_that_were_moved_later_after_the_backup_are_counted() -> None:
    for since, later in ((AT - DAY, 7), (AT, 0), (None, 0)):
        trail = Retold("shop", since=since)
        trail.take(told("dates.recomputed", [10, 3, 7, 0, ACTOR]))
        assert trail.moved_later == later


def test_what_no_build_can_read_is_counted_and_another_trail_tells_nothing() -> None:
    trail = Retold("another")
    part = trail.take(
        [None, b"{", json.dumps({"type": "x"}).encode(), *told("deleted", [RECORD, 2, DUE, []], n=7)]
    )
    assert (part.deleted, trail.n, trail.unreadable) == ({}, 0, 3)


def test_of_the_wanted_events_those_are_named_that_are_there() -> None:
    entry, absent = str(uuid4()), event_id(str(uuid4()), 0)
    trail = Retold("shop", frozenset({event_id(entry, 0), absent}))
    trail.take(told("deleted", [RECORD, 2, DUE, []], [OTHER, 2, DUE, []], n=7, entry=entry))
    assert trail.seen == {event_id(entry, 0)}


@pytest.mark.parametrize(
    ("retention", "version", "longer"),
    [
        ({}, 0, False),
        ({}, 1, False),
        ({}, 2, True),
        ({1: 20}, 1, False),
        ({1: 60}, 1, True),
        ({1: 20, 2: 25}, 2, True),
        ({1: 25, 2: 20}, 2, False),
        ({2: 20}, 2, True),
        ({1: 25, 2: 20, 3: 40}, 2, False),
    ],
)
def test_an_order_could_live_longer_only_where_some_earlier_policy_was_shorter_or_is_not_known(
    retention: dict[int, int],
    version: int,
    longer: bool,  # noqa: FBT001 - a row of the table
) -> None:
    assert live_longer(retention, version) is longer


@pytest.mark.parametrize(
    ("committed", "read_to", "since", "target"),
    [
        (100, 60, 50, 50),
        (100, 40, 50, 40),
        (100, 60, None, 60),
        (100, 150, 120, 100),
        (100, None, 50, 10),
        (5, None, None, 5),
        (100, 3, None, 3),
    ],
)
def test_reading_goes_on_from_the_earliest_offset_that_may_be_missing(
    committed: int, read_to: int | None, since: int | None, target: int
) -> None:
    assert read_from(10, committed, read_to, since) == target


OFFSET = st.integers(0, 1000)


@given(OFFSET, OFFSET, st.none() | OFFSET, st.none() | OFFSET)
def test_reading_never_goes_on_further_ahead_and_asking_again_changes_nothing(
    first: int, committed: int, read_to: int | None, since: int | None
) -> None:
    target = read_from(first, committed, read_to, since)
    assert target <= committed
    assert read_from(first, target, read_to, since) == target
