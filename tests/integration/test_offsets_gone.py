"""Offsets that are gone: named in the log, the figures and the trail, once; and reading goes on."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import pytest
import structlog
from aiokafka import TopicPartition
from aiokafka.admin import NewPartitions

from records.mongo.errors import StoreUnavailable
from records.mongo.read_positions import remembered
from records.read_positions import Found
from service.positions import Positions, Settle
from service.safe_consumer import SafeConsumer
from tests.e2e.deployment import until
from tests.running_consumer import PATIENCE, Topic, consuming, never, no_policy, topic_of


@pytest.fixture
async def topic(
    mongo_uri: str, fresh_database: str, real_kafka: str, topic_names: Callable[[str], str]
) -> AsyncIterator[Topic]:
    async with topic_of(mongo_uri, fresh_database, real_kafka, topic_names) as made:
        yield made


async def test_events_that_expired_unread_are_named_once_and_the_rest_is_stored(topic: Topic) -> None:
    await topic.make(2)
    await topic.publish(10)
    async with consuming(topic):
        await topic.read_up_to(10)
    await topic.publish(20)
    await topic.expire(25)
    with structlog.testing.capture_logs() as lines:
        for _ in range(2):
            async with consuming(topic):
                await topic.stored(15)
                await topic.read_up_to(30)
    assert await topic.announced("offsets.lost") == [[topic.name, 0, 10, 25, "RETENTION"]]
    assert topic.figure("offsets_lost_total", partition="0") == 15
    (line,) = [each for each in lines if each["event"].startswith("events are gone")]
    assert (line["topic"], line["partition"], line["cause"]) == (topic.name, 0, "RETENTION")
    assert (line["from_offset"], line["until_offset"], line["log_level"]) == (10, 25, "critical")


async def test_events_that_expire_while_a_consumer_holds_their_partition_are_named(topic: Topic) -> None:
    await topic.make()
    await topic.publish(10)
    async with consumer_of(topic, Positions(topic.database, no_policy).settle) as consumer:
        assert await offsets(consumer, 10) == list(range(10))
        await consumer.commit()
        consumer.pause(TopicPartition(topic.name, 0))
        await asyncio.sleep(1)  # a fetch that is under way when it is paused waits half a second for events
        await topic.publish(20)
        await topic.expire(20)
        consumer.resume(TopicPartition(topic.name, 0))
        assert await offsets(consumer, 10) == list(range(20, 30))
    assert await topic.announced("offsets.lost") == [[topic.name, 0, 10, 20, "RETENTION"]]


async def test_a_new_group_has_lost_nothing_of_what_expired_before_it(topic: Topic) -> None:
    await topic.make()
    await topic.publish(10)
    await topic.expire(4)
    async with consuming(topic):
        await topic.read_up_to(10)
        await topic.stored(6)
    assert await topic.announced("offsets.lost") == []


async def test_a_topic_that_was_made_anew_meanwhile_is_read_from_its_beginning(topic: Topic) -> None:
    await topic.make()
    await topic.publish(10)
    async with consuming(topic):
        await topic.read_up_to(10)
    await topic.make_anew()
    await topic.publish(30)
    for _ in range(2):
        async with consuming(topic):
            await topic.read_up_to(30)
            await topic.stored(40)
    ((name, partition, start, end, cause),) = await topic.announced("offsets.lost")
    assert (name, partition, cause) == (topic.name, 0, "RECREATED")
    assert start <= end <= 10


async def test_a_topic_that_is_made_anew_while_it_is_read_loses_none_of_its_events(
    topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.consumer._METADATA_MILLISECONDS", 1000)
    await topic.make()
    await topic.publish(10)
    async with consuming(topic):
        await topic.read_up_to(10)
        await topic.make_anew()
        await topic.publish(30)
        await topic.stored(40, seconds=60)
        await topic.read_up_to(30)
    assert [item[4] for item in await topic.announced("offsets.lost")] == ["RECREATED"]


async def test_a_topic_id_that_was_not_known_is_remembered_once_it_is(topic: Topic) -> None:
    await topic.make()
    await topic.publish(10)
    async with consuming(topic):
        await topic.read_up_to(10)
    forgotten = {"$set": {"topicId": None, "readTo": 7}}
    await topic.database.state.update_one({"_id": f"positions/{topic.name}/0"}, forgotten)
    await topic.publish(1)
    async with consuming(topic):
        await topic.read_up_to(11)
    (known,) = (await remembered(topic.database, topic.name)).values()
    assert known.topic_id is not None
    assert known.read_to >= 7
    await topic.make_anew()
    await topic.publish(30)
    async with consuming(topic):
        await topic.stored(41)
    assert [item[4] for item in await topic.announced("offsets.lost")] == ["RECREATED"]


async def test_partitions_that_are_added_are_read_from_their_first_event(
    topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.consumer._METADATA_MILLISECONDS", 1000)
    await topic.make()
    await topic.publish(10)
    with structlog.testing.capture_logs() as lines:
        async with consuming(topic):
            await topic.read_up_to(10)
            await topic.admin.create_partitions({topic.name: NewPartitions(2)})

            async def added() -> bool:
                return topic.name in await topic.admin.list_topics() and await _count(topic) == 2

            await until(added, PATIENCE, "a second partition")
            await topic.publish(10, partition=1)
            await topic.stored(20)
    assert await topic.announced("offsets.lost") == []
    added_lines = [each for each in lines if each["event"].startswith("a partition was added")]
    assert [each["partition"] for each in added_lines] == [1]


async def _count(topic: Topic) -> int:
    (described,) = await topic.admin.describe_topics([topic.name])
    return len(described["partitions"])


async def test_a_topic_of_another_id_makes_every_position_be_found_anew(topic: Topic) -> None:
    await topic.make()
    await topic.publish(10)
    settled: list[Mapping[int, Found]] = []

    async def settle(_: str, found: Mapping[int, Found]) -> dict[int, int]:
        settled.append(found)
        return {0: 3 * (len(settled) - 1)}

    async with consumer_of(topic, settle) as consumer:
        assert await offsets(consumer, 10) == list(range(10))
        own = consumer.beginnings.topic_id
        assert own is not None
        consumer.beginnings.topic_is(own)
        consumer.beginnings.topic_is(None)
        assert await consumer.getmany(timeout_ms=300) == {}
        assert len(settled) == 1
        consumer.beginnings.topic_is("another")
        assert await offsets(consumer, 7) == list(range(3, 10))
    assert settled == [{0: Found(own, 0, 10, None)}] * 2


async def test_while_nobody_can_tell_the_positions_nothing_is_read(topic: Topic) -> None:
    await topic.make()
    await topic.publish(10)
    failures = iter([StoreUnavailable("away"), OSError()])

    async def settle(_: str, found: Mapping[int, Found]) -> dict[int, int]:
        for failure in failures:
            raise failure
        return {0: 0}

    with structlog.testing.capture_logs() as lines:
        async with consumer_of(topic, settle) as consumer:
            assert await offsets(consumer, 10) == list(range(10))
    assert [line["error"] for line in lines] == ["StoreUnavailable: away"]


@asynccontextmanager
async def consumer_of(topic: Topic, settle: Settle) -> AsyncIterator[SafeConsumer]:
    consumer = SafeConsumer(
        topic.name,
        settle=settle,
        step_over=never,
        bootstrap_servers=topic.settings.kafka.servers,
        group_id=topic.settings.kafka.group_id,
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def offsets(consumer: SafeConsumer, count: int) -> list[int]:
    found: list[int] = []
    async with asyncio.timeout(PATIENCE):
        while len(found) < count:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += [record.offset for record in records]
    return found
