"""A record that no client can decode: whether it is one, and where the next batch of its partition begins.

Kafka sends whole batches and aiokafka decodes them from their start, so of a batch with such a record
nothing can be read that stands behind it. A batch's header says where it ends, though, and is not compressed.
"""

import asyncio
import struct
from dataclasses import dataclass
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.fetch import FetchRequest

from runtime.errors import UserError
from runtime.kafka_settings import Kafka
from runtime.order_topic import TopicFacts, single_reader

_HEADER: Final = struct.Struct(">qiibIhiqq")
"""Base offset, length, leader epoch, format, checksum, attributes, last offset's distance, both times."""
_FORMAT: Final = 2
_READ_SECONDS: Final = 5.0
_HEADER_BYTES: Final = 64 * 1024


@dataclass(frozen=True)
class Unfetchable:
    """A range that nobody can read, up to but not with `until`; the time is the first of its batch."""

    topic_id: str | None
    until: int
    timestamp: int


async def unfetchable(kafka: Kafka, facts: TopicFacts, partition: int, offset: int) -> Unfetchable:
    """What cannot be read from this offset of the order topic on.

    Raises UserError when the group does not wait there, or the record can be fetched; KafkaError, OSError,
    TimeoutError when Kafka does not answer.
    """
    place = f"{kafka.order_topic}/{partition}"
    known = facts.partitions.get(partition)
    if known is None:
        raise UserError(f"{kafka.order_topic} has no partition {partition}")
    if known.next != offset:
        raise UserError(f"{place}: the group waits at offset {known.next}, not at {offset}")
    if not known.unread:
        raise UserError(f"{place}: there is no record at offset {offset}; nothing is to be stepped over")
    async with single_reader(kafka) as reader:
        if await _can_be_read(reader, TopicPartition(kafka.order_topic, partition), offset):
            raise UserError(f"{place}: the record at offset {offset} can be fetched; nothing is blocked")
        until, timestamp = await _batch(reader._client, kafka.order_topic, partition, offset)  # noqa: SLF001
    return Unfetchable(facts.topic_id, until, timestamp)


async def _can_be_read(reader: AIOKafkaConsumer, partition: TopicPartition, offset: int) -> bool:
    """Raises TimeoutError when there was no answer: then nobody knows."""
    reader.assign([partition])
    reader.seek(partition, offset)
    try:
        async with asyncio.timeout(_READ_SECONDS):
            await reader.getone(partition)
    except TimeoutError:
        raise
    except Exception:  # noqa: BLE001 - whatever a decoder makes of bytes that are none of its kind
        return False
    return True


async def _batch(client: AIOKafkaClient, topic: str, partition: int, offset: int) -> tuple[int, int]:
    """Where the batch that holds the offset ends, and its first time. Raises KafkaError, UserError."""
    node = client.cluster.leader_for_partition(TopicPartition(topic, partition))
    request = FetchRequest(1000, 1, _HEADER_BYTES, 0, [(topic, [(partition, offset, _HEADER_BYTES)])])
    answer = await client.send(node, request)
    ((_, ((_, code, *_, records),)),) = answer.topics
    if code:
        error: type[KafkaError] = for_code(code)
        raise error
    if len(records) < _HEADER.size:
        raise UserError(f"{topic}/{partition}: nothing is sent at offset {offset}")
    base, _, _, form, _, _, distance, first_time, _ = _HEADER.unpack_from(records)
    if form != _FORMAT or not base <= offset <= base + distance:
        raise UserError(f"{topic}/{partition}: the batch at offset {offset} is of no known form")
    return base + distance + 1, first_time
