"""`quarantine skip`: what cannot be fetched is stepped over on somebody's word, named, and only that."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from cli.quarantine_skip import _skip
from records.quarantine import SkipGrounds
from runtime.errors import UserError
from service.safe_consumer import SafeConsumer
from tests.e2e.deployment import until
from tests.running_consumer import PATIENCE, Topic, consuming, from_the_first, topic_of
from tests.unfetchable import publish_unfetchable

BAD, AFTER, END = 50, 7, 80
NEXT: Final = BAD + 1 + AFTER


@pytest.fixture
async def topic(
    mongo_uri: str, fresh_database: str, real_kafka: str, topic_names: Callable[[str], str]
) -> AsyncIterator[Topic]:
    async with topic_of(mongo_uri, fresh_database, real_kafka, topic_names) as made:
        await made.make(2)
        yield made


async def skip(topic: Topic, partition: int, offset: int) -> tuple[int, str]:
    """Exit code, and what the verb said."""
    words = ("skip", topic.name, str(partition), str(offset), "--reason", "DAMAGED", "--json")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli.main", "quarantine", *words),
        env=topic.variables,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, said.decode()


async def step(topic: Topic, partition: int, offset: int) -> tuple[int, bool]:
    return await _skip(topic.settings, partition, offset, SkipGrounds.DAMAGED, "somebody")


async def test_a_record_that_cannot_be_fetched_is_stepped_over_and_the_range_is_named(topic: Topic) -> None:
    await publish_unfetchable(topic.settings.kafka.bootstrap_servers, topic.name, BAD, AFTER)
    async with consuming(topic):
        await topic.read_up_to(BAD)
        await topic.read_up_to(70, partition=1)

        async def blocked() -> bool:
            return topic.figure("partition_blocked", partition="0") == BAD

        await until(blocked, PATIENCE, "the partition waits")
        for partition, offset in ((0, BAD - 1), (0, BAD + 1), (1, 0)):
            with pytest.raises(UserError, match="the group waits at offset"):
                await step(topic, partition, offset)
        assert await topic.announced("quarantine.skipped") == []

        code, said = await skip(topic, 0, BAD)
        assert (code, json.loads(said)["result"]) == (0, "skipped"), said
        assert json.loads(said)["untilOffset"] == NEXT
        await topic.read_up_to(END)
        assert topic.figure("partition_blocked", partition="0") is None

        assert await step(topic, 0, BAD) == (NEXT, False)
        with pytest.raises(UserError, match="there is no record"):
            await step(topic, 1, 70)
    (item,) = await topic.announced("quarantine.skipped")
    assert item[:6] == [topic.name, 0, BAD, "UNREADABLE", NEXT, "DAMAGED"]
    assert len(item[6]) == 32
    (entry,) = await topic.database.quarantine.find({"reason": "UNREADABLE"}).to_list()
    assert (entry["offset"], entry["skippedUntil"], "sealed" in entry) == (BAD, NEXT, False)
    offsets = {row["offset"] async for row in topic.database.quarantine.find({"partition": 0})}
    assert offsets == set(range(BAD + 1)) | set(range(NEXT, END))


async def test_what_is_in_hand_and_not_stored_yet_is_not_committed_by_a_step(topic: Topic) -> None:
    await publish_unfetchable(topic.settings.kafka.bootstrap_servers, topic.name, BAD, AFTER)

    async def step_over(*_: Any) -> int:
        return NEXT

    consumer = SafeConsumer(
        topic.name,
        settle=from_the_first,
        step_over=step_over,
        bootstrap_servers=topic.settings.kafka.servers,
        group_id=topic.settings.kafka.group_id,
        enable_auto_commit=False,
    )
    await consumer.start()
    found: list[int] = []
    try:
        async with asyncio.timeout(PATIENCE):
            while not found or found[-1] < END - 1:
                batch = await consumer.getmany(timeout_ms=200, max_records=1000)
                before, offsets = len(found), []
                for partition, records in batch.items():
                    offsets += [r.offset for r in records if partition.partition == 0]
                found += offsets
                committed = await topic.committed() or 0
                assert committed <= (found[before] if offsets else committed)
                assert committed in {0, NEXT}
    finally:
        await consumer.stop()
    assert found == [*range(BAD), *range(NEXT, END)]


async def test_a_record_that_can_be_fetched_is_never_stepped_over(topic: Topic) -> None:
    await topic.publish(1)
    with pytest.raises(UserError, match="can be fetched"):
        await step(topic, 0, 0)
    with pytest.raises(UserError, match="no partition 7"):
        await step(topic, 7, 0)
    assert await topic.database.quarantine.count_documents({}) == 0
    assert await topic.announced("quarantine.skipped") == []


async def test_the_mark_of_a_transaction_is_not_named_for_the_bad_record_behind_it(topic: Topic) -> None:
    kafka, mark, bad = topic.settings.kafka, 1, 2
    sends = AIOKafkaProducer(bootstrap_servers=kafka.servers, transactional_id=topic.name)
    async with sends as producer, producer.transaction():
        await producer.send(topic.name, b"{}", partition=0)
    await publish_unfetchable(kafka.bootstrap_servers, topic.name, 0)
    await commit(topic, mark)
    for offset in (0, mark):
        with pytest.raises(UserError, match="the group waits at offset"):
            await step(topic, 0, offset)
    async with consuming(topic):

        async def blocked() -> bool:
            return topic.figure("partition_blocked", partition="0") is not None

        await until(blocked, PATIENCE, "the partition waits")
        assert topic.figure("partition_blocked", partition="0") == bad
        assert await step(topic, 0, bad) == (bad + 1, True)
        await topic.read_up_to(bad + END)
    (item,) = await topic.announced("quarantine.skipped")
    assert item[1:5] == [0, bad, "UNREADABLE", bad + 1]


async def commit(topic: Topic, offset: int) -> None:
    """As a member of the group does that has read so far."""
    kafka, place = topic.settings.kafka, TopicPartition(topic.name, 0)
    async with AIOKafkaConsumer(
        bootstrap_servers=kafka.servers, group_id=kafka.group_id, enable_auto_commit=False
    ) as member:
        member.assign([place])
        await member.commit({place: offset})
