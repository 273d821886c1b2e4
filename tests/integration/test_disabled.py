"""Disabled: nothing is read and nothing committed, and the age of what waits is known all the same."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from local.demo.children import child
from local.servers.process import free_port
from records.mongo.errors import StoreUnavailable
from runtime.metrics import REGISTRY
from runtime.order_topic import order_topic_facts
from service.consumer import OrderConsumer
from service.positions import Positions
from tests.e2e.deployment import until
from tests.running_consumer import PATIENCE, SECRET, Topic, consuming, no_policy, topic_of

HOUR_MS = 3_600_000
SWITCH_SECONDS = 5.0


@pytest.fixture
async def topic(
    mongo_uri: str, fresh_database: str, real_kafka: str, topic_names: Callable[[str], str]
) -> AsyncIterator[Topic]:
    async with topic_of(mongo_uri, fresh_database, real_kafka, topic_names) as made:
        await made.make()
        yield made


async def switch(topic: Topic, *, enabled: bool) -> None:
    change = {"$set": {"isOrderRecordsEnabled": enabled}}
    await topic.database.state.update_one({"_id": "orderrecords"}, change)


async def members(topic: Topic) -> int:
    answers = await topic.admin.describe_consumer_groups([topic.settings.kafka.group_id])
    return sum(len(group[4]) for answer in answers for group in answer.groups)


async def test_disabling_stops_and_enabling_resumes_within_seconds(topic: Topic) -> None:
    await topic.publish(10)
    async with consuming(topic):
        await topic.read_up_to(10)
        await switch(topic, enabled=False)

        async def left() -> bool:
            return await members(topic) == 0

        await until(left, SWITCH_SECONDS, "nobody in the group")
        assert REGISTRY.get_sample_value("order_records_consumer_enabled") == 0
        await topic.publish(10)
        await asyncio.sleep(3)  # longer than one look at the configuration
        assert await topic.committed() == 10
        assert await topic.database.records.count_documents({}) == 10
        await switch(topic, enabled=True)
        await topic.stored(20, seconds=SWITCH_SECONDS)
        await topic.read_up_to(20)


async def test_before_mongodb_has_answered_order_records_are_not_said_to_be_disabled(
    topic: Topic, tmp_path: Path
) -> None:
    away = {"ORDER_RECORDS_MONGO__URI": f"mongodb://127.0.0.1:{free_port()}/?replicaSet=rs0"}
    environ = {**topic.variables, "ORDER_RECORDS_SECRETS__QUARANTINE_KEY": SECRET, **away}
    async with child("consume", environ, tmp_path) as consume:

        async def answers() -> bool:
            return "order_records_consumer_enabled" in await consume.figures()

        await until(answers, PATIENCE, "figures")
        assert math.isnan((await consume.figures())["order_records_consumer_enabled"])


async def test_a_batch_that_waits_for_its_next_try_does_not_hold_up_the_stop(topic: Topic) -> None:
    tried = 0

    async def take(_: Sequence[Any]) -> None:
        nonlocal tried
        tried += 1
        raise StoreUnavailable("away")

    await topic.publish(1)
    consumer = OrderConsumer(topic.settings, take, Positions(topic.database, no_policy))
    await consumer.start()

    async def waits_long() -> bool:
        return tried >= 4  # then the pause is two seconds at least

    await until(waits_long, PATIENCE, "four tries")
    async with asyncio.timeout(SWITCH_SECONDS):
        await consumer.close()
    assert await topic.committed() is None


@pytest.mark.parametrize("enabled", [False, True])
async def test_the_age_of_the_oldest_unread_event_is_known_and_an_alarm_comes_at_half_of_the_retention(
    topic: Topic, monkeypatch: pytest.MonkeyPatch, *, enabled: bool
) -> None:
    monkeypatch.setattr("service.backlog.LOOK_SECONDS", 0.5)
    await _keep_for(topic, int(1.5 * HOUR_MS))
    hour_ago = int(time.time() * 1000) - HOUR_MS
    await topic.publish(10, timestamp_ms=hour_ago)
    await switch(topic, enabled=enabled)

    async def known() -> bool:
        age = topic.figure("oldest_unread_event_seconds", partition="0")
        return age == 0 if enabled else age is not None and 3600 <= age < 3700

    with structlog.testing.capture_logs() as lines:
        async with consuming(topic):
            await until(known, PATIENCE, "the age")
            if enabled:
                await topic.read_up_to(10)
                await until(known, PATIENCE, "nothing is unread")
            await asyncio.sleep(1.5)  # some looks more: the alarm comes once a minute
    assert REGISTRY.get_sample_value("order_records_order_topic_retention_seconds") == 5400
    alarms = [line for line in lines if line["event"].startswith("unread events are older than half")]
    if not enabled:
        (alarm,) = alarms
        assert (alarm["topic"], alarm["partition"], alarm["retention_seconds"]) == (topic.name, 0, 5400)
        assert await topic.committed() is None


async def _keep_for(topic: Topic, milliseconds: int) -> None:
    configs = {"retention.ms": str(milliseconds)}
    await topic.admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name, configs)])


async def test_the_mark_at_the_end_of_a_transaction_is_no_unread_event(topic: Topic) -> None:
    kafka = topic.settings.kafka
    producer = AIOKafkaProducer(bootstrap_servers=kafka.servers, transactional_id=topic.name)
    await producer.start()
    try:
        async with producer.transaction():
            await producer.send(topic.name, b"{}", partition=0)
    finally:
        await producer.stop()
    before = (await order_topic_facts(kafka, None)).partitions[0]
    assert (before.unread, before.end) == (True, 2)
    group = AIOKafkaConsumer(
        bootstrap_servers=kafka.servers, group_id=kafka.group_id, enable_auto_commit=False
    )
    await group.start()
    try:
        group.assign([TopicPartition(topic.name, 0)])
        await group.commit({TopicPartition(topic.name, 0): 1})
    finally:
        await group.stop()
    after = (await order_topic_facts(kafka, None)).partitions[0]
    assert (after.unread, after.next, after.end) == (False, 1, 2)
