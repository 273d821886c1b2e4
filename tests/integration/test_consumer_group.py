"""A consumer on a real Kafka whose group changes, refuses it or is gone: it skips nothing, and goes on."""

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import NewTopic
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, RecordTooLargeError

from records.read_positions import Found
from runtime.health import Health
from runtime.metrics import REGISTRY
from runtime.order_topic import order_topic_facts, single_reader
from runtime.topic_id import topic_id
from service.consume import consume
from service.consumer import _measure_lag
from service.consumer_state import current_assignment
from service.safe_consumer import SafeConsumer
from tests.e2e.deployment import until
from tests.running_consumer import PATIENCE, Topic, consuming, from_the_first, never, topic_of

STOP_SECONDS = 15.0


@pytest.fixture
async def topic(
    mongo_uri: str, fresh_database: str, real_kafka: str, topic_names: Callable[[str], str]
) -> AsyncIterator[Topic]:
    async with topic_of(mongo_uri, fresh_database, real_kafka, topic_names) as made:
        await made.make(2)
        yield made


@asynccontextmanager
async def member(topic: Topic, settle: Any = from_the_first) -> AsyncIterator[SafeConsumer]:
    consumer = SafeConsumer(
        topic.name,
        settle=settle,
        step_over=never,
        bootstrap_servers=topic.settings.kafka.servers,
        group_id=topic.settings.kafka.group_id,
        enable_auto_commit=False,
        heartbeat_interval_ms=200,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def read(consumer: SafeConsumer, count: int, at_once: int = 500) -> dict[int, list[int]]:
    """The offsets of so many records by partition; fails the test when they do not come."""
    found: dict[int, list[int]] = {0: [], 1: []}
    async with asyncio.timeout(PATIENCE):
        while sum(map(len, found.values())) < count:
            for partition, records in (await consumer.getmany(timeout_ms=200, max_records=at_once)).items():
                found[partition.partition] += [record.offset for record in records]
    return found


def connected(consumer: AIOKafkaConsumer) -> bool:
    return any(connection.connected() for connection in consumer._client._conns.values())


@asynccontextmanager
async def fetch_asleep(consumer: AIOKafkaConsumer) -> AsyncIterator[None]:
    """As after a request that has failed: one of the fetcher's tasks sleeps before it tries again."""
    asleep = asyncio.create_task(asyncio.sleep(600))
    consumer._fetcher._pending_tasks.add(asleep)
    yield
    assert asleep.cancelled()
    assert not connected(consumer)


async def test_a_stop_is_whole_though_aiokafka_cancels_whoever_stops_it(topic: Topic) -> None:
    async with member(topic) as consumer, fetch_asleep(consumer):
        await consumer.stop()
    looking = single_reader(topic.settings.kafka)
    async with fetch_asleep(await looking.__aenter__()):
        await looking.__aexit__(None, None, None)


async def test_a_stop_that_hangs_ends_and_leaves_no_task(
    topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.consumer_stop.STOP_SECONDS", 0.3)
    async with member(topic) as consumer:
        before = asyncio.all_tasks()

        async def hang() -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(consumer._coordinator, "_maybe_leave_group", hang)
        async with asyncio.timeout(STOP_SECONDS):
            await consumer.stop()
        assert not connected(consumer)
        assert not [task for task in before if not task.done() and "aiokafka" in repr(task.get_coro())]


async def test_a_stop_that_is_broken_off_from_outside_is_broken_off(
    topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with member(topic) as consumer:
        original = consumer._coordinator._maybe_leave_group

        async def hang() -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(consumer._coordinator, "_maybe_leave_group", hang)
        stopping = asyncio.create_task(consumer.stop())
        await asyncio.sleep(0.3)
        stopping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stopping
        await original()
        await consumer._fetcher.close()
        await consumer._client.close()


async def test_one_refusal_that_is_over_does_not_stop_the_reading_for_good(
    topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.consume._REFUSED_SECONDS", 1.0)
    refused: list[str] = []
    original = GroupCoordinator._do_heartbeat

    async def refused_once(itself: GroupCoordinator) -> Any:
        if not refused:
            refused.append(itself.group_id)
            raise GroupAuthorizationFailedError(itself.group_id)
        return await original(itself)

    await topic.publish(10)
    with structlog.testing.capture_logs() as lines:
        async with consuming(topic):
            await topic.read_up_to(10)
            monkeypatch.setattr(GroupCoordinator, "_do_heartbeat", refused_once)

            async def was_refused() -> bool:
                return bool(refused)

            await until(was_refused, PATIENCE, "a heartbeat is refused")
            await topic.publish(10)
            await topic.stored(20)
            await topic.read_up_to(20)
    said = [line["event"] for line in lines if line["log_level"] in {"warning", "error"}]
    assert said == ["Kafka refuses this group or topic", "Kafka has refused it for long: it joins anew"]


async def test_a_switch_is_followed_though_the_group_lets_nobody_join(
    topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(*_: object) -> None:
        await asyncio.Event().wait()

    def enabled() -> float | None:
        return REGISTRY.get_sample_value("order_records_consumer_enabled")

    monkeypatch.setattr("service.consumer._JOIN_SECONDS", 1.0)
    monkeypatch.setattr(GroupCoordinator, "_do_rejoin_group", hang)
    monkeypatch.setattr("runtime.consumer_stop.STOP_SECONDS", 0.5)
    stopping, health = asyncio.Event(), Health("127.0.0.1", 0)
    running = asyncio.create_task(consume(topic.settings, health, stopping))
    try:

        async def is_enabled() -> bool:
            return enabled() == 1

        async def is_disabled() -> bool:
            return enabled() == 0 and health.readiness()[0]

        await until(is_enabled, PATIENCE, "enabled, though nobody may join")
        change = {"$set": {"isOrderRecordsEnabled": False}}
        await topic.database.state.update_one({"_id": "orderrecords"}, change)
        await until(is_disabled, STOP_SECONDS, "disabled")
    finally:
        stopping.set()
        async with asyncio.timeout(20):
            await running


async def test_an_error_of_the_group_in_the_middle_of_a_fetch_blames_no_record(
    topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with member(topic) as consumer:
        await topic.publish(5)

        async def refuse(*_: object, **__: object) -> None:
            raise KafkaError("the group is gone")

        with monkeypatch.context() as patch, structlog.testing.capture_logs() as lines:
            patch.setattr(consumer._fetcher, "fetched_records", refuse)
            for _ in range(3):
                assert await consumer.getmany(timeout_ms=100) == {}
        assert consumer.blocked() == set()
        assert consumer.trouble == "KafkaError"
        assert {line["event"] for line in lines} == {"Kafka refuses this group or topic"}


async def test_a_look_at_the_lag_does_not_take_the_error_of_the_group_away(topic: Topic) -> None:
    async with member(topic) as consumer:
        consumer._coordinator._pending_exception = GroupAuthorizationFailedError("group")
        for partition in consumer.assignment():
            _measure_lag(consumer, partition)
        assert await consumer.getmany() == {}
        assert consumer.trouble == "GroupAuthorizationFailedError"


async def test_a_nack_rewinds_what_is_left_when_another_member_has_taken_a_partition(topic: Topic) -> None:
    for partition in (0, 1):
        await topic.publish(10, partition=partition)
    async with member(topic) as first:
        assert await read(first, 20) == {0: list(range(10)), 1: list(range(10))}
        async with member(topic):

            async def shared() -> bool:
                return len(first.assignment()) == 1

            await until(shared, PATIENCE, "one partition each")
            await asyncio.sleep(1)
            for partition in (0, 1):  # as FastStream does
                first.seek(partition=TopicPartition(topic.name, partition), offset=3)
            (kept,) = first.assignment()
            assert await first.position(kept) == 3


async def test_a_batch_is_of_one_assignment(topic: Topic, monkeypatch: pytest.MonkeyPatch) -> None:
    for partition in (0, 1):
        await topic.publish(40, partition=partition)
    async with member(topic) as consumer:
        original = consumer._fetch_chunk

        async def then_a_rebalance(partition: TopicPartition, *rest: Any, **options: Any) -> Any:
            chunk = await original(partition, *rest, **options)
            if chunk:
                monkeypatch.undo()
                subscription = consumer._subscription.subscription
                subscription._assign(list(subscription.assignment.tps))
                for each in consumer.assignment():
                    consumer.seek(each, 0)
                await _something_of_each(consumer)
            return chunk

        await consumer.beginnings.of(sorted(consumer.assignment()))
        await _something_of_each(consumer)
        monkeypatch.setattr(consumer, "_fetch_chunk", then_a_rebalance)
        async with asyncio.timeout(PATIENCE):
            while not (batch := await consumer.getmany(timeout_ms=200)):
                pass
        assert [len(records) for records in batch.values()] == [32]


async def _something_of_each(consumer: SafeConsumer) -> None:
    """Returns when something of each partition is in hand, of the assignment as it is now."""

    async def in_hand() -> bool:
        held = consumer._fetcher._records.values()
        now = [each for each in held if each._assignment is current_assignment(consumer)]
        return len(now) == len(consumer.assignment())

    await until(in_hand, PATIENCE, "something of each partition")


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
async def test_a_fetch_that_is_dropped_half_read_does_not_stay_in_memory(topic: Topic) -> None:
    await topic.publish(100)
    async with member(topic) as consumer:
        await read(consumer, 10, at_once=10)
        half_read = _in_hand(consumer, TopicPartition(topic.name, 0))
        consumer.seek(TopicPartition(topic.name, 0), 0)
        assert (await read(consumer, 10, at_once=10))[0] == list(range(10))
        assert half_read() is None
        dropped = _in_hand(consumer, TopicPartition(topic.name, 0))
        consumer._subscription.subscription._assign([])  # as a rebalance does that leaves nothing

        async def gone() -> bool:
            await consumer.getmany(timeout_ms=100)
            return dropped() is None

        await until(gone, PATIENCE, "what a rebalance has dropped")


def _in_hand(consumer: SafeConsumer, place: TopicPartition) -> weakref.ref[Any]:
    held = consumer._fetcher._records[place]
    return weakref.ref(held._partition_records)


async def test_a_record_that_is_cut_off_is_named_and_never_committed_away(topic: Topic) -> None:
    await topic.publish(3)
    cut_off = TopicPartition(topic.name, 0)
    async with member(topic) as consumer:
        await read(consumer, 3)
        await consumer.commit()
        state = current_assignment(consumer).state_value(cut_off)  # type: ignore[attr-defined]
        for _ in range(2):  # what aiokafka's fetcher does with an answer that ends within a batch
            consumer._fetcher._set_error(cut_off, RecordTooLargeError("%s", cut_off, 3, 2**20))
            state.consumed_to(4)
            await consumer.commit()
            assert await topic.committed() == 3
            state.consumed_to(4)
            assert await consumer.getmany() == {}
        assert topic.figure("partition_blocked", partition="0") == 3
        assert await consumer.position(cut_off) == 3


async def test_a_commit_that_fails_is_counted(topic: Topic) -> None:
    def counted() -> float:
        return REGISTRY.get_sample_value("order_records_commit_failures_total") or 0

    before = counted()
    async with member(topic) as consumer:
        await topic.publish(1)
        await read(consumer, 1)
        await consumer.commit()
        assert counted() == before
        with pytest.raises(KafkaError):
            await consumer.commit({TopicPartition(topic.name, 9): 1})
        assert counted() == before + 1


async def test_an_offset_that_is_passed_over_is_committed_before_anything_is_read(topic: Topic) -> None:
    await topic.publish(10)
    async with member(topic) as consumer:
        await read(consumer, 10)
        await consumer.commit()

    async def anew(_: str, found: dict[int, Found]) -> dict[int, int]:
        return dict.fromkeys(found, 0)

    async with member(topic, anew) as consumer:
        await consumer.beginnings.of(sorted(consumer.assignment()))
        assert await topic.committed() == 0


async def test_a_topic_whose_id_is_not_told_is_an_error_and_not_one_without_an_id(topic: Topic) -> None:
    async with single_reader(topic.settings.kafka) as reader:
        assert await topic_id(reader._client, topic.name)
        with pytest.raises(KafkaError):
            await topic_id(reader._client, f"{topic.name}-that-is-not-there")


async def test_a_look_at_many_partitions_with_nothing_but_marks_takes_no_time_of_the_others(
    topic: Topic,
) -> None:
    """Each used to take two seconds of fifteen."""
    kafka = topic.settings.kafka
    many = topic.name + "-many"
    settings = kafka.model_copy(update={"order_topic": many})
    await topic.admin.create_topics([NewTopic(many, 12, 1)])
    async with (
        AIOKafkaProducer(bootstrap_servers=kafka.servers, transactional_id=many) as producer,
        producer.transaction(),
    ):
        for partition in range(11):
            await producer.send(many, b"{}", partition=partition)
    async with AIOKafkaProducer(bootstrap_servers=kafka.servers) as producer:
        await producer.send_and_wait(many, b"{}", partition=11, timestamp_ms=1_700_000_000_000)
    group = AIOKafkaConsumer(
        bootstrap_servers=kafka.servers, group_id=kafka.group_id, enable_auto_commit=False
    )
    await group.start()
    try:
        places = {TopicPartition(many, partition): 1 for partition in range(11)}
        group.assign(list(places))
        await group.commit(places)
    finally:
        await group.stop()
    facts = (await order_topic_facts(settings, None)).partitions
    assert {number for number, each in facts.items() if each.unread} == {11}
    assert facts[11].unread_since == 1_700_000_000_000
