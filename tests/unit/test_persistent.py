"""A batch that fails again and again: a bad event goes alone, and no outage is ever taken for one."""

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from records.clock import ClockUntrusted
from records.mongo.errors import StoreError, StoreUnavailable
from service.persistent import Batch, Persistent


@dataclass(frozen=True)
class _Event:
    offset: int
    topic: str = "orders"
    partition: int = 0


@dataclass
class _Store:
    """Fails for bad events, or for whatever it is told."""

    bad: set[int]
    error: Exception = field(default_factory=lambda: KeyError("a fault of ours"))
    stored: set[int] = field(default_factory=set)
    set_apart: list[int] = field(default_factory=list)

    async def take(self, events: Batch) -> None:
        if self.bad & {event.offset for event in events}:
            raise self.error
        self.stored |= {event.offset for event in events}

    async def set_aside(self, event: Any) -> None:
        self.set_apart.append(event.offset)


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


async def test_an_outage_while_events_go_one_by_one_keeps_them_all() -> None:
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
