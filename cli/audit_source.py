"""Where a trail is read from: its two topics, or a folder that was exported from them."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, TypeAlias

from aiokafka import TopicPartition

from audit.checkpoint_book import CheckpointRecord
from audit.findings import Findings, Kind
from audit.verdict import Batch
from runtime.errors import UserError
from runtime.kafka_settings import Kafka
from runtime.process import told
from runtime.topics import KAFKA_AWAY, require_topic
from runtime.trail import PARTITION, Event, partition_reader, read_range

Progress: TypeAlias = Callable[[int, int], None]
"""Is told how many records were read, of how many."""


@dataclass(frozen=True)
class Edges:
    """What is there: events from `first` on, before `end`.

    `head`: `first` is where the topic begins. `open_end`: `end` is where it ends, but for the `left_out`
    events that nobody had signed when it was `exported`.
    """

    first: int
    end: int
    head: bool = True
    open_end: bool = True
    exported: bool = False
    left_out: int = 0


class Source(Protocol):
    """A trail to read; all of it may raise UserError."""

    async def edges(self) -> Edges:
        """What is there now."""
        ...

    async def offset_at(self, time: datetime) -> int | None:
        """The first event that was written then or later; None where there is none."""
        ...

    def now(self) -> float | None:
        """When it was read from Kafka (seconds since 1970); None: just now."""
        ...

    def checkpoints(self, begin: int, progress: Progress) -> AsyncGenerator[list[CheckpointRecord], None]:
        """The checkpoint topic from an offset on."""
        ...

    def events(self, begin: int, stop: int, progress: Progress) -> AsyncGenerator[Batch, None]:
        """The events from an offset up to but not with another."""
        ...

    def again(self, there: range) -> AsyncGenerator[Batch, None]:
        """The events of a range that `events` gave before, once more, and little beside it is read."""
        ...

    def look_around(self, findings: Findings) -> None:
        """What is wrong with what was read, apart from what it says."""
        ...


class Topics:
    """The live trail."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self._partitions = 1
        self._unreadable = list[int]()

    async def edges(self) -> Edges:
        """What is there now."""
        try:
            self._partitions = await require_topic(self._kafka, self._kafka.audit_topic)
            async with partition_reader(self._kafka, self._kafka.audit_topic) as (_, first, end):
                return Edges(first, end)
        except KAFKA_AWAY as error:
            raise _away(error) from None

    async def offset_at(self, time: datetime) -> int | None:
        """By the times that Kafka has."""
        partition = TopicPartition(self._kafka.audit_topic, PARTITION)
        try:
            async with partition_reader(self._kafka, partition.topic) as (reader, _, _):
                moment = max(0, int(time.timestamp() * 1000))
                found = (await reader.offsets_for_times({partition: moment}))[partition]
                return None if found is None else int(found.offset)
        except KAFKA_AWAY as error:
            raise _away(error) from None

    def now(self) -> float | None:
        """Just now."""
        return None

    async def checkpoints(
        self, begin: int, progress: Progress
    ) -> AsyncGenerator[list[CheckpointRecord], None]:
        """The checkpoint topic from an offset on; what nobody can decode has no value, and so no say."""
        junk, topic = list[int](), self._kafka.checkpoint_topic
        async with aclosing(self._read(topic, begin, None, progress, junk.append)) as batches:
            async for batch in batches:
                unreadable = [CheckpointRecord(offset, None, []) for offset in junk]
                junk.clear()
                yield unreadable + [
                    CheckpointRecord(each.offset, each.value, list(each.headers)) for each in batch
                ]

    async def events(self, begin: int, stop: int, progress: Progress) -> AsyncGenerator[Batch, None]:
        """The events of a range; one that nobody can decode is missing."""
        topic = self._kafka.audit_topic
        async with aclosing(self._read(topic, begin, stop, progress, self._unreadable.append)) as batches:
            async for batch in batches:
                yield Batch(
                    [each.offset for each in batch],
                    [each.value for each in batch],
                    [each.timestamp for each in batch],
                )

    def again(self, there: range) -> AsyncGenerator[Batch, None]:
        """As they are there now."""
        return self.events(there.start, there.stop, NOTHING)

    def look_around(self, findings: Findings) -> None:
        """With a second partition an offset is no place in the trail."""
        for offset in dict.fromkeys(self._unreadable):
            findings.add(Kind.NOT_AN_EVENT, f"the record at {offset} cannot be decoded by any client")
        if self._partitions > 1:
            findings.add(Kind.SECOND_PARTITION, f"the audit topic has {self._partitions} partitions")

    async def _read(
        self,
        topic: str,
        begin: int,
        stop: int | None,
        progress: Progress,
        passed_over: Callable[[int], None],
    ) -> AsyncGenerator[list[Event], None]:
        try:
            found = read_range(self._kafka, topic, begin, stop, progress, passed_over)
            async with aclosing(found) as batches:
                async for batch in batches:
                    yield batch
        except KAFKA_AWAY as error:
            raise _away(error) from None


def _away(error: Exception) -> UserError:
    return UserError(f"Kafka does not give the trail, try again: {told(error)}")


NOTHING: Final[Progress] = lambda _done, _total: None  # noqa: E731 - a name for doing nothing
