"""Setting the consumer group back on the order topic, after a database was put back from a backup."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from runtime.consumer_stop import stop_whole
from runtime.errors import UserError
from runtime.kafka import admin_client, client_options
from runtime.kafka_facts import GroupFacts, group_facts
from runtime.kafka_settings import Kafka
from runtime.order_topic import single_reader
from runtime.topic_id import topic_id

_ASK_SECONDS: Final = 20.0
_COMMIT_SECONDS: Final = 20.0
_RECORD_SECONDS: Final = 5.0


@dataclass(frozen=True)
class OrderGroup:
    """The order topic as the group has read it, by partition; `since` is the first offset of a time."""

    topic_id: str | None
    committed: Mapping[int, int]
    first: Mapping[int, int]
    end: Mapping[int, int]
    since: Mapping[int, int]


async def order_group(kafka: Kafka, since: datetime | None) -> OrderGroup | None:
    """How the group stands; None where there is no such group, or no topic.

    Raises UserError while it has members, KafkaError, OSError, TimeoutError.
    """
    async with asyncio.timeout(_ASK_SECONDS):
        facts = await group_facts(kafka)
        if facts is None:
            return None
        if facts.members:
            raise UserError(
                f"consumer group {kafka.group_id} has {facts.members} members: stop `consume` first, and "
                "wait ten seconds for one that was killed"
            )
        async with admin_client(kafka) as admin:
            identifier = await topic_id(admin._client, kafka.order_topic)  # noqa: SLF001 - no public way
        return OrderGroup(
            identifier, facts.committed, facts.first, facts.end, await _since(kafka, facts, since)
        )


async def _since(kafka: Kafka, facts: GroupFacts, since: datetime | None) -> dict[int, int]:
    if since is None or not facts.committed:
        return {}
    milliseconds = max(0, int(since.timestamp() * 1000))
    wanted = {TopicPartition(kafka.order_topic, number): milliseconds for number in facts.committed}
    async with single_reader(kafka) as reader:
        found = await reader.offsets_for_times(wanted)
    return {tp.partition: int(at.offset) for tp, at in found.items() if at is not None}


async def rewind(kafka: Kafka, offsets: Mapping[int, int]) -> None:
    """Commits these offsets for the group, which has no members. Raises KafkaError, OSError, TimeoutError."""
    consumer = AIOKafkaConsumer(
        **client_options(kafka), group_id=kafka.group_id, enable_auto_commit=False, auto_offset_reset="none"
    )
    places = {TopicPartition(kafka.order_topic, number): offset for number, offset in offsets.items()}
    try:
        async with asyncio.timeout(_COMMIT_SECONDS):
            await consumer.start()
            consumer.assign(list(places))
            await consumer.commit(places)
    finally:
        await stop_whole(consumer, consumer.stop)


async def timestamps(
    kafka: Kafka, places: Collection[tuple[int, int]], progress: Callable[[int], None]
) -> dict[tuple[int, int], int]:
    """The time on the order topic (ms since 1970) of records by partition and offset, where they are there.

    Raises KafkaError, OSError.
    """
    found: dict[tuple[int, int], int] = {}
    async with single_reader(kafka) as reader:
        for done, (number, offset) in enumerate(sorted(places)):
            partition = TopicPartition(kafka.order_topic, number)
            reader.assign([partition])
            reader.seek(partition, offset)
            with suppress(Exception):  # what is gone, or cannot be fetched, does not come again
                async with asyncio.timeout(_RECORD_SECONDS):
                    record = await reader.getone(partition)
                if record.offset == offset:
                    found[number, offset] = record.timestamp
            progress(done + 1)
    return found
