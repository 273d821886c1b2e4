"""A trail is followed only where nothing is missing and it is what was signed; junk has no say."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.checkpoints import Checkpoint, range_headers, sign_checkpoint
from audit.following import Fault, Follower, Known, LastCheckpoints, LogKeys, TrailFault, follow_from
from audit.keys import MalformedKey, seed_key, verifier_key
from audit.merkle import CompactRange
from worker.notary import Pace

LOG = "order-records"
SEED, RETIRED_SEED, STRANGE_SEED = bytes(32), bytes([1]) * 32, bytes([2]) * 32
RETIRED = verifier_key(RETIRED_SEED, LOG)
KEYS = LogKeys.of(SEED, LOG, [RETIRED])
Sent = tuple[bytes, list[tuple[str, bytes]]]


def values(first: int, end: int, mark: str = "") -> list[bytes]:
    return [f"event {number}{mark}".encode() for number in range(first, end)]


def tree(size: int, mark: str = "") -> CompactRange:
    grown = CompactRange()
    grown.extend(values(0, size, mark))
    return grown


def signed(size: int, seed: bytes = SEED, mark: str = "") -> Sent:
    grown = tree(size, mark)
    return sign_checkpoint(Checkpoint.of(LOG, grown), seed, 1_000 + size), range_headers(grown)


def found(*records: Sent, keys: LogKeys = KEYS) -> LastCheckpoints:
    last = LastCheckpoints(keys)
    for value, headers in records:
        last.take(value, headers)
    return last


def sizes(last: LastCheckpoints) -> tuple[int | None, int | None]:
    return size(last.last), size(last.before)


def size(known: Known | None) -> int | None:
    return None if known is None else known.size


def read(follower: Follower, first: int, end: int, mark: str = "") -> None:
    follower.take(range(first, end), values(first, end, mark))


def fault_of(call: object, *arguments: object) -> Fault:
    assert callable(call)
    with pytest.raises(TrailFault) as raised:
        call(*arguments)
    return raised.value.fault


@given(order=st.permutations([5, 9, 2, 9, 12, 0]))
def test_the_two_largest_are_kept_in_whatever_sequence_they_come(order: Sequence[int]) -> None:
    assert sizes(found(*(signed(size) for size in order))) == (12, 9)


JUNK: list[Sent] = [
    (b"", []),
    (b"junk", []),
    signed(50, STRANGE_SEED),
    (signed(50)[0], []),
    (signed(50)[0], range_headers(tree(50, "forged"))),
    (signed(50)[0].replace(b"\n50\n", b"\n51\n"), range_headers(tree(51))),
    (sign_checkpoint(Checkpoint.of("another-log", tree(50)), SEED, 1), range_headers(tree(50))),
]


@pytest.mark.parametrize("junk", JUNK, ids=range(len(JUNK)))
def test_junk_is_passed_over(junk: Sent) -> None:
    assert sizes(found(signed(3), junk, signed(8))) == (8, 3)
    assert sizes(found(junk)) == (None, None)


def test_a_retired_key_counts_until_todays_has_signed_and_then_only_helps() -> None:
    old = [signed(size, RETIRED_SEED) for size in (3, 8, 90)]
    assert sizes(found(*old)) == (90, 8)
    assert not found(*old).signed_by_current
    assert sizes(found(*old, signed(8))) == (8, None)
    assert sizes(found(*old, signed(100))) == (100, 90)
    assert sizes(found(*old, signed(10), signed(11))) == (11, 10)
    assert found(*old, signed(10)).signed_by_current


def test_without_its_verifier_key_a_retired_key_counts_for_nothing() -> None:
    assert sizes(found(signed(8, RETIRED_SEED), keys=LogKeys.of(SEED, LOG, []))) == (None, None)


def test_two_roots_for_one_size_by_todays_key_are_a_fault_and_by_a_retired_one_are_not() -> None:
    last = found(signed(7))
    assert fault_of(last.take, *signed(7, mark="forged")) is Fault.DIFFERENT
    assert sizes(found(signed(7, RETIRED_SEED), signed(7, RETIRED_SEED, "forged"))) == (7, None)


def test_looking_back_ends_with_two_where_the_larger_one_is_within_the_trail() -> None:
    assert not found(signed(7)).enough(0)
    assert found(signed(7), signed(9)).enough(9)
    assert not found(signed(7), signed(9)).enough(10)
    assert not found(signed(7, RETIRED_SEED), signed(9, RETIRED_SEED)).enough(0)
    assert found(signed(7, RETIRED_SEED), signed(9)).enough(0)


def test_a_retired_key_of_another_name_or_type_is_refused() -> None:
    for text in (
        verifier_key(RETIRED_SEED, "another-log"),
        seed_key(RETIRED_SEED, LOG).cosigner().text,
        "nonsense",
    ):
        with pytest.raises(MalformedKey):
            LogKeys.of(SEED, LOG, [text])


def test_todays_key_among_the_retired_ones_stays_todays() -> None:
    assert LogKeys.of(SEED, LOG, [verifier_key(SEED, LOG)]) == LogKeys.of(SEED, LOG, [])


@given(cuts=st.lists(st.integers(0, 60), max_size=6))
def test_what_is_read_in_any_batches_is_one_tree(cuts: list[int]) -> None:
    follower = Follower(CompactRange())
    for first, end in zip([0, *sorted(cuts)], [*sorted(cuts), 60], strict=True):
        read(follower, first, end)
        follower.require_position(end)
    assert follower.snapshot().root() == tree(60).root()


@pytest.mark.parametrize("offsets", [[8], [6], [7, 9], [7, 7], [7, 8, 8, 10], [0]])
def test_an_offset_that_is_not_the_next_one_is_a_gap(offsets: list[int]) -> None:
    follower = Follower(tree(7))
    assert fault_of(follower.take, offsets, [b""] * len(offsets)) is Fault.GAP
    assert follower.size == 7


def test_an_offset_without_an_event_is_a_gap_too() -> None:
    follower = Follower(tree(7))
    read(follower, 7, 9)
    assert fault_of(follower.require_position, 10) is Fault.GAP


def test_a_new_trail_is_followed_from_its_first_event() -> None:
    follower = follow_from(found(), 0, 5)
    assert (follower.size, follower.compared) == (0, True)


@given(size=st.integers(5, 30), batch=st.integers(1, 30))
def test_the_last_checkpoint_is_compared_with_what_is_on_the_topic(size: int, batch: int) -> None:
    follower = follow_from(found(signed(2), signed(size)), 1, 40)
    assert follower.size == 2
    for first in range(2, 40, batch):
        assert follower.compared == (first >= size)
        read(follower, first, min(first + batch, 40))
    assert follower.compared
    assert follower.snapshot().root() == tree(40).root()


@given(size=st.integers(5, 30), batch=st.integers(1, 30))
def test_a_trail_that_was_cut_and_has_grown_again_is_found(size: int, batch: int) -> None:
    follower = follow_from(found(signed(2), signed(size)), 0, 40)

    def read_all() -> None:
        for first in range(2, 40, batch):
            read(follower, first, min(first + batch, 40), mark=" of another history")

    assert fault_of(read_all) is Fault.DIFFERENT


def test_a_trail_with_fewer_events_than_were_signed_is_found_at_once() -> None:
    assert fault_of(follow_from, found(signed(2), signed(9)), 0, 8) is Fault.SHORTER


def test_retention_may_cut_up_to_the_last_checkpoint_and_no_further() -> None:
    last = found(signed(4), signed(9))
    assert follow_from(last, 4, 20).size == 4
    assert follow_from(last, 5, 20).size == 9
    assert follow_from(last, 9, 20).size == 9
    assert fault_of(follow_from, last, 10, 20) is Fault.GAP
    assert fault_of(follow_from, found(), 1, 20) is Fault.GAP


def test_a_single_checkpoint_is_compared_from_the_first_event_where_that_is_there() -> None:
    assert follow_from(found(signed(9)), 0, 20).size == 0
    assert follow_from(found(signed(9)), 3, 20).size == 9


@pytest.mark.parametrize(
    ("uncovered", "waited", "since", "due"),
    [
        (0, 0.0, 3_599.0, False),
        (0, 0.0, 3_600.0, True),
        (0, 0.0, float("inf"), True),
        (1, 0.9, 100.0, False),
        (1, 1.0, 30.0, True),
        (1, 100.0, 29.0, False),
        (9_999, 100.0, 29.0, False),
        (10_000, 0.0, 5.0, True),
        (10_000, 100.0, 4.9, False),
    ],
)
def test_a_checkpoint_is_due_for_many_events_soon_for_any_twice_a_minute_and_hourly(
    *, uncovered: int, waited: float, since: float, due: bool
) -> None:
    assert Pace().due(uncovered, waited, since) is due


def test_no_event_waits_a_minute_for_its_checkpoint() -> None:
    assert Pace().apart + Pace().gather < 60
    assert Pace().due(1, Pace().apart, Pace().apart)
