"""Where to read each partition from; what was lost before that is announced first, never passed over."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

import structlog

from records.mongo.client import Database
from records.mongo.outbox import Stamp
from records.mongo.quarantine_skips import skipped_until
from records.mongo.read_positions import pass_over, remembered
from records.read_positions import Found, Lost, Remembered, go_on
from runtime import metrics

log = structlog.get_logger(__name__)

Settle: TypeAlias = Callable[[str, Mapping[int, Found]], Awaitable[dict[int, int]]]
"""From a topic and what was found of its partitions to the offset at which to go on in each."""


StepOver: TypeAlias = Callable[[str, int, int, str | None], Awaitable[int | None]]
"""From topic, partition, offset and topic id to where to go on, if somebody had that record stepped over."""


class Positions:
    """Decides by what Kafka has and what is remembered of it; one of these serves the whole process."""

    def __init__(self, database: Database, stamp: Callable[[], Awaitable[Stamp]]) -> None:
        self._database = database
        self._stamp = stamp

    async def settle(self, topic: str, found: Mapping[int, Found]) -> dict[int, int]:
        """The offset at which to go on in each partition. Raises StoreUnavailable, StoreError.

        Doing it again changes nothing: what was announced is remembered in the same transaction.
        """
        before = await remembered(self._database, topic)
        offsets: dict[int, int] = {}
        for number, partition in found.items():
            result = go_on(partition, before.get(number))
            if result.lost is not None or _not_known(partition, before.get(number)):
                result = await pass_over(self._database, (topic, number), partition, await self._stamp())
            if result.lost is not None:
                _tell(topic, number, result.lost)
            if before and number not in before:
                log.info("a partition was added: it is read from its first event", partition=number)
            offsets[number] = result.offset
        return offsets

    async def step_over(self, topic: str, partition: int, offset: int, topic_id: str | None) -> int | None:
        """Where to go on after a record that cannot be fetched; None while nobody has said to step over it.

        Raises StoreUnavailable.
        """
        until = await skipped_until(self._database, topic, partition, offset, topic_id)
        if until is not None:
            log.critical(
                "a record that cannot be fetched is stepped over",
                topic=topic,
                partition=partition,
                from_offset=offset,
                until_offset=until,
            )
        return until


def _not_known(found: Found, before: Remembered | None) -> bool:
    """Whether there is something to be remembered: the partition, or an id that could not be asked for."""
    return before is None or (before.topic_id is None and found.topic_id is not None)


def _tell(topic: str, partition: int, lost: Lost) -> None:
    metrics.OFFSETS_LOST.labels(topic, partition).inc(lost.end - lost.start)
    log.critical(
        "events are gone that nobody has read: have them sent again",
        topic=topic,
        partition=partition,
        from_offset=lost.start,
        until_offset=lost.end,
        cause=lost.cause.value,
    )
