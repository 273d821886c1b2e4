"""The relay on a real Kafka: in order, out of the outbox once acknowledged, repeats the same to the byte."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import uuid4

import pytest
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from audit.templates import expand
from records.mongo.client import Database, Document, Session, open_database
from records.mongo.indexes import build_indexes
from records.mongo.outbox import append, remove, unsent
from records.mongo.transaction import in_transaction
from runtime.metrics import REGISTRY
from runtime.settings import Settings, load_settings
from tests.integration.store_suite.data import NOW, STAMP
from tests.parts import StartKafka
from tests.topic_limits import LIMIT, take_up_to
from worker.relay import Relay

TOPIC: Final = "audit"
REMOVE: Final = "worker.relay.remove"
PATIENCE: Final = 60.0
Sent = tuple[bytes, bytes, dict[str, bytes]]


@pytest.fixture
async def database(mongo_uri: str, fresh_database: str) -> AsyncIterator[Database]:
    async with open_database(mongo_uri, fresh_database) as database:
        await build_indexes(database)
        yield database


@pytest.fixture
def settings(real_kafka: str, topic_names: Callable[[str], str]) -> Settings:
    return settings_for(real_kafka, topic_names(TOPIC))


def settings_for(bootstrap: str, topic: str) -> Settings:
    return load_settings(
        {
            "ORDER_RECORDS_KAFKA__BOOTSTRAP_SERVERS": bootstrap,
            "ORDER_RECORDS_KAFKA__AUDIT_TOPIC": topic,
            "ORDER_RECORDS_AUDIT__LOG_NAME": "a-log",
        }
    )


@asynccontextmanager
async def admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=settings.kafka.bootstrap_servers)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def make_topic(settings: Settings, partitions: int = 1, config: dict[str, str] | None = None) -> None:
    async with admin(settings) as client:
        await client.create_topics([NewTopic(settings.kafka.audit_topic, partitions, 1, None, config)])


async def topics(settings: Settings) -> list[str]:
    async with admin(settings) as client:
        names: list[str] = await client.list_topics()
        return names


@asynccontextmanager
async def running(relay: Relay) -> AsyncIterator[asyncio.Task[None]]:
    """The relay at work, stopped at the end; its failure is the test's."""
    stopping = asyncio.Event()
    task = asyncio.create_task(relay.run(stopping))
    try:
        yield task
    finally:
        stopping.set()
        await asyncio.wait_for(task, PATIENCE)


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = PATIENCE) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 (neither Kafka nor MongoDB tells)
            await asyncio.sleep(0.05)


async def until_sent(database: Database) -> None:
    await until(lambda: is_empty(database))


async def is_empty(database: Database) -> bool:
    return await database.outbox.count_documents({}) == 0


async def announce_erasures(database: Database, n: int, size: int = 3) -> None:
    """One entry as the sweep writes it."""
    items = [[str(uuid4()), 2, NOW, []] for _ in range(size)]
    await announce(database, "anonymized", items, n)


async def announce_refusal(database: Database, offset: int) -> None:
    await announce(database, "quarantined", [["orders", 0, offset, "NOT_JSON", ""]])


async def announce(database: Database, kind: str, items: list[list[Any]], n: int | None = None) -> None:
    async def body(session: Session) -> None:
        await append(database, session, kind, None, items, STAMP, n)

    await in_transaction(database, body)


def expected(entries: list[Document]) -> list[Sent]:
    headers = {"content-type": b"application/cloudevents+json; charset=UTF-8"}
    return [(r.key, r.value, headers) for entry in entries for r in expand(entry, "a-log")]


async def end_offset(consumer: AIOKafkaConsumer, partition: TopicPartition) -> int:
    offset: int = (await consumer.end_offsets([partition]))[partition]
    return offset


async def written(settings: Settings, partition: int = 0) -> list[Sent]:
    """What the audit topic holds now, in order."""
    where = TopicPartition(settings.kafka.audit_topic, partition)
    async with AIOKafkaConsumer(
        bootstrap_servers=settings.kafka.bootstrap_servers, auto_offset_reset="earliest"
    ) as consumer:
        consumer.assign([where])
        end = await end_offset(consumer, where)
        records = [await asyncio.wait_for(consumer.getone(), 20) for _ in range(end)]
    return [(record.key, record.value, dict(record.headers)) for record in records]


async def test_events_arrive_in_order_with_key_and_content_type(
    settings: Settings, database: Database
) -> None:
    await make_topic(settings)
    for n in (3, 1, 2, 5, 4):
        await announce_erasures(database, n, size=40)
        await announce_refusal(database, n)
    entries = await unsent(database, 100)
    async with running(Relay(settings, database)):
        await until_sent(database)
    assert await written(settings) == expected(entries)
    numbers = [entry["n"] for entry in entries if "n" in entry]
    assert numbers == [1, 2, 3, 4, 5]


async def test_more_entries_than_one_round_keep_their_order(settings: Settings, database: Database) -> None:
    await make_topic(settings)
    for n in range(1, 51):
        await announce_erasures(database, n, size=1)
    entries = await unsent(database, 100)
    async with running(Relay(settings, database)):
        await until_sent(database)
    assert await written(settings) == expected(entries)


async def test_every_event_goes_to_the_first_partition(settings: Settings, database: Database) -> None:
    await make_topic(settings, partitions=3)
    await announce_erasures(database, 1, size=30)
    entries = await unsent(database, 100)
    async with running(Relay(settings, database)):
        await until_sent(database)
    assert await written(settings) == expected(entries)
    assert [await written(settings, partition) for partition in (1, 2)] == [[], []]


async def test_an_entry_is_removed_only_when_all_its_events_are_on_the_topic(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_topic(settings)
    for n in range(1, 24):
        await announce_erasures(database, n)
    entries = await unsent(database, 100)
    removed: list[str] = []
    on_topic: list[bool] = []

    async def watched(database: Database, entry_ids: list[str]) -> None:
        removed.extend(entry_ids)
        on_topic.append(await written(settings) == expected(entries[: len(removed)]))
        await remove(database, entry_ids)

    monkeypatch.setattr(REMOVE, watched)
    async with running(Relay(settings, database)):
        await until_sent(database)
    assert removed == [entry["_id"] for entry in entries]
    assert on_topic == [True] * len(on_topic)


class Killed(BaseException):
    """The process ends here."""


async def test_a_relay_killed_before_it_removed_an_entry_repeats_it_to_the_byte(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_topic(settings)
    for n in (1, 2):
        await announce_erasures(database, n)
    entries = await unsent(database, 100)

    async def killed(database: Database, entry_ids: list[str]) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(REMOVE, killed)
        for _ in range(2):
            with pytest.raises(Killed):
                await Relay(settings, database).run(asyncio.Event())
    async with running(Relay(settings, database)):
        await until_sent(database)
    assert await written(settings) == expected(entries) * 3


async def test_an_entry_of_a_newer_build_waits_and_is_not_lost(
    settings: Settings, database: Database
) -> None:
    await make_topic(settings)
    await announce_erasures(database, 1)
    await announce(database, "of the future", [["?"]], 2)
    await announce_erasures(database, 3)
    entries = await unsent(database, 100)
    failures = REGISTRY.get_sample_value("order_records_audit_send_failures_total") or 0
    async with running(Relay(settings, database)):
        await until(lambda: failed_since(failures))
    assert await unsent(database, 100) == entries[1:]
    assert await written(settings) == expected(entries[:1])


async def failed_since(failures: float) -> bool:
    return (REGISTRY.get_sample_value("order_records_audit_send_failures_total") or 0) > failures


async def test_a_missing_topic_is_not_created_and_nothing_is_lost(
    settings: Settings, database: Database
) -> None:
    await announce_erasures(database, 1)
    entries = await unsent(database, 100)
    failures = REGISTRY.get_sample_value("order_records_audit_send_failures_total") or 0
    async with running(Relay(settings, database)) as task:
        await until(lambda: failed_since(failures))
        assert not task.done()
        assert settings.kafka.audit_topic not in await topics(settings)
        assert await unsent(database, 100) == entries
        await make_topic(settings)
        await until_sent(database)
    assert await written(settings) == expected(entries)


async def test_of_an_entry_that_is_refused_in_part_nothing_overtakes_the_rest(
    settings: Settings, database: Database
) -> None:
    topic = settings.kafka.audit_topic
    await make_topic(settings, config={LIMIT: "30000"})  # the last of three batches alone is smaller
    for n in (1, 2):
        await announce_erasures(database, n, size=1_000)
    entries = await unsent(database, 100)
    failures = REGISTRY.get_sample_value("order_records_audit_send_failures_total") or 0
    with structlog.testing.capture_logs() as lines:
        async with running(Relay(settings, database)):
            await until(lambda: failed_since(failures + 1))
            assert await written(settings) == []
            assert await unsent(database, 100) == entries
            await take_up_to(settings.kafka, topic, 2**20)
            await until_sent(database)
    assert await written(settings) == expected(entries)
    told = {(line["event"], line["error"]) for line in lines if "error" in line}
    why = f"TopicRefuses: topic {topic} refuses: its max.message.bytes is too small"
    assert told == {("audit events wait in the outbox", why)}


async def test_while_kafka_is_away_events_wait_and_then_go_out_without_a_new_process(
    own_kafka: StartKafka, database: Database
) -> None:
    broker = await own_kafka()
    settings = settings_for(broker.bootstrap, TOPIC)
    await make_topic(settings)
    entries: list[Document] = []
    async with running(Relay(settings, database)) as task:
        await announce_erasures(database, 1)
        entries += await unsent(database, 100)
        await until_sent(database)
        assert broker.pid
        os.kill(broker.pid, signal.SIGKILL)
        await announce_erasures(database, 2)
        await announce_erasures(database, 3)
        waiting = await unsent(database, 100)
        await asyncio.sleep(2)
        assert not task.done()
        assert await unsent(database, 100) == waiting
        await broker.restart()
        back = time.monotonic()
        await until_sent(database)
        assert time.monotonic() - back < 30
    assert without_repeats(await written(settings)) == expected(entries + waiting)


def without_repeats(sent: list[Sent]) -> list[Sent]:
    """Each once, at its first place; headers cannot be hashed."""
    return [record for place, record in enumerate(sent) if record not in sent[:place]]


async def test_what_nobody_thought_of_ends_no_relay(settings: Settings, database: Database) -> None:
    await make_topic(settings)
    await announce_erasures(database, 1)
    await database.outbox.update_one({"n": 1}, {"$unset": {"policyDigest": ""}})
    failures = REGISTRY.get_sample_value("order_records_audit_send_failures_total") or 0
    async with running(Relay(settings, database)):
        await until(lambda: failed_since(failures))
        await database.outbox.update_one({"n": 1}, {"$set": {"policyDigest": STAMP.policy_digest}})
        await until_sent(database)
