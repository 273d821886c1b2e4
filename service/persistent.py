"""A batch that fails again and again: its bad events are found, so that they hold up no other."""

import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeAlias

import structlog
from aiokafka import ConsumerRecord

from records.clock import ClockUntrusted
from records.mongo.errors import StoreUnavailable

log = structlog.get_logger(__name__)

_MAX_FAILURES: Final = 3
_PATIENCE_SECONDS: Final = 120.0
"""A search has to end before Kafka takes the consumer for dead: it asks for events again in five minutes."""
WAITING_HELPS: Final = (StoreUnavailable, ClockUntrusted)
"""What is never an event's fault, however often it happens."""

Event: TypeAlias = "ConsumerRecord[bytes, bytes]"
Batch = Sequence[Event]
Place = tuple[str, int, int, int]
"""Topic, partition, offset and time of an event."""


class Sink(Protocol):
    """Where events go: all of them, or one alone into the quarantine."""

    async def take(self, events: Batch) -> None: ...

    async def set_aside(self, event: Event) -> None: ...


class Persistent:
    """Takes batches; after three failures in a row, for which waiting is no remedy, finds the bad events.

    By halves: one bad event among a thousand costs twenty tries.
    """

    def __init__(self, sink: Sink, clock: Callable[[], float] = time.monotonic) -> None:
        self._sink = sink
        self._clock = clock
        self._failures = 0
        self._done: set[Place] = set()

    async def take(self, events: Batch) -> None:
        """Raises whatever the sink raises: then nothing of the batch may be committed."""
        rest = [event for event in events if _place(event) not in self._done]
        try:
            if self._failures < _MAX_FAILURES:
                await self._sink.take(rest)
            else:
                await self._without_the_bad(rest)
        except WAITING_HELPS:
            self._failures = 0
            raise
        except Exception:
            self._failures += 1
            raise
        self._failures = 0
        self._done.clear()

    async def _without_the_bad(self, events: Batch) -> None:
        search = _Search(self._sink, self._clock)
        await search.run(events)
        self._done.update(map(_place, search.stored))
        if search.error is not None and not self._done and len(events) > 1:
            # No event is to blame when none at all can be stored. Such a search costs two tries an event, so
            # whole batches are tried for a while.
            self._failures = 0
            raise search.error
        for event, error in search.bad:
            log.error(
                "an event cannot be stored: it goes to quarantine",
                topic=event.topic,
                partition=event.partition,
                offset=event.offset,
                exc_info=error,
            )
            await self._sink.set_aside(event)
            self._done.add(_place(event))
        if search.error is not None and search.left:
            raise search.error  # the poll has a deadline, too: what was done stays done


class _Search:
    """Tries the halves of what fails, until what fails is one event, or the time is over."""

    def __init__(self, sink: Sink, clock: Callable[[], float]) -> None:
        self._sink = sink
        self._clock = clock
        self._end = clock() + _PATIENCE_SECONDS
        self.stored: list[Event] = []
        self.error: Exception | None = None
        self.bad: list[tuple[Event, Exception]] = []
        self.left: list[Batch] = []

    async def run(self, events: Batch) -> None:
        self.left = [events]
        while self.left and self._clock() < self._end:
            part = self.left.pop()
            try:
                await self._sink.take(part)
            except WAITING_HELPS:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, the other events must go on
                self.error = error
                self._divide(part, error)
            else:
                self.stored += part

    def _divide(self, part: Batch, error: Exception) -> None:
        if len(part) == 1:
            self.bad.append((part[0], error))
            return
        half = len(part) // 2
        self.left += [part[half:], part[:half]]


def _place(event: Event) -> Place:
    return event.topic, event.partition, event.offset, event.timestamp
