"""A record that cannot be fetched, on a real Kafka: all before it arrive, and its offset is named."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import pytest
import structlog
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from runtime.metrics import REGISTRY
from service.safe_consumer import SafeConsumer
from tests.running_consumer import from_the_first, never
from tests.unfetchable import publish_unfetchable

BAD: Final = 50


async def make_topic(bootstrap: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, num_partitions=2, replication_factor=1)])
    finally:
        await admin.close()


@asynccontextmanager
async def consumer_of(bootstrap: str, topic: str) -> AsyncIterator[SafeConsumer]:
    consumer = SafeConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=f"{topic}-readers",
        settle=from_the_first,
        step_over=never,
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def read(consumer: SafeConsumer, seconds: float, count: int) -> dict[int, list[int]]:
    offsets: dict[int, list[int]] = {0: [], 1: []}
    end = time.monotonic() + seconds
    while time.monotonic() < end and sum(map(len, offsets.values())) < count:
        for partition, records in (await consumer.getmany(timeout_ms=200, max_records=500)).items():
            offsets[partition.partition] += [record.offset for record in records]
    return offsets


async def test_all_before_a_bad_record_arrive_and_its_offset_is_named(
    real_kafka: str, topic_names: Callable[[str], str]
) -> None:
    topic = topic_names("orders")
    await make_topic(real_kafka, topic)
    await publish_unfetchable(real_kafka, topic, BAD)
    labels = {"topic": topic, "partition": "0"}

    with structlog.testing.capture_logs() as lines:
        async with consumer_of(real_kafka, topic) as consumer:
            offsets = await read(consumer, 3, 1000)
            assert offsets == {0: list(range(BAD)), 1: list(range(70))}
            assert REGISTRY.get_sample_value("order_records_partition_blocked", labels) == BAD

            consumer.seek(TopicPartition(topic, 0), BAD + 1)
            assert (await read(consumer, 20, 29))[0] == list(range(BAD + 1, 80))
            assert REGISTRY.get_sample_value("order_records_partition_blocked", labels) is None

    named = {(line["topic"], line["partition"], line["offset"], line["error"]) for line in lines}
    assert named == {(topic, 0, BAD, "UnicodeDecodeError")}


async def test_an_error_of_the_group_is_not_taken_for_a_bad_record(
    real_kafka: str, topic_names: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class RefusedError(Exception):
        """What the coordinator says."""

    def refuse() -> None:
        raise RefusedError

    topic = topic_names("orders")
    await make_topic(real_kafka, topic)
    with structlog.testing.capture_logs() as lines:
        async with consumer_of(real_kafka, topic) as consumer:
            assert consumer.trouble == ""
            monkeypatch.setattr(consumer._coordinator, "check_errors", refuse)
            started = time.monotonic()
            for _ in range(3):
                assert await consumer.getmany(timeout_ms=200) == {}
            assert 3 <= time.monotonic() - started < 6
            assert consumer.trouble == "RefusedError"

    assert [(line["event"], line["error"]) for line in lines] == [
        ("Kafka refuses this group or topic", "RefusedError")
    ]


async def test_a_batch_ends_at_its_limit_of_bytes(
    real_kafka: str, topic_names: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = topic_names("orders")
    await make_topic(real_kafka, topic)
    await publish_unfetchable(real_kafka, topic, -1)
    monkeypatch.setattr("service.safe_consumer.MAX_BATCH_BYTES", 1)
    async with consumer_of(real_kafka, topic) as consumer:
        sizes: list[int] = []
        while sum(sizes) < 150:
            batch = await consumer.getmany(timeout_ms=5000, max_records=500)
            sizes.append(sum(map(len, batch.values())))
    assert max(sizes) == 32
