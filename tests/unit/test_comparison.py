"""Whether the trail knows more than the database, and what its last events say of that."""

import json
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.comparison import EndReader, Known, TrailEnd, Verdict, compare
from audit.templates import event_id, expand

AGREES, AHEAD, FRESH = Verdict
AT = datetime(2026, 11, 23, tzinfo=UTC)
ID, OTHER = str(uuid4()), str(uuid4())


def end(n: int, policy: int = 3, **firsts: str) -> TrailEnd:
    return TrailEnd(n, policy, empty=False, firsts={int(name[1:]): first for name, first in firsts.items()})


def known(n: int, policy: int = 3, *, fresh: bool = False, **unsent: str) -> Known:
    return Known(n, policy, fresh, {int(name[1:]): first for name, first in unsent.items()})


@pytest.mark.parametrize(
    ("trail", "database", "verdict"),
    [
        (TrailEnd(), known(0, 0, fresh=True), AGREES),
        (TrailEnd(), known(7), AGREES),
        (end(7), known(7), AGREES),
        (end(7), known(9), AGREES),
        (end(0), known(0), AGREES),
        (end(7, 2), known(7, 3), AGREES),
        (end(8), known(7), AHEAD),
        (end(7, 4), known(7, 3), AHEAD),
        (end(7, 4), known(9, 3), AHEAD),
        (end(0, 0), known(0, 0, fresh=True), FRESH),
        (end(7), known(0, 0, fresh=True), FRESH),
        (end(7, n7=ID), known(8, n7=ID, n8=OTHER), AGREES),
        (end(7, n7=ID), known(8, n8=OTHER), AGREES),
        (end(7, n7=ID), known(8, n7=OTHER, n8=OTHER), AHEAD),
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
    assert compare(trail, known(taken, policy)) is AGREES


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


def test_the_end_has_the_highest_number_and_policy_and_the_first_event_of_each_batch() -> None:
    other = values("offsets.lost", [["orders", 0, 1, 2, "RETENTION"]], policy=5)
    found = read(*erased(7), *other, *erased(6)).end()
    assert found == TrailEnd(7, 5, empty=False, firsts={6: event_id(ID, 0), 7: event_id(ID, 0)})


NEWER = json.loads(erased(9)[0])
NEWER["type"] = "order-records.record.sealed.v2"
NEWER["data"] |= {"template": 7, "unheard": "of"}


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
