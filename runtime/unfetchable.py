"""A record that no client can decode: whether it is one, and where the next batch of its partition begins.

Kafka sends whole batches and aiokafka decodes them from their start, so of a batch with such a record
nothing can be read that stands behind it. A batch's header says where it ends, though, and is not compressed.
"""

import asyncio
import struct
from dataclasses import dataclass
from typing import Final, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.util import calc_crc32c

from runtime.errors import UserError
from runtime.kafka_settings import Kafka
from runtime.order_topic import TopicFacts, single_reader

_HEADER: Final = struct.Struct(">qiibIhiqq")
"""Base offset, length, leader epoch, format, checksum, attributes, last offset's distance, both times."""
_FORMAT: Final = 2
_MARKS: Final = 0x20
"""The attribute of a control batch."""
_LENGTH_ENDS, _CHECKED_FROM = 12, 21
"""Where in a batch its length is counted from, and its checksum."""
_MOST_MARKS: Final = 1000
_READ_SECONDS: Final = 5.0
_HEADER_BYTES: Final = 64 * 1024


@dataclass(frozen=True)
class Unfetchable:
    """A range that nobody can read, up to but not with `until`; the time is the first of its batch."""

    topic_id: str | None
    until: int
    timestamp: int


class _Batch(NamedTuple):
    """Its first offset, the one after its last, its first time (ms since 1970), and whether all it holds are
    marks of transactions: that is believed only of a batch that is whole.
    """

    base: int
    until: int
    first_time: int
    marks: bool


async def unfetchable(kafka: Kafka, facts: TopicFacts, partition: int, offset: int) -> Unfetchable:
    """What cannot be read from this offset of the order topic on.

    Raises UserError when the group does not wait there, the record can be fetched, or nobody can tell where
    the good ones go on; KafkaError, OSError, TimeoutError when Kafka does not answer.
    """
    place = f"{kafka.order_topic}/{partition}"
    known = facts.partitions.get(partition)
    if known is None:
        raise UserError(f"{kafka.order_topic} has no partition {partition}")
    if offset < known.next:
        raise UserError(_waits(place, known.next, offset))
    if not known.unread:
        raise UserError(f"{place}: there is no record at offset {offset}; nothing is to be stepped over")
    tp = TopicPartition(kafka.order_topic, partition)
    async with single_reader(kafka) as reader:
        client = reader._client  # noqa: SLF001 - no public way
        reader.assign([tp])
        await client.force_metadata_update()  # else it knows no leader
        first, batch = await _first_with_records(client, tp, known.next)
        if offset != first:
            raise UserError(_waits(place, first, offset))
        if await _can_be_read(reader, tp, offset):
            raise UserError(f"{place}: the record at offset {offset} can be fetched; nothing is blocked")
        await _require_beginning(client, tp, batch.until, known.end)
    return Unfetchable(facts.topic_id, batch.until, batch.first_time)


def _waits(place: str, there: int, asked: int) -> str:
    return f"{place}: the group waits at offset {there}, not at {asked}"


async def _can_be_read(reader: AIOKafkaConsumer, partition: TopicPartition, offset: int) -> bool:
    """Raises TimeoutError when there was no answer: then nobody knows."""
    reader.seek(partition, offset)
    try:
        async with asyncio.timeout(_READ_SECONDS):
            await reader.getone(partition)
    except TimeoutError:
        raise
    except Exception:  # noqa: BLE001 - whatever a decoder makes of bytes that are none of its kind
        return False
    return True


async def _first_with_records(client: AIOKafkaClient, tp: TopicPartition, start: int) -> tuple[int, _Batch]:
    """The first offset from the start on that is no mark of a transaction, and its batch.

    Raises KafkaError, UserError.
    """
    offset = start
    for _ in range(_MOST_MARKS):
        batch = await _batch(client, tp, offset)
        if not batch.marks:
            return offset, batch
        offset = batch.until
    raise UserError(f"{tp.topic}/{tp.partition}: nothing but marks of transactions from offset {start} on")


async def _require_beginning(client: AIOKafkaClient, tp: TopicPartition, until: int, end: int) -> None:
    """Raises UserError unless a batch begins at `until`, or the log ends there, and KafkaError.

    What cannot be fetched may be damaged in its header, too: by a wrong end good records would be given up.
    """
    if until < end and (await _batch(client, tp, until)).base == until:
        return
    if until != end:
        raise UserError(
            f"{tp.topic}/{tp.partition}: the damaged batch says that it ends at offset {until}, and no batch"
            f" begins there: have Kafka delete the records up to the next good one (kafka-delete-records)"
        )


async def _batch(client: AIOKafkaClient, tp: TopicPartition, offset: int) -> _Batch:
    """What the header says of the batch that holds the offset. Raises KafkaError, UserError."""
    node = client.cluster.leader_for_partition(tp)
    wanted = [(tp.topic, [(tp.partition, offset, _HEADER_BYTES)])]
    answer = await client.send(node, FetchRequest(1000, 1, _HEADER_BYTES, 0, wanted))
    ((_, ((_, code, *_, records),)),) = answer.topics
    if code:
        error: type[KafkaError] = for_code(code)
        raise error
    place = f"{tp.topic}/{tp.partition}"
    if len(records) < _HEADER.size:
        raise UserError(f"{place}: nothing is sent at offset {offset}")
    base, length, _, form, checksum, attributes, distance, first_time, _ = _HEADER.unpack_from(records)
    if form != _FORMAT or not base <= offset <= base + distance:
        raise UserError(f"{place}: the batch at offset {offset} is of no known form")
    marks = (
        bool(attributes & _MARKS) and calc_crc32c(records[_CHECKED_FROM : _LENGTH_ENDS + length]) == checksum
    )
    return _Batch(base, base + distance + 1, first_time, marks)
