"""Reading the trail's topics: the end backwards, or all of it; of no group, so nothing is committed."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, TypeAlias

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from runtime.bounded_codecs import UnpacksTooLarge, bound_codecs
from runtime.consumer_stop import stop_whole
from runtime.kafka import client_options
from runtime.kafka_settings import Kafka
from runtime.record_headers import TooManyHeaders
from runtime.topics import TopicMissing, topic_partitions

PARTITION: Final = 0
"""Offset = position in the trail, so there is one partition; every event goes there by number."""
_WINDOW: Final = 1000
_WIDER: Final = 4
_WIDEST: Final = 16_000
"""A window is read within the shortest deadline, or the next try would begin it anew."""
_LOOK_MS: Final = 500
_REQUEST_MS: Final = 4000
_ANSWER_SECONDS: Final = 10.0
_QUIET_SECONDS: Final = 30.0

UNDECODABLE: Final = (ValueError, UnpacksTooLarge, TooManyHeaders)
"""What a record makes of its reader that no client can decode; ValueError: a header's name is not UTF-8."""

Event: TypeAlias = "ConsumerRecord[bytes, bytes]"
Take: TypeAlias = Callable[[bytes | None], None]


class BackwardReading:
    """Gives values from the end of the audit topic on, at least the last thousand, until there are enough.

    Within a window they come in their order, and each window is wider than the one before. What no client
    can decode is passed over, with all that was sent in one batch with it. A next try goes
    on where the last one had to stop, so that an end is reached however long the way is.
    """

    def __init__(self, kafka: Kafka, take: Take, enough: Callable[[], bool]) -> None:
        self._kafka = kafka
        self._take = take
        self._enough = enough
        self._end: int | None = None
        self._lower = 0
        self._size = _WINDOW

    async def go_on(self, seconds: float) -> bool:
        """False without topic. Raises KafkaError, OSError, UserError, and TimeoutError after so long."""
        async with asyncio.timeout(seconds):
            if not await topic_partitions(self._kafka, self._kafka.audit_topic):
                return False
            async with partition_reader(self._kafka, self._kafka.audit_topic) as (reader, first, end):
                await self._read_since(reader, end)
                while self._lower > first and not (self._lower < end and self._enough()):
                    lower = max(first, self._lower - self._size)
                    await self._read(reader, lower, self._lower)
                    self._lower, self._size = lower, min(_WIDER * self._size, _WIDEST)
        return True

    async def _read_since(self, reader: AIOKafkaConsumer, end: int) -> None:
        """What came since the last try; all begins anew where that is much, or the topic was made anew."""
        if self._end is None or not 0 <= end - self._end <= _WIDEST:
            self._lower, self._size = end, _WINDOW
        else:
            await self._read(reader, self._end, end)
        self._end = end

    async def _read(self, reader: AIOKafkaConsumer, lower: int, upper: int) -> None:
        window = list[Event]()
        await _read_what_can_be(reader, _partition(self._kafka), lower, upper, window)
        for record in window:
            self._take(record.value)


async def read_latest(
    kafka: Kafka, topic: str, take: Callable[[Event], None], enough: Callable[[], bool]
) -> None:
    """Gives records from the newest on, at least the last thousand, until there are enough or no more.

    What no client can decode is passed over, with all that was sent in one batch with it.

    Raises TopicMissing, KafkaError, OSError, UserError, and TimeoutError when nothing comes for 30 seconds.
    """
    async with asyncio.timeout(_ANSWER_SECONDS):
        if not await topic_partitions(kafka, topic):
            raise TopicMissing(topic)
    async with partition_reader(kafka, topic) as (reader, first, end):
        upper = end
        while upper > first and not (upper < end and enough()):
            lower, window = max(first, upper - _WINDOW), list[Event]()
            async with asyncio.timeout(_QUIET_SECONDS):
                await _read_what_can_be(reader, TopicPartition(topic, PARTITION), lower, upper, window)
            for record in reversed(window):
                take(record)
            upper = lower


async def _read_what_can_be(
    reader: AIOKafkaConsumer, partition: TopicPartition, lower: int, upper: int, window: list[Event]
) -> None:
    try:
        await _read(reader, partition, lower, upper, window.append)
    except UNDECODABLE:
        # aiokafka drops the good ones that it has met before it in the same call: so, one at a time.
        window.clear()
        while lower < upper:
            with suppress(*UNDECODABLE):
                await _read(reader, partition, lower, upper, window.append, at_once=1)
                return
            lower = max(lower, await reader.position(partition)) + 1


async def _read(
    reader: AIOKafkaConsumer,
    partition: TopicPartition,
    lower: int,
    upper: int,
    take: Callable[[Event], None],
    at_once: int | None = None,
) -> None:
    reader.seek(partition, lower)
    position = lower
    while position < upper:  # bounded by the caller's deadline
        found = await reader.getmany(partition, timeout_ms=_LOOK_MS, max_records=at_once)
        for record in found.get(partition, ()):
            if record.offset < upper:
                take(record)
        position = await reader.position(partition)


async def read_range(
    kafka: Kafka,
    topic: str,
    begin: int = 0,
    stop: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    passed_over: Callable[[int], None] | None = None,
) -> AsyncGenerator[list[Event], None]:
    """What is on the topic now from the offset `begin` on and before `stop`, in batches.

    `progress` hears how many, of how many; `passed_over` the offset of what no client can decode, before
    what comes after it. Raises TopicMissing, KafkaError, OSError, UserError, TimeoutError when nothing
    comes for 30 seconds, and without `passed_over` those of UNDECODABLE.
    """
    async with asyncio.timeout(_ANSWER_SECONDS):
        if not await topic_partitions(kafka, topic):
            raise TopicMissing(topic)
    async with partition_reader(kafka, topic) as (reader, there, last):
        partition = TopicPartition(topic, PARTITION)
        first, end = max(begin, there), last if stop is None else min(stop, last)
        reader.seek(partition, first)
        position = first
        while position < end:
            async with asyncio.timeout(_QUIET_SECONDS):
                records, position = await _some_that_can_be(reader, partition, position, passed_over)
            yield [record for record in records if record.offset < end]
            if progress is not None:
                progress(min(position, end) - first, end - first)


async def _some_that_can_be(
    reader: AIOKafkaConsumer,
    partition: TopicPartition,
    before: int,
    passed_over: Callable[[int], None] | None,
) -> tuple[list[Event], int]:
    try:
        return await _some(reader, partition, before)
    except UNDECODABLE:
        if passed_over is None:
            raise
        reader.seek(partition, before)
    try:
        return await _some(reader, partition, before, at_once=1)
    except UNDECODABLE:
        after = max(before, await reader.position(partition)) + 1
        for offset in range(before, after):
            passed_over(offset)
        reader.seek(partition, after)
        return [], after


async def _some(
    reader: AIOKafkaConsumer, partition: TopicPartition, before: int, at_once: int | None = None
) -> tuple[list[Event], int]:
    """The next records, and the position after them; waits until there are some."""
    while True:  # bounded by the caller's deadline
        records = (await reader.getmany(partition, timeout_ms=_LOOK_MS, max_records=at_once)).get(
            partition, []
        )
        position = await reader.position(partition)
        if records or position > before:
            return records, position


@asynccontextmanager
async def partition_reader(
    kafka: Kafka, topic: str, **options: Any
) -> AsyncIterator[tuple[AIOKafkaConsumer, int, int]]:
    """A consumer of a topic's first partition, with its first offset and the one after its last.

    `options` are aiokafka's, in place of ours. Raises KafkaError, OSError, UserError, TimeoutError.
    """
    bound_codecs()
    ours = {"auto_offset_reset": "earliest", "request_timeout_ms": _REQUEST_MS, "retry_backoff_ms": 500}
    consumer = AIOKafkaConsumer(
        **client_options(kafka), group_id=None, enable_auto_commit=False, **{**ours, **options}
    )
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            await consumer.start()
            partition = TopicPartition(topic, PARTITION)
            consumer.assign([partition])
            first = (await consumer.beginning_offsets([partition]))[partition]
            end = (await consumer.end_offsets([partition]))[partition]
        yield consumer, first, end
    finally:
        await stop_whole(consumer, consumer.stop)


def _partition(kafka: Kafka) -> TopicPartition:
    return TopicPartition(kafka.audit_topic, PARTITION)
