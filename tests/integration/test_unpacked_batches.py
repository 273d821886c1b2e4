"""Batches that are small on the wire: too large a one makes its partition wait, and no process end."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic

from local.demo.children import Child, child
from local.samples.forms import envelope
from runtime.bounded_codecs import MAX_UNPACKED_BYTES
from runtime.order_topic import order_topic_facts
from runtime.topics import ORDER_MESSAGE_BYTES
from runtime.unfetchable import unfetchable
from service.safe_consumer import SafeConsumer
from tests.e2e.deployment import until
from tests.raw_http import growing_less_than
from tests.running_consumer import PATIENCE, SECRET, Topic, from_the_first, never, topic_of

MIB: Final = 2**20
BOMB: Final = 200 * MIB
GOOD: Final = 20
LARGE: Final = 88
GROWTH_MIB: Final = 200


@pytest.fixture
async def topic(
    mongo_uri: str, fresh_database: str, real_kafka: str, topic_names: Callable[[str], str]
) -> AsyncIterator[Topic]:
    async with topic_of(mongo_uri, fresh_database, real_kafka, topic_names) as made:
        config = {"max.message.bytes": str(ORDER_MESSAGE_BYTES)}
        await made.admin.create_topics([NewTopic(made.name, 2, 1, topic_configs=config)])
        yield made


def large_order(number: int) -> bytes:
    """Of nearly 1 MiB, and legal."""
    line = {"article": {"tenantArticleId": "A-1", "title": "x" * 1000, "attributes": []}, "quantity": 1}
    article = line["article"] | {"tenantArticleId": "y" * 1000}  # type: ignore[operator]
    order = {
        "tenantOrderRecordId": f"LARGE-{number}",
        "orderRecordDate": "2026-11-27T06:50:37.253Z",
        "facilityRef": "0190d6e8-8c3a-7f1b-9d2e-000000000038",
        "lineItems": [line | {"article": article}] * 480,
    }
    value = envelope(order, event=f"event-{number}").value
    assert value is not None
    assert 0.9 * MIB < len(value) < MIB
    return value


async def send_batch(topic: Topic, values: list[bytes], partition: int = 0) -> None:
    """All of them as one batch, whatever its size."""
    async with AIOKafkaProducer(
        bootstrap_servers=topic.settings.kafka.bootstrap_servers,
        compression_type="zstd",
        max_batch_size=2 * BOMB,
        max_request_size=2 * BOMB,
    ) as producer:
        batch = producer.create_batch()
        for value in values:
            assert batch.append(key=None, value=value, timestamp=None) is not None
        await (await producer.send_batch(batch, topic.name, partition=partition))


def environ(topic: Topic) -> dict[str, str]:
    return {**topic.variables, "ORDER_RECORDS_SECRETS__QUARANTINE_KEY": SECRET}


async def blocked_at(consume: Child, topic: Topic, partition: int) -> float | None:
    return (await consume.figures()).get(f"order_records_partition_blocked:{partition}:{topic.name}")


async def test_a_bomb_makes_its_partition_wait_and_takes_no_memory(topic: Topic, tmp_path: Path) -> None:
    await topic.publish(GOOD, partition=0)
    async with child("consume", environ(topic), tmp_path) as consume:
        await consume.ready()
        await topic.stored(GOOD)
        with growing_less_than(GROWTH_MIB, consume.process.pid):
            await send_batch(topic, [bytes(BOMB)])
            await topic.publish(GOOD, partition=0)
            await topic.publish(GOOD, partition=1)
            await topic.stored(2 * GOOD)

            async def named() -> bool:
                return await blocked_at(consume, topic, 0) == GOOD

            await until(named, PATIENCE, "the bomb's offset is named")
        assert await topic.committed(0) == GOOD
        assert "UnpacksTooLarge" in (tmp_path / "consume.log").read_text()
    facts = await order_topic_facts(topic.settings.kafka, None)
    assert (await unfetchable(topic.settings.kafka, facts, 0, GOOD)).until == GOOD + 1


async def test_the_largest_batch_of_legal_orders_is_stored(topic: Topic, tmp_path: Path) -> None:
    orders = [large_order(number) for number in range(LARGE)]
    assert 0.85 * MAX_UNPACKED_BYTES < sum(map(len, orders)) < MAX_UNPACKED_BYTES
    async with child("consume", environ(topic), tmp_path) as consume:
        await consume.ready()
        with growing_less_than(700, consume.process.pid):
            await send_batch(topic, orders)
            await topic.stored(LARGE, 60)
    assert await topic.database.quarantine.count_documents({}) == 0


async def test_a_partition_that_was_cut_short_goes_on_before_another_begins(topic: Topic) -> None:
    """What it has unpacked is held until it is read: else so much of every partition."""
    for partition in (0, 1):
        await topic.publish(50, partition=partition)
    kafka = topic.settings.kafka
    consumer = SafeConsumer(
        topic.name,
        bootstrap_servers=kafka.bootstrap_servers,
        group_id=kafka.group_id,
        settle=from_the_first,
        step_over=never,
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        read: list[int] = []
        async with asyncio.timeout(PATIENCE):
            while len(read) < 100:
                fetched = await consumer.getmany(timeout_ms=200, max_records=15)
                read += [partition.partition for partition, records in fetched.items() for _ in records]
    finally:
        await consumer.stop()
    assert read in ([0] * 50 + [1] * 50, [1] * 50 + [0] * 50)
