"""A repeat is no erasure more, whenever it comes; a number is missing, or given twice, only where it is."""

import hashlib
import random
from collections.abc import Iterable, Sequence

from hypothesis import given
from hypothesis import strategies as st

from audit.batches import ERASING, MAX_BATCH
from audit.counting import Numbers
from audit.findings import Findings
from audit.repeats import LatestEvents, Seen

Event = tuple[int, int, int, str]
"""n, position, size, and whatever else is in it."""


def batch(n: int, size: int = 4, content: str = "") -> list[Event]:
    return [(n, position, size, content) for position in range(size)]


def leaf(event: Event) -> bytes:
    return hashlib.sha256(repr(event).encode()).digest()


def count(
    events: Iterable[Event], *, window: int = 100, from_beginning: bool = True, cut: bool = False
) -> tuple[Numbers, dict[str, list[str]]]:
    """As a verification does, but an event's id is all of it."""
    findings = Findings()
    numbers, latest = Numbers(findings, from_beginning=from_beginning), LatestEvents(window)
    for event in events:
        n, position, size, content = event
        if latest.see(repr(event).encode(), leaf(event)) is Seen.FIRST:
            numbers.take(n, position, size, leaf(event), ERASING[content == "deleted"])
        else:
            numbers.repeated(n, position, leaf(event))
    numbers.finish(cut=cut)
    return numbers, {finding.kind.value: finding.texts for finding in findings}


def found_lately(events: Iterable[Event], window: int) -> int:
    latest = LatestEvents(window)
    return sum(latest.see(repr(event).encode(), leaf(event)) is Seen.REPEAT for event in events)


def sent(sizes: Sequence[int], seed: int) -> list[Event]:
    """As a relay sends that is killed over and over, and then repeats up to ten entries."""
    chance, batches = random.Random(seed), [batch(n, size) for n, size in enumerate(sizes, 1)]
    events, removed, next_one = list[Event](), 0, 0
    while next_one < len(batches):
        events += batches[next_one]
        next_one += 1
        if chance.random() < 0.4:
            if next_one < len(batches):
                events += batches[next_one][: chance.randrange(len(batches[next_one]))]
            next_one = max(removed, next_one - 10)
        if chance.random() < 0.5:
            removed = next_one
    return events


@given(st.lists(st.integers(1, 6), min_size=1, max_size=30), st.integers(0, 2**32))
def test_a_relay_that_is_killed_and_repeats_makes_no_finding(sizes: list[int], seed: int) -> None:
    numbers, found = count(sent(sizes, seed), window=60)
    assert found == {}
    assert (numbers.first, numbers.last, numbers.batches) == (1, len(sizes), len(sizes))


def test_the_end_of_a_batch_may_come_before_its_beginning() -> None:
    first = batch(1, 6)
    _, found = count([*first[3:], *first, *batch(2)])
    assert found == {}


@given(st.integers(0, 20), st.integers(1, 30))
def test_what_a_backup_sends_again_much_later_is_known_again(at: int, window: int) -> None:
    """Whatever part of it is still in the window."""
    events = [event for n in range(1, 31) for event in batch(n)]
    again = [event for n in range(at + 1, 31) for event in batch(n)]
    numbers, found = count([*events, *again, *batch(31)], window=window)
    assert found == {}
    assert numbers.last == 31
    assert numbers.late_repeats + found_lately([*events, *again], window) == len(again)


def test_a_late_repeat_that_is_itself_cut_off_and_repeated_is_known_again() -> None:
    events = [event for n in range(1, 31) for event in batch(n)]
    _, found = count([*events, *batch(1)[:2], *batch(1), *batch(2), *batch(31)], window=8)
    assert found == {}


def test_a_number_that_comes_back_for_other_events_is_given_twice_however_late() -> None:
    events = [event for n in range(1, 31) for event in batch(n)]
    for again in (batch(3, content="other"), batch(3)[:2], batch(30, content="other"), batch(3, size=5)):
        _, found = count([*events, *again], window=8)
        assert list(found) == ["N_TWICE"], again


def test_a_batch_of_two_sizes_is_given_twice() -> None:
    _, found = count([*batch(1, 4)[:2], *batch(1, 3)])
    assert found["N_TWICE"] == ["number 1 has batches of 4 and of 3 events"] * 3


def test_a_place_in_a_batch_that_is_given_twice_is_seen_also_while_it_goes_on() -> None:
    _, found = count([*batch(1)[:3], *batch(1, content="other"), *batch(2)])
    assert found["N_TWICE"] == [f"number 1 has two events at position {place}" for place in range(3)]


def test_a_batch_of_two_types_is_not_whole() -> None:
    _, found = count([*batch(1)[:3], *batch(1, content="deleted")[3:], *batch(2)])
    assert found["BATCH_INCOMPLETE"] == ["batch 1 has events of two types", "batch 1 has 3 of its 4 events"]


def test_a_batch_that_never_becomes_whole_is_told_when_the_next_begins_and_at_the_end() -> None:
    _, found = count([*batch(1)[:3], *batch(2), *batch(3)[1:]])
    assert found == {"BATCH_INCOMPLETE": ["batch 1 has 3 of its 4 events", "batch 3 has 3 of its 4 events"]}
    _, found = count([*batch(1), *batch(2)[:3]], cut=True)
    assert found == {}


def test_a_part_of_a_trail_may_begin_within_a_batch() -> None:
    numbers, found = count([*batch(7)[2:], *batch(8), *batch(9)], from_beginning=False)
    assert found == {}
    assert (numbers.first, numbers.last) == (7, 9)
    _, found = count([*batch(7), *batch(9), *batch(11)], from_beginning=False)
    assert found == {"N_SKIPPED": ["number 10 is missing"]}


def test_numbers_and_sizes_beyond_all_measure_take_no_memory() -> None:
    huge = 10**17
    _, found = count([*batch(1), (huge, 0, 1, ""), (huge + 1, 0, huge, ""), (huge + 1, 5, 4, "")])
    assert found["N_SKIPPED"] == [f"numbers 2 to {huge - 1} are missing"]
    assert found["BATCH_INCOMPLETE"] == [
        f"batch {huge + 1} says it has {huge} events: no batch is so large",
        f"batch {huge + 1} of 4 events has one at position 5",
        f"batch {huge + 1} has 0 of its 4 events",
    ]
    assert huge > MAX_BATCH


def test_the_window_forgets_the_oldest_events_only() -> None:
    latest = LatestEvents(10)
    for number in range(25):
        assert latest.see(b"%d" % number, b"leaf") is Seen.FIRST
    assert all(latest.see(b"%d" % number, b"leaf") is Seen.REPEAT for number in range(15, 25))
    assert latest.see(b"20", b"other") is Seen.CONFLICT
    assert latest.see(b"3", b"other") is Seen.FIRST
