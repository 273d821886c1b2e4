"""How the order topic stands: its id and retention, and of each partition how far it was read and how old
the oldest unread event is. Asked without joining the group, so in every state. Changes nothing.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from runtime.bounded_codecs import bound_codecs
from runtime.consumer_stop import stop_whole
from runtime.kafka import admin_client, client_options
from runtime.kafka_settings import Kafka
from runtime.topic_id import topic_id
from runtime.topics import TopicMissing, partition_counts

_LOOK_SECONDS: Final = 15.0
_REQUEST_SECONDS: Final = 4.0
_RECORDS_SECONDS: Final = 4.0
_POLL_SECONDS: Final = 0.01


@dataclass(frozen=True)
class PartitionFacts:
    """Offsets: the first that is there, the one after the last, the group's; and what is still to be read.

    `unread` says whether there is an event: behind the last one there may be marks of transactions.
    `unread_since` is the time of the oldest, in ms since 1970; None where it cannot be fetched.
    """

    first: int
    end: int
    committed: int | None
    unread: bool = False
    unread_since: int | None = None

    @property
    def next(self) -> int:
        """The first offset that was not read."""
        return max(self.first, self.committed or 0)


@dataclass(frozen=True)
class TopicFacts:
    """`retention_seconds` is infinite where events are kept for ever, and None where we may not ask."""

    topic_id: str | None
    retention_seconds: float | None
    partitions: Mapping[int, PartitionFacts]


async def order_topic_facts(kafka: Kafka, wanted: Collection[int] | None) -> TopicFacts:
    """The facts of the order topic, and of the wanted partitions; of all where None.

    Takes 15 seconds at most. Raises KafkaError, OSError, TimeoutError, TopicMissing.
    """
    async with (
        asyncio.timeout(_LOOK_SECONDS),
        admin_client(kafka, _REQUEST_SECONDS) as admin,
        single_reader(kafka) as reader,
    ):
        count = (await partition_counts(admin)).get(kafka.order_topic, 0)
        if not count:
            raise TopicMissing(kafka.order_topic)
        numbers = range(count) if wanted is None else sorted(wanted)
        partitions = [TopicPartition(kafka.order_topic, number) for number in numbers if number < count]
        offsets = await _offsets(admin, reader, kafka.group_id, partitions)
        identifier = await topic_id(admin._client, kafka.order_topic)  # noqa: SLF001 - no public way
        retention = await _retention(admin, kafka.order_topic)
        return TopicFacts(identifier, retention, await _with_times(reader, kafka.order_topic, offsets))


@asynccontextmanager
async def single_reader(kafka: Kafka) -> AsyncIterator[AIOKafkaConsumer]:
    """Of no group, and for single records: a broker sends at least one batch, however small the limit."""
    bound_codecs()
    consumer = AIOKafkaConsumer(
        **client_options(kafka),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        max_partition_fetch_bytes=1,
        request_timeout_ms=int(_REQUEST_SECONDS * 1000),
        retry_backoff_ms=500,
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await stop_whole(consumer, consumer.stop)


async def _offsets(
    admin: AIOKafkaAdminClient, reader: AIOKafkaConsumer, group: str, partitions: list[TopicPartition]
) -> dict[int, PartitionFacts]:
    if not partitions:
        return {}
    first, end = await reader.beginning_offsets(partitions), await reader.end_offsets(partitions)
    committed = await admin.list_consumer_group_offsets(group, partitions=partitions)
    known = {tp: at.offset for tp, at in committed.items() if at.offset >= 0}
    return {tp.partition: PartitionFacts(first[tp], end[tp], known.get(tp)) for tp in partitions}


async def _with_times(
    reader: AIOKafkaConsumer, topic: str, offsets: Mapping[int, PartitionFacts]
) -> dict[int, PartitionFacts]:
    """All partitions are looked at together: one without an answer takes no time from the others."""
    known = dict(offsets)
    waiting = {TopicPartition(topic, n) for n, facts in offsets.items() if facts.next < facts.end}
    if waiting:
        reader.assign(list(waiting))
    for partition in waiting:
        reader.seek(partition, offsets[partition.partition].next)
    until = time.monotonic() + _RECORDS_SECONDS
    while waiting and time.monotonic() < until:
        for partition in list(waiting):
            facts = await _looked_at(reader, partition, offsets[partition.partition])
            if facts is not None:
                known[partition.partition] = facts
                waiting.remove(partition)
        await asyncio.sleep(_POLL_SECONDS)
    for partition in waiting:  # whether it is an event, nobody knows: better an alarm too many
        known[partition.partition] = replace(offsets[partition.partition], unread=True)
    return known


async def _looked_at(
    reader: AIOKafkaConsumer, partition: TopicPartition, facts: PartitionFacts
) -> PartitionFacts | None:
    """The facts with the first record, if it has come; None if it may still come."""
    try:
        fetched = await reader.getmany(partition, timeout_ms=0, max_records=1)
    except Exception:  # noqa: BLE001 - a record that cannot be fetched is named by whoever reads it in earnest
        found = replace(facts, unread=True)
    else:
        if records := fetched.get(partition):
            found = replace(facts, unread=True, unread_since=records[0].timestamp)
        elif await reader.position(partition) >= facts.end:
            found = facts  # nothing but marks of transactions
        else:
            return None
    # Neither asked for again nor kept: what is not read of it would hold up the other partitions.
    reader.pause(partition)
    reader.seek(partition, facts.next)
    return found


async def order_topic_retention(kafka: Kafka) -> float | None:
    """In seconds; infinity where it has no limit, None where the broker does not tell.

    Raises KafkaError, OSError or TimeoutError when none answers.
    """
    async with asyncio.timeout(_LOOK_SECONDS), admin_client(kafka, _REQUEST_SECONDS) as admin:
        return await _retention(admin, kafka.order_topic)


async def _retention(admin: AIOKafkaAdminClient, topic: str) -> float | None:
    answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    for resource in (each for answer in answers for each in answer.to_object()["resources"]):
        for entry in resource["config_entries"] if not resource["error_code"] else ():
            if entry["config_names"] == "retention.ms":
                milliseconds = int(entry["config_value"])
                return milliseconds / 1000 if milliseconds >= 0 else float("inf")
    return None
