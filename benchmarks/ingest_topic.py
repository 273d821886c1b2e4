"""The topic that every side reads: sample orders as CloudEvents in binary mode, 6 partitions, lz4."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic

from benchmarks.progress import Steps
from local.samples.forms import SampleEvent, binary
from local.samples.orders import order_id, sample_order
from runtime.kafka import admin_client, client_options
from runtime.kafka_settings import Kafka
from runtime.topics import ORDER_PARTITIONS, require_topic

_SEED: Final = 7
_DIFFERENT: Final = 10_000
"""So many orders differ in everything; after them they come again under new numbers."""
_BATCH_BYTES: Final = 64 * 1024
_LINGER_MILLISECONDS: Final = 20
_TOLD_EVERY: Final = 5_000


async def fill_topic(kafka: Kafka, records: int, steps: Steps) -> None:
    """Makes the order topic and sends so many orders. Raises KafkaError, OSError."""
    async with admin_client(kafka) as admin:
        await admin.create_topics([NewTopic(kafka.order_topic, ORDER_PARTITIONS, 1)])
    await require_topic(kafka, kafka.order_topic)
    producer = AIOKafkaProducer(
        **client_options(kafka),
        acks="all",
        compression_type="lz4",
        max_batch_size=_BATCH_BYTES,
        linger_ms=_LINGER_MILLISECONDS,
    )
    async with producer:
        for number, event in enumerate(_events(records)):
            await producer.send(kafka.order_topic, event.value, event.key, headers=list(event.headers))
            if number % _TOLD_EVERY == 0:
                steps.begin(f"{number:,} of {records:,} orders sent")
        await producer.flush()


def _events(records: int) -> Iterator[SampleEvent]:
    """The form whose value is the order alone: the sink then stores the same members as we do."""
    now = datetime.now(UTC)
    made: list[SampleEvent] = []
    for number in range(records):
        if number < _DIFFERENT:
            made.append(binary(sample_order(_SEED, number, at=now), event=str(number), at=now))
            yield made[-1]
        else:
            first = number % _DIFFERENT
            yield _renumbered(made[first], order_id(_SEED, first), order_id(_SEED, number))


def _renumbered(event: SampleEvent, before: str, after: str) -> SampleEvent:
    assert event.value is not None  # noqa: S101 - for the type checker: no tombstone is made here
    return SampleEvent(after.encode(), event.value.replace(before.encode(), after.encode(), 1), event.headers)
