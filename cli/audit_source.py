"""Where a trail is read from: its two topics, or a folder that was exported from them."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, TypeAlias

from aiokafka import TopicPartition

from audit.checkpoint_book import CheckpointRecord
from audit.findings import Findings
from audit.verification import Batch
from runtime.errors import UserError
from runtime.kafka_settings import Kafka
from runtime.process import told
from runtime.topics import KAFKA_AWAY
from runtime.trail import PARTITION, Event, partition_reader, read_range

Progress: TypeAlias = Callable[[int, int], None]
"""Is told how many records were read, of how many."""


@dataclass(frozen=True)
class Edges:
    """What is there: events from `first` on, before `end`.

    `head`: `first` is where the topic begins. `open_end`: `end` is where it ends.
    """

    first: int
    end: int
    head: bool = True
    open_end: bool = True


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

    def look_at_the_files(self, findings: Findings) -> None:
        """What is wrong with what was read, apart from what it says."""
        ...


class Topics:
    """The live trail."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka

    async def edges(self) -> Edges:
        """What is there now."""
        try:
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
        """The checkpoint topic from an offset on."""
        async with aclosing(self._read(self._kafka.checkpoint_topic, begin, None, progress)) as batches:
            async for batch in batches:
                yield [CheckpointRecord(each.offset, each.value, list(each.headers)) for each in batch]

    async def events(self, begin: int, stop: int, progress: Progress) -> AsyncGenerator[Batch, None]:
        """The events of a range."""
        async with aclosing(self._read(self._kafka.audit_topic, begin, stop, progress)) as batches:
            async for batch in batches:
                yield Batch(
                    [each.offset for each in batch],
                    [each.value for each in batch],
                    [each.timestamp for each in batch],
                )

    def look_at_the_files(self, findings: Findings) -> None:
        """There are none."""

    async def _read(
        self, topic: str, begin: int, stop: int | None, progress: Progress
    ) -> AsyncGenerator[list[Event], None]:
        try:
            async with aclosing(read_range(self._kafka, topic, begin, stop, progress)) as batches:
                async for batch in batches:
                    yield batch
        except KAFKA_AWAY as error:
            raise _away(error) from None


def _away(error: BaseException) -> UserError:
    return UserError(f"Kafka does not give the trail, try again: {told(error)}")


NOTHING: Final[Progress] = lambda _done, _total: None  # noqa: E731 - a name for doing nothing
