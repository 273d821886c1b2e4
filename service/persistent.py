"""A batch that fails again and again: its events one by one, so that a bad one holds up no other."""

from collections.abc import Sequence
from typing import Final, Protocol

import structlog
from aiokafka import ConsumerRecord

from records.clock import ClockUntrusted
from records.mongo.errors import StoreUnavailable

log = structlog.get_logger(__name__)

_MAX_FAILURES: Final = 3
WAITING_HELPS: Final = (StoreUnavailable, ClockUntrusted)
"""What is never an event's fault, however often it happens."""

Batch = Sequence["ConsumerRecord[bytes, bytes]"]


class Sink(Protocol):
    """Where events go: all of them, or one alone into the quarantine."""

    async def take(self, events: Batch) -> None: ...

    async def set_aside(self, event: "ConsumerRecord[bytes, bytes]") -> None: ...


class Persistent:
    """Takes batches; after three failures in a row, for which waiting is no remedy, event by event."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._failures = 0

    async def take(self, events: Batch) -> None:
        """Raises whatever the sink raises: then nothing of the batch may be committed."""
        try:
            if self._failures < _MAX_FAILURES:
                await self._sink.take(events)
            else:
                await self._one_by_one(events)
        except WAITING_HELPS:
            self._failures = 0
            raise
        except Exception:
            self._failures += 1
            raise
        self._failures = 0

    async def _one_by_one(self, events: Batch) -> None:
        failures = [(event, error) for event in events if (error := await self._failure_of(event))]
        if len(failures) == len(events) > 1:
            raise failures[0][1]  # no event is to blame when none at all can be stored
        for event, error in failures:
            log.error(
                "an event cannot be stored: it goes to quarantine",
                topic=event.topic,
                partition=event.partition,
                offset=event.offset,
                exc_info=error,
            )
            await self._sink.set_aside(event)

    async def _failure_of(self, event: "ConsumerRecord[bytes, bytes]") -> Exception | None:
        try:
            await self._sink.take([event])
        except WAITING_HELPS:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the other events must go on
            return error
        return None
