"""What was signed before bounds what is signed next, and a retired key has no say in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.checkpoints import Checkpoint
from audit.following import Fault, Follower, LastCheckpoints, TrailFault, follow_from
from tests.unit.test_following import KEYS, LOG, RETIRED_SEED, Sent, fault_of, read, signed, tree

END = 40


def floor(size: int, mark: str = "") -> Checkpoint:
    return Checkpoint.of(LOG, tree(size, mark))


def found(*records: Sent, floor: Checkpoint | None = None, end: int = END) -> LastCheckpoints:
    """As a notary reads them: the newest first."""
    last = LastCheckpoints(KEYS, floor, end)
    for value, headers in reversed(records):
        last.take(value, headers)
    return last


def followed(last: LastCheckpoints, first: int, floor: Checkpoint | None, mark: str = "") -> bytes:
    """The root of the whole trail, as a notary comes to it that tries what there is to begin with."""
    follower: Follower | None = follow_from(last, first, END, floor)
    while follower is not None:
        try:
            read(follower, follower.size, END, mark)
        except TrailFault as fault:
            if fault.fault is not Fault.DIFFERENT or follower.compared or follower.instead is None:
                raise
            follower = follower.instead
        else:
            assert follower.compared
            return follower.snapshot().root()
    raise AssertionError


def test_a_trail_that_was_cut_to_an_old_checkpoint_on_both_topics_is_shorter() -> None:
    assert fault_of(follow_from, found(signed(2), signed(9)), 0, 9, floor(30)) is Fault.SHORTER
    assert fault_of(follow_from, found(), 0, 9, floor(30)) is Fault.SHORTER


def test_once_it_has_grown_again_it_is_another_one() -> None:
    last = found(signed(2), signed(9))
    assert fault_of(followed, last, 0, floor(30, " of before")) is Fault.DIFFERENT
    assert fault_of(followed, found(), 0, floor(30, " of before")) is Fault.DIFFERENT
    assert followed(last, 0, floor(30)) == tree(END).root()


@given(sizes=st.lists(st.integers(0, 30), max_size=4), size=st.integers(0, END), first=st.integers(0, 5))
def test_a_floor_of_this_trail_is_never_a_fault(sizes: list[int], size: int, first: int) -> None:
    """A lower one, of a database that was put back, or a higher one than all that is on the topic."""
    last = found(*(signed(each) for each in sorted(sizes)), floor=floor(size))
    if max(sizes, default=0) >= first:
        assert followed(last, first, floor(size)) == tree(END).root()
    else:
        assert fault_of(followed, last, first, floor(size)) is Fault.GAP


@pytest.mark.parametrize("size", [2, 5, 9, 20])
def test_a_floor_of_another_trail_is_a_fault_wherever_it_can_be_compared(size: int) -> None:
    last = found(signed(2), signed(9))
    assert fault_of(followed, last, 0, floor(size, " of another")) is Fault.DIFFERENT


def test_replays_of_old_checkpoints_lead_nowhere_below_the_floor() -> None:
    last = found(signed(30), *([signed(2), signed(9)] * 3))
    flooded = found(*([signed(2), signed(9)] * 3))
    assert flooded.enough(0)
    for each in (last, flooded):
        assert followed(each, 0, floor(30)) == tree(END).root()
        assert fault_of(followed, each, 0, floor(30, " of before")) is Fault.DIFFERENT


LIES = [
    [signed(size, RETIRED_SEED, " of a thief") for size in sizes]
    for sizes in ([7], [8, 9], [9], [5, 20], [10, 30], [29, 30], [30, 31, 39, 40], [39, 40], [99, 100])
]


@pytest.mark.parametrize("lies", LIES, ids=range(len(LIES)))
@pytest.mark.parametrize("first", [0, 5, 9])
def test_whoever_has_a_retired_key_cannot_stop_what_todays_key_signs(lies: list[Sent], first: int) -> None:
    honest = [signed(4, RETIRED_SEED), signed(8, RETIRED_SEED)]
    for todays in ([signed(9)], [signed(9), signed(12)]):
        for before in (None, floor(9), floor(30)):
            last = found(*honest, *todays, *lies, floor=before)
            assert followed(last, first, before) == tree(END).root()


@pytest.mark.parametrize("lies", LIES, ids=range(len(LIES)))
@pytest.mark.parametrize("first", [0, 5, 9, 30])
def test_nor_can_it_stop_the_first_signature_of_todays_key(lies: list[Sent], first: int) -> None:
    """Just after the change of keys: all that is signed is by the retired one, and the floor is known."""
    honest = [signed(size, RETIRED_SEED) for size in (4, 8, 29, 30)]
    for last in (found(*honest, *lies, floor=floor(30)), found(*lies, *honest, floor=floor(30))):
        assert followed(last, first, floor(30)) == tree(END).root()


@pytest.mark.parametrize("lies", LIES, ids=range(len(LIES)))
def test_without_a_floor_a_whole_trail_needs_no_word_of_a_retired_key(lies: list[Sent]) -> None:
    assert followed(found(signed(8, RETIRED_SEED), *lies), 0, None) == tree(END).root()


def test_an_honest_retired_key_is_where_to_begin() -> None:
    old = [signed(size, RETIRED_SEED) for size in (4, 8, 30)]
    assert follow_from(found(*old, floor=floor(30)), 0, END, floor(30)).size == 8
    assert follow_from(found(*old), 5, END).size == 8
    assert follow_from(found(*old, floor=floor(30)), 9, END, floor(30)).size == 30
    assert follow_from(found(*old, signed(31)), 0, END).size == 30
    assert fault_of(follow_from, found(*old), 31, END) is Fault.GAP


def test_a_trail_that_was_cut_and_has_grown_since_is_found_also_when_the_key_has_just_changed() -> None:
    old = [signed(size, RETIRED_SEED) for size in (4, 8, 30)]
    assert fault_of(followed, found(*old, floor=floor(30)), 0, floor(30), " of another") is Fault.DIFFERENT
    assert fault_of(followed, found(*old, signed(31)), 0, None, " of another") is Fault.DIFFERENT
