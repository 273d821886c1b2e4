"""A batch that fails again and again: a bad event goes alone, and no outage is ever taken for one."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from records.clock import ClockUntrusted
from records.mongo.errors import StoreError, StoreForbidden, StoreUnavailable
from service.persistent import Batch, Persistent


@dataclass(frozen=True)
class _Event:
    offset: int
    topic: str = "orders"
    partition: int = 0
    timestamp: int = 7


@dataclass
class _Store:
    """Fails for bad events, or for whatever it is told."""

    bad: set[int]
    error: Exception = field(default_factory=lambda: KeyError("a fault of ours"))
    stored: set[int] = field(default_factory=set)
    set_apart: list[int] = field(default_factory=list)
    tries: int = 0
    fails_from: float = float("inf")
    """From so many tries on it stores nothing at all, whatever the event."""
    most: float = float("inf")
    """So many events it can take in time."""

    async def take(self, events: Batch) -> None:
        self.tries += 1
        await self.rehearse()
        if len(events) > self.most:
            raise StoreUnavailable("deadline exceeded")
        if self.bad & {event.offset for event in events}:
            raise self.error
        self.stored |= {event.offset for event in events}

    async def rehearse(self) -> None:
        if self.tries > self.fails_from:
            raise self.error

    async def set_aside(self, event: Any) -> None:
        self.set_apart.append(event.offset)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with structlog.testing.capture_logs():  # to print the tracebacks takes seconds
        yield


def events(count: int) -> Batch:
    return cast("Batch", [_Event(offset) for offset in range(count)])


async def failing(persistent: Persistent, batch: Batch, error: type[Exception], times: int) -> None:
    for _ in range(times):
        with pytest.raises(error):
            await persistent.take(batch)


@pytest.mark.parametrize("error", [KeyError("ours"), StoreError("OperationFailure 2")])
async def test_after_three_failures_the_bad_event_goes_alone_and_the_rest_is_stored(error: Exception) -> None:
    store = _Store({3, 5}, error)
    persistent = Persistent(store)

    await failing(persistent, events(9), type(error), 3)
    assert store.stored == set()
    await persistent.take(events(9))

    assert store.stored == {0, 1, 2, 4, 6, 7, 8}
    assert store.set_apart == [3, 5]


async def test_afterwards_whole_batches_are_taken_again() -> None:
    store = _Store({0})
    persistent = Persistent(store)
    await failing(persistent, events(2), KeyError, 3)
    await persistent.take(events(2))
    await failing(persistent, events(2), KeyError, 1)
    assert store.set_apart == [0]


@pytest.mark.parametrize(
    "error", [StoreUnavailable("away"), StoreForbidden("OperationFailure 13"), ClockUntrusted("an hour")]
)
async def test_an_outage_never_sends_an_event_to_quarantine(error: Exception) -> None:
    store = _Store({0, 1, 2}, error)
    await failing(Persistent(store), events(3), type(error), 20)
    assert store.set_apart == []


async def test_an_outage_while_the_bad_one_is_looked_for_keeps_them_all() -> None:
    store = _Store({1})
    persistent = Persistent(store)
    await failing(persistent, events(3), KeyError, 3)
    store.error = StoreUnavailable("away")
    await failing(persistent, events(3), StoreUnavailable, 5)
    assert store.set_apart == []


@pytest.mark.parametrize("good", [0, 1, 30])
async def test_when_nothing_at_all_can_be_stored_no_event_is_to_blame_and_none_is_tried_alone(
    good: int,
) -> None:
    store = _Store(set(range(good, 40)), fails_from=0)
    await failing(Persistent(store), events(40), KeyError, 20)
    assert (store.set_apart, store.tries) == ([], 3)


@pytest.mark.parametrize("after", range(1, 12))
async def test_when_storing_fails_in_the_middle_of_the_search_no_event_is_to_blame(after: int) -> None:
    store = _Store({9}, fails_from=3 + after)
    persistent = Persistent(store)

    for _ in range(20):
        with suppress(KeyError):
            await persistent.take(events(10))

    assert store.set_apart in ([], [9])


@pytest.mark.parametrize("count", [2, 1000])
async def test_bad_events_among_which_no_good_one_is_go_to_quarantine(count: int) -> None:
    store = _Store(set(range(count)))
    persistent = Persistent(store)
    await failing(persistent, events(count), KeyError, 3)
    await persistent.take(events(count))
    assert store.set_apart == list(range(count))


@pytest.mark.parametrize("most", [25, 40, 600])
async def test_a_batch_that_takes_too_long_is_stored_in_smaller_parts(most: int) -> None:
    store = _Store(set(), most=most)
    persistent = Persistent(store)

    for _ in range(200):
        with suppress(StoreUnavailable):
            await persistent.take(events(1000))
            break

    assert (store.stored, store.set_apart) == (set(range(1000)), [])


async def test_after_an_outage_batches_are_whole_again() -> None:
    store = _Store(set(), StoreUnavailable("away"), fails_from=0)
    persistent = Persistent(store)
    await failing(persistent, events(1000), StoreUnavailable, 20)

    store.fails_from = float("inf")
    tries = []
    for _ in range(8):
        store.tries = 0
        await persistent.take(events(1000))
        tries.append(store.tries)
    assert tries == [40, 20, 10, 5, 3, 2, 1, 1]


async def test_an_empty_batch_asks_for_nothing() -> None:
    store = _Store(set())
    await Persistent(store).take([])
    assert store.tries == 0


async def test_an_event_that_is_alone_and_bad_goes_to_quarantine() -> None:
    store = _Store({0})
    persistent = Persistent(store)
    await failing(persistent, events(1), KeyError, 3)
    await persistent.take(events(1))
    assert store.set_apart == [0]


@pytest.mark.parametrize("bad", [0, 1, 500, 998, 999])
async def test_one_bad_event_among_a_thousand_costs_twenty_tries(bad: int) -> None:
    store = _Store({bad})
    persistent = Persistent(store)
    await failing(persistent, events(1000), KeyError, 3)
    await persistent.take(events(1000))
    assert (len(store.stored), store.set_apart) == (999, [bad])
    assert store.tries - 3 <= 21


@given(st.integers(1, 40).flatmap(lambda size: st.tuples(st.just(size), st.sets(st.integers(0, size - 1)))))
async def test_whatever_is_bad_goes_and_whatever_is_good_is_stored(case: tuple[int, set[int]]) -> None:
    size, bad = case
    store = _Store(bad)
    persistent = Persistent(store)
    if not bad:
        await persistent.take(events(size))
    else:
        await failing(persistent, events(size), KeyError, 3)
        await persistent.take(events(size))
    assert sorted(store.set_apart) == sorted(bad)
    assert store.stored == set(range(size)) - store.bad


async def test_a_search_that_takes_too_long_goes_on_with_the_next_try_where_it_was() -> None:
    store = _Store({0, 9})
    persistent = Persistent(store, clock=lambda: store.tries * 20.0)  # so six tries a search
    await failing(persistent, events(10), KeyError, 4)
    assert (store.set_apart, store.stored) == ([0], {1, 2, 3, 4})
    await failing(persistent, events(10), KeyError, 1)
    await persistent.take(events(10))
    assert (store.set_apart, store.stored) == ([0, 9], set(range(1, 9)))


async def test_bad_events_that_alone_are_left_go_although_nothing_is_stored_beside_them() -> None:
    store = _Store({8, 9})
    persistent = Persistent(store, clock=lambda: store.tries * 30.0)  # so four tries a search
    await failing(persistent, events(10), KeyError, 3)
    for _ in range(9):
        with suppress(KeyError):
            await persistent.take(events(10))
            break
    assert (store.set_apart, store.stored) == ([8, 9], set(range(8)))
