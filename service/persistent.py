"""A batch that fails again and again: its bad events are found, so that they hold up no other."""

import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeAlias

import structlog
from aiokafka import ConsumerRecord

from records.clock import ClockUntrusted
from records.mongo.errors import StoreForbidden, StoreUnavailable

log = structlog.get_logger(__name__)

_MAX_FAILURES: Final = 3
_PATIENCE_SECONDS: Final = 120.0
"""What is tried has to end before Kafka takes the consumer for dead, after five minutes without a poll."""
_SMALLEST, _WHOLE = 25, 2**20
"""How many events are stored at once: so many for which MongoDB has time, at most all of a batch."""
WAITING_HELPS: Final = (StoreUnavailable, StoreForbidden, ClockUntrusted)
"""What is never an event's fault, however often it happens."""

Event: TypeAlias = "ConsumerRecord[bytes, bytes]"
Batch = Sequence[Event]
Place = tuple[str, int, int, int]
"""Topic, partition, offset and time of an event."""


class Sink(Protocol):
    """Where events go: all of them, or one alone into the quarantine."""

    async def take(self, events: Batch) -> None: ...

    async def set_aside(self, event: Event) -> None: ...

    async def rehearse(self) -> None:
        """Raises what keeps any order at all from being stored."""


class Persistent:
    """Takes batches; after three failures in a row, for which waiting is no remedy, finds the bad events.

    By halves: one bad event among a thousand costs twenty tries. No event is blamed unless an order that
    is known to be good could be stored just before and just after. A batch for which MongoDB has no time is
    taken in smaller parts.
    """

    def __init__(self, sink: Sink, clock: Callable[[], float] = time.monotonic) -> None:
        self._sink = sink
        self._clock = clock
        self._failures = 0
        self._largest = _WHOLE
        self._done: set[Place] = set()

    async def take(self, events: Batch) -> None:
        """Raises whatever the sink raises: then nothing of the batch may be committed."""
        rest = [event for event in events if _place(event) not in self._done]
        try:
            if self._failures < _MAX_FAILURES:
                await self._in_parts(rest)
            else:
                await self._without_the_bad(rest)
        except WAITING_HELPS:
            self._failures = 0
            self._largest = max(_SMALLEST, min(self._largest, len(rest)) // 2)
            raise
        except Exception:
            self._failures += 1
            raise
        self._failures = 0
        self._largest = min(_WHOLE, 2 * self._largest)
        self._done.clear()

    async def _in_parts(self, events: Batch) -> None:
        """All at once, unless that failed; what is stored is not tried again when a later part fails."""
        end = self._clock() + _PATIENCE_SECONDS
        while events:
            part, events = events[: self._largest], events[self._largest :]
            await self._sink.take(part)
            if events:
                self._done.update(map(_place, part))
                if self._clock() > end:
                    raise StoreUnavailable("a batch takes too long: what is left of it comes again")

    async def _without_the_bad(self, events: Batch) -> None:
        await self._sink.rehearse()
        search = _Search(self._sink, self._clock)
        await search.run(events)
        self._done.update(map(_place, search.stored))
        if search.bad:
            await self._sink.rehearse()  # it may have begun to fail in the middle of the search
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
        self.left = [events] if events else []
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
