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
from records.mongo.errors import StoreError, StoreUnavailable
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

    async def take(self, events: Batch) -> None:
        self.tries += 1
        if self.bad & {event.offset for event in events}:
            raise self.error
        self.stored |= {event.offset for event in events}

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


@pytest.mark.parametrize("error", [StoreUnavailable("away"), ClockUntrusted("an hour")])
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


async def test_when_nothing_at_all_can_be_stored_no_event_is_to_blame() -> None:
    store = _Store({0, 1, 2})
    await failing(Persistent(store), events(3), KeyError, 20)
    assert store.set_apart == []


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
    elif len(bad) == size > 1:
        await failing(persistent, events(size), KeyError, 4)
        bad = set()
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
