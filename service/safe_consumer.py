"""A Kafka consumer that a single bad partition cannot stop, and that forgets nothing it has fetched."""

import asyncio
import gc
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import (
    ConsumerStoppedError,
    CorruptRecordException,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    RecordTooLargeError,
    UnsupportedCodecError,
)

from runtime import metrics
from runtime.bounded_codecs import UnpacksTooLarge, bound_codecs
from runtime.consumer_stop import stop_whole
from runtime.process import told
from runtime.record_headers import TooManyHeaders
from service.beginnings import Beginnings
from service.blocked import BlockedPartitions
from service.consumer_state import (
    current_assignment,
    offset_of_next_record,
    position_of,
    take_back_steps,
)
from service.positions import Settle, StepOver
from service.trouble import Trouble

log = structlog.get_logger(__name__)

MAX_BATCH_BYTES: Final = 32 * 2**20
"""A batch ends with the chunk that reaches this: keys, values and headers together."""
_CHUNK_RECORDS: Final = 32
_HEADER_BYTES: Final = 64
"""What an empty header takes as an object."""
_PAUSE_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.01
_GROUP_PAUSE_SECONDS: Final = 1.0
_STEP_SECONDS: Final = 5.0
_OF_RECORDS: Final = (
    CorruptRecordException,
    RecordTooLargeError,
    TooManyHeaders,
    UnpacksTooLarge,
    UnsupportedCodecError,
)
"""The errors of Kafka that a record can be to blame for, of those that no class of another library tells."""

_Fetched = dict[TopicPartition, list[ConsumerRecord]]


class SafeConsumer(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka ships no types
    """Asks each partition alone, where aiokafka's `getmany` drops what it drained when a later one raises.

    A record that cannot even be fetched (a broken checksum, an unknown codec, a header name that is
    not UTF-8) makes its partition wait, by name and offset in the log, once all before it are
    delivered; the other partitions go on. Reproduced with aiokafka 0.14:
    docs/decisions/own-poll-loop.md. Where a partition is read from, `settle` decides, and nobody else:
    any other `auto_offset_reset` than none would hide what was lost.
    """

    def __init__(self, *topics: str, settle: Settle, step_over: StepOver, **options: Any) -> None:
        bound_codecs()
        super().__init__(*topics, **{**options, "auto_offset_reset": "none"})
        self._turn = 0
        self._cut_short: TopicPartition | None = None
        self._step_over = step_over
        self.beginnings = Beginnings(self, settle)
        self._blocked_partitions = BlockedPartitions(_CHUNK_RECORDS)
        self._trouble = Trouble(self._group_id)
        self._seen: object = None
        self._dropped = False

    @property
    def trouble(self) -> str:
        """The error by which Kafka refused the group or a topic in the last ten seconds; empty for none."""
        return self._trouble.name

    @property
    def troubled_seconds(self) -> float:
        """For how long Kafka has refused the group or a topic so far; 0 when it does not."""
        return self._trouble.seconds

    def blocked(self) -> set[int]:
        """The partitions that wait for a record that cannot be fetched."""
        return {partition.partition for partition in self._blocked_partitions}

    def stands_still(self, offsets: Mapping[int, int]) -> None:
        """Names partitions from which nothing comes, and the offset at which each waits."""
        for partition in self.assignment():
            if (offset := offsets.get(partition.partition)) is not None:
                self._blocked_partitions.stands_still(partition, offset)

    async def stop(self) -> None:
        """Leaves the group. Never fails, and ends within seconds, without Kafka, too."""
        await stop_whole(self, super().stop)

    async def commit(self, offsets: Any = None) -> None:
        """As aiokafka's, but for a record that it would step over. Failures are counted, then raised."""
        take_back_steps(self)
        try:
            await super().commit(offsets)
        except Exception:
            metrics.COMMIT_FAILURES.inc()
            raise

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """As aiokafka's; nothing where another member reads the partition now.

        FastStream's nack seeks partition by partition, and would leave out all that come after such a one.
        """
        if partition in self.assignment():
            super().seek(partition, offset)
            self._dropped = True

    async def getmany(
        self, *_: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> _Fetched:
        """Records by partition, at most `max_records` together; empty after `timeout_ms` milliseconds."""
        end, limit = time.monotonic() + timeout_ms / 1000, max_records or 1000
        while True:  # bounded by `end`
            fetched = await self._fetch(limit) if await self._group_is_well() else {}
            if fetched or time.monotonic() >= end:
                return fetched
            await asyncio.sleep(_POLL_SECONDS)

    async def _group_is_well(self) -> bool:
        try:
            self._coordinator.check_errors()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is not a record's fault
            self._trouble.remember(error)
            await asyncio.sleep(_GROUP_PAUSE_SECONDS)
            return False
        return True

    def _collect(self, assignment: object) -> None:
        """A fetch that is dropped half read refers to itself: up to 96 MiB would stay for minutes.

        What a rebalance drops is there to be collected with the second fetch after it.
        """
        if self._dropped:
            gc.collect()
        self._dropped, self._seen = assignment is not self._seen, assignment

    async def _fetch(self, limit: int) -> _Fetched:
        assignment = current_assignment(self)
        self._collect(assignment)
        partitions = sorted(self.assignment())
        self._blocked_partitions.keep(partitions)
        partitions = await self.beginnings.of(partitions)
        fetched: _Fetched = {}
        size = 0
        for partition in self._in_turn(partitions):
            records: list[ConsumerRecord] = []
            # What comes of another assignment is not settled, and no batch is to be of two.
            while limit > 0 and size < MAX_BATCH_BYTES and current_assignment(self) is assignment:
                chunk = await self._fetch_chunk(partition, limit, in_hand=bool(records))
                if not chunk:
                    break
                records += chunk
                limit -= len(chunk)
                size += _size(chunk)
            if records:
                fetched[partition] = records
            if limit <= 0 or size >= MAX_BATCH_BYTES:
                self._cut_short = partition
                break
        return fetched

    def _in_turn(self, partitions: list[TopicPartition]) -> list[TopicPartition]:
        """Another is first each time, unless one was cut short: what that has unpacked takes memory."""
        if self._cut_short in partitions:
            self._turn = partitions.index(self._cut_short)
        else:
            self._turn = (self._turn + 1) % max(1, len(partitions))
        self._cut_short = None
        return partitions[self._turn :] + partitions[: self._turn]

    async def _fetch_chunk(
        self, partition: TopicPartition, limit: int, *, in_hand: bool
    ) -> list[ConsumerRecord]:
        # aiokafka counts open fetches to know that somebody polls, and miscounts after an error.
        counter = self._subscription
        open_fetches = counter._fetch_count  # noqa: SLF001 - no public way
        at_once = min(limit, self._blocked_partitions.at_once(partition))
        take_back_steps(self)
        try:
            fetched: _Fetched = await super().getmany(partition, max_records=at_once)
        except ConsumerStoppedError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the other partitions must go on
            counter._fetch_count, counter._last_fetch_ended = open_fetches, time.monotonic()  # noqa: SLF001
            if isinstance(error, OffsetOutOfRangeError | NoOffsetForPartitionError):
                self.beginnings.find_anew(partition)
            else:
                await self._let_wait(partition, error, in_hand=in_hand)
            return []
        records = fetched.get(partition, [])
        if records:
            self._blocked_partitions.fetched(partition, records)
        return records

    async def _let_wait(self, partition: TopicPartition, error: Exception, *, in_hand: bool) -> None:
        if isinstance(error, KafkaError) and not isinstance(error, _OF_RECORDS):
            self._trouble.remember(error)
        elif not self._blocked_partitions.failed(partition):
            return  # not paused: those before the bad record come first
        elif (offset := self._offset_behind_marks(partition)) is not None:
            self._blocked_partitions.blocked(partition, offset, error)
            if not in_hand and await self._stepped_over(partition, offset):
                return
        if partition in self.assignment():
            self.pause(partition)
            asyncio.get_running_loop().call_later(_PAUSE_SECONDS, self._let_go_on, partition)

    async def _stepped_over(self, partition: TopicPartition, offset: int) -> bool:
        """Whether somebody had the record stepped over, and its partition goes on behind it.

        The group's offset is moved at once, so nothing of the partition may be in hand: it is not stored yet.
        """
        try:
            async with asyncio.timeout(_STEP_SECONDS):
                until = await self._step_over(
                    partition.topic, partition.partition, offset, self.beginnings.topic_id
                )
                if until is None or position_of(self, partition) != offset:
                    return False
                self.seek(partition, until)
                self._blocked_partitions.stepped_over(partition)
                await self.commit({partition: until})
        except Exception as error:  # noqa: BLE001 - it is looked at again as long as the partition waits
            log.warning("cannot step over a record, trying again", error=told(error))
            return False
        return True

    def _offset_behind_marks(self, partition: TopicPartition) -> int | None:
        """Where the record stands that has just failed; what is fetched next begins there."""
        if (offset := offset_of_next_record(self, partition)) is not None:
            self.seek(partition, offset)
        return position_of(self, partition)

    def _let_go_on(self, partition: TopicPartition) -> None:
        if partition in self.assignment():
            self.resume(partition)


def _size(records: Sequence[ConsumerRecord]) -> int:
    return sum(
        len(record.key or b"")
        + len(record.value or b"")
        + sum(_HEADER_BYTES + len(name) + len(value or b"") for name, value in record.headers)
        for record in records
    )
