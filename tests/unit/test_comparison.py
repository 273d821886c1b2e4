"""Whether the trail knows more than the database, and what its last events say of that."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.comparison import EndReader, TrailEnd, Verdict, compare
from audit.templates import event_id, expand

AGREES, AHEAD, FRESH, UNTOLD = Verdict
AT = datetime(2026, 11, 23, tzinfo=UTC)
ID, OTHER = str(uuid4()), str(uuid4())


@dataclass(frozen=True)
class Known:
    n: int
    policy_version: int = 3
    beaten: bool = True
    sent: bool = True
    waiting: str | None = None


NEW = Known(0, 0, beaten=False, sent=False)
EMPTY = TrailEnd()
ANOTHER = TrailEnd(empty=False)
"""Has only events of another trail's name."""


def end(n: int, policy: int = 3, position: int = 0) -> TrailEnd:
    """A trail that ends with an event of the batch ID."""
    return TrailEnd(n, policy, empty=False, told=True, position=position, event=event_id(ID, position))


@pytest.mark.parametrize(
    ("trail", "database", "verdict"),
    [
        (EMPTY, NEW, AGREES),
        (EMPTY, Known(0, sent=False), AGREES),
        (EMPTY, Known(7, sent=False), AGREES),
        (EMPTY, Known(7), UNTOLD),
        (ANOTHER, Known(7), UNTOLD),
        (ANOTHER, NEW, FRESH),
        (end(7), Known(7), AGREES),
        (end(7), Known(9), AGREES),
        (end(0), Known(0, sent=False), AGREES),
        (end(7, 2), Known(7), AGREES),
        (end(8), Known(7), AHEAD),
        (end(7, 4), Known(7), AHEAD),
        (end(7, 4), Known(9), AHEAD),
        (end(0, 0), NEW, FRESH),
        (end(7), NEW, FRESH),
        (end(7), Known(9, beaten=False, sent=False), FRESH),
        (end(7), Known(8, waiting=ID), AGREES),
        (end(7, position=999), Known(8, waiting=ID), AGREES),
        (end(7), Known(8, waiting=OTHER), AHEAD),
        (end(7, position=999), Known(8, waiting=OTHER), AHEAD),
    ],
)
def test_the_verdict_for_each_stand_of_trail_and_database(
    trail: TrailEnd, database: Known, verdict: Verdict
) -> None:
    assert compare(trail, database) is verdict


@given(taken=st.integers(0, 50), sent=st.integers(0, 50), policy=st.integers(0, 5), read=st.integers(0, 5))
def test_a_system_that_sends_later_than_it_takes_never_looks_as_if_it_were_behind(
    taken: int, sent: int, policy: int, read: int
) -> None:
    trail = end(min(sent, taken), min(read, policy))
    assert compare(trail, Known(taken, policy)) is AGREES


def values(kind: str, items: list[list[object]], n: int | None = None, policy: int = 3) -> list[bytes]:
    entry = {
        "_id": ID,
        "kind": kind,
        "time": AT,
        "template": 1,
        "build": "1.4.2",
        "policyVersion": policy,
        "policyDigest": f"sha256:{'0' * 64}",
        "items": items,
        **({} if n is None else {"n": n}),
    }
    return [record.value for record in expand(entry, "shop")]


def erased(n: int, size: int = 2) -> list[bytes]:
    return values("anonymized", [[str(uuid4()), 2, AT, []] for _ in range(size)], n)


def read(*read_values: bytes | None, log_name: str = "shop") -> EndReader:
    reader = EndReader(log_name)
    for value in read_values:
        reader.take(value)
    return reader


def test_the_end_has_the_highest_number_and_policy_and_an_event_of_the_last_batch() -> None:
    other = values("offsets.lost", [["orders", 0, 1, 2, "RETENTION"]], policy=5)
    found = read(*erased(6), *erased(7, 3)[1:], *other).end()
    assert found == TrailEnd(7, 5, empty=False, told=True, position=1, event=event_id(ID, 1))


def test_a_number_given_out_twice_is_seen_where_its_batch_begins_before_what_was_read() -> None:
    batch = [*erased(110, 1000), *values("offsets.lost", [["orders", 0, 1, 2, "RETENTION"]])]
    found = read(*batch[-1000:]).end()
    assert compare(found, Known(115, waiting=OTHER)) is AHEAD
    assert compare(found, Known(115, waiting=ID)) is AGREES


NEWER = json.loads(erased(9)[0])
NEWER["type"] = "order-records.record.sealed.v2"
NEWER["data"] |= {"template": 7, "unheard": "of"}
NEWER["data"]["sequence"] |= {"unheard": "of"}


def test_an_event_of_a_newer_build_counts() -> None:
    assert read(json.dumps(NEWER).encode()).end().n == 9


JUNK = {
    "a tombstone": None,
    "no JSON": b"{",
    "a number": b"7",
    "another schema": b'{"id": "7", "n": 900}',
    "a huge number": json.dumps({**NEWER, "data": {"policyVersion": "900"}}).encode(),
    "a number that is true": json.dumps({**NEWER, "data": {"policyVersion": True}}).encode(),
    "no UTF-8": b"\xff" + json.dumps(NEWER).encode(),
}


@pytest.mark.parametrize("value", JUNK.values(), ids=JUNK)
def test_what_is_no_event_is_passed_over(value: bytes | None) -> None:
    assert read(value).end() == TrailEnd()


def test_an_event_of_another_trail_says_that_the_topic_is_in_use_and_nothing_else() -> None:
    assert read(*erased(9), log_name="another").end() == TrailEnd(empty=False)


def test_enough_was_read_once_an_erasure_was_found() -> None:
    assert not read(*values("offsets.lost", [["orders", 0, 1, 2, "RETENTION"]])).found
    assert read(*erased(1)).found
