"""Looking for some subjects on the audit topic: a read of its one partition, with a bound and a deadline."""

import asyncio
import json
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from audit.events import event_of
from audit.templates import timestamp
from records.clock import MAX_DIFFERENCE
from runtime.kafka_settings import Kafka
from runtime.process import told
from runtime.topics import KAFKA_AWAY, require_topic
from runtime.trail import PARTITION, partition_reader

_ANSWER_SECONDS: Final = 10.0
_LOOK_MS: Final = 500
_MARGIN: Final = timedelta(days=1)
"""How far the clock of whoever wrote the topic may be behind."""
_CLOCKS: Final = 2 * MAX_DIFFERENCE

Progress = Callable[[int, int], None]
"""Is told how many records were read, of how many."""


@dataclass
class Scan:
    """What was found, and how much of the topic was read: offsets from `first` on, before `end`."""

    first: int = 0
    read_to: int = 0
    end: int = 0
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By their ids; a repeat is dropped. Each has its `offset` beside its own members."""
    malformed: int = 0
    away: str | None = None
    """Why Kafka was of no help, where it was not."""

    @property
    def complete(self) -> bool:
        """Whether all of it was read that was there at the beginning."""
        return self.away is None and self.read_to >= self.end

    def add(self, offset: int, value: bytes | None) -> None:
        """Takes one record that bears a wanted key. The topic is read by those who do not trust it."""
        try:
            event_of(value)
        except ValueError:
            self.malformed += 1
            return
        event = json.loads(value or b"")
        self.events.setdefault(event["id"], {"offset": offset, **event})

    def leave_out_before(self, times: Mapping[str, datetime]) -> None:
        """Drops events of a subject from before its time (UTC): then it was the name of something else."""
        earliest = {subject: timestamp(time - _CLOCKS) for subject, time in times.items()}
        self.events = {
            identifier: event
            for identifier, event in self.events.items()
            if event["time"] >= earliest.get(event["subject"], "")
        }

    @property
    def acts(self) -> dict[str, str]:
        """The types that were found, with the time of the first of each."""
        found: dict[str, str] = {}
        for event in self.events.values():
            found.setdefault(event["type"], event["time"])
        return found


async def scan(
    kafka: Kafka, subjects: Collection[str], since: datetime | None, seconds: float, progress: Progress
) -> Scan:
    """The events of these subjects since a time (of all time without it), read for at most so long.

    Never fails: what Kafka does not give is said in the result.
    """
    result, wanted = Scan(), {subject.encode() for subject in subjects}
    deadline = time.monotonic() + seconds
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            await require_topic(kafka, kafka.audit_topic)
        async with partition_reader(kafka, kafka.audit_topic) as (reader, earliest, end):
            partition = TopicPartition(kafka.audit_topic, PARTITION)
            result.first = result.read_to = await _first(reader, partition, since, earliest, end)
            result.end = end
            reader.seek(partition, result.first)
            while result.read_to < result.end and time.monotonic() < deadline:
                await _read(reader, partition, wanted, result)
                progress(result.read_to - result.first, result.end - result.first)
    except KAFKA_AWAY as error:
        result.away = told(error)
    return result


async def _first(
    consumer: AIOKafkaConsumer,
    partition: TopicPartition,
    since: datetime | None,
    earliest: int,
    end: int,
) -> int:
    """What came before the order itself says nothing of it, so a known time spares most of the topic."""
    if since is None:
        return earliest
    moment = max(0, int((since - _MARGIN).timestamp() * 1000))
    async with asyncio.timeout(_ANSWER_SECONDS):
        found = (await consumer.offsets_for_times({partition: moment}))[partition]
    return end if found is None else max(earliest, int(found.offset))


async def _read(
    consumer: AIOKafkaConsumer, partition: TopicPartition, wanted: set[bytes], result: Scan
) -> None:
    for record in (await consumer.getmany(partition, timeout_ms=_LOOK_MS)).get(partition, ()):
        if record.key in wanted and record.offset < result.end:
            result.add(record.offset, record.value)
    result.read_to = max(result.read_to, await consumer.position(partition))
