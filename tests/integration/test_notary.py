"""The notary on a real Kafka: one tree over the topic's bytes, whatever happens to it and to the topics."""

import asyncio
import base64
import os
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import pytest
import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete

from audit.checkpoints import Checkpoint, SignedCheckpoint, open_checkpoint, open_range, sign_checkpoint
from audit.following import LogKeys
from audit.keys import verifier_key
from audit.merkle import CompactRange
from runtime.errors import UserError
from runtime.kafka_settings import Kafka
from runtime.metrics import REGISTRY
from runtime.settings import load_settings
from tests.parts import StartKafka
from tests.topic_limits import take_up_to
from tests.unfetchable import publish_unfetchable
from worker.checkpoint_writer import CheckpointWriter
from worker.notary import Notary, Pace, notary_of

LOG: Final = "a-log"
SEED, RETIRED_SEED = bytes(32), bytes([1]) * 32
KEYS: Final = LogKeys.of(SEED, LOG, [])
QUICK: Final = Pace(apart=0.1, apart_if_many=0.1, gather=0.0)
PATIENCE: Final = 30.0
FAULTS: Final = ("gap", "partitions", "shorter", "different", "unreadable")
Signed = tuple[SignedCheckpoint, CompactRange]


@dataclass
class Topics:
    """Both topics of a trail of the test's own."""

    kafka: Kafka

    @property
    def audit(self) -> TopicPartition:
        return TopicPartition(self.kafka.audit_topic, 0)

    @property
    def checkpoints(self) -> TopicPartition:
        return TopicPartition(self.kafka.checkpoint_topic, 0)

    @asynccontextmanager
    async def admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        client = AIOKafkaAdminClient(bootstrap_servers=self.kafka.bootstrap_servers)
        await client.start()
        try:
            yield client
        finally:
            await client.close()

    async def make(self, *topics: str, partitions: int = 1) -> None:
        async with self.admin() as admin:
            await admin.create_topics([NewTopic(topic, partitions, 1) for topic in topics])

    async def remake_audit(self) -> None:
        async with self.admin() as admin:
            await admin.delete_topics([self.kafka.audit_topic])
            while self.kafka.audit_topic in await admin.list_topics():  # noqa: ASYNC110 (Kafka tells nobody)
                await asyncio.sleep(0.1)
            await self.make(self.kafka.audit_topic)

    async def write(
        self, values: Iterable[bytes], where: TopicPartition | None = None, **options: Any
    ) -> None:
        topic, partition = where or self.audit
        async with AIOKafkaProducer(bootstrap_servers=self.kafka.bootstrap_servers, **options) as producer:
            if "transactional_id" not in options:
                await asyncio.gather(
                    *[await producer.send(topic, each, partition=partition) for each in values]
                )
                return
            async with producer.transaction():
                for each in values:
                    await producer.send(topic, each, partition=partition)

    async def read(self, where: TopicPartition) -> list["ConsumerRecord[bytes, bytes]"]:
        async with AIOKafkaConsumer(
            bootstrap_servers=self.kafka.bootstrap_servers, auto_offset_reset="earliest"
        ) as consumer:
            consumer.assign([where])
            begin = (await consumer.beginning_offsets([where]))[where]
            end = (await consumer.end_offsets([where]))[where]
            return [await asyncio.wait_for(consumer.getone(), 20) for _ in range(end - begin)]

    async def cut_before(self, offset: int) -> None:
        async with self.admin() as admin:
            await admin.delete_records({self.audit: RecordsToDelete(before_offset=offset)})

    async def signed(self, keys: LogKeys = KEYS) -> list[Signed]:
        """Every checkpoint that today's key has signed, its range held against it."""
        found = []
        for record in await self.read(self.checkpoints):
            if record.key == LOG.encode():
                opened = open_checkpoint(record.value, [keys.current, *keys.retired])
                found.append((opened, open_range(opened.checkpoint, record.headers)))
        return found

    async def until_signed(self, size: int, more_than: int = 0) -> list[Signed]:
        """Waits for a checkpoint of so many events beyond the first so many checkpoints."""

        async def there() -> bool:
            return any(each.checkpoint.size == size for each, _ in (await self.signed())[more_than:])

        await until(there)
        return await self.signed()


@pytest.fixture
async def topics(real_kafka: str, topic_names: Callable[[str], str]) -> Topics:
    made = Topics(kafka_of(real_kafka, topic_names("audit"), topic_names("checkpoints")))
    await made.make(made.kafka.audit_topic, made.kafka.checkpoint_topic)
    return made


def kafka_of(bootstrap: str, audit: str, checkpoints: str) -> Kafka:
    return Kafka(bootstrap_servers=bootstrap, audit_topic=audit, checkpoint_topic=checkpoints)


def events(first: int, end: int, mark: str = "") -> list[bytes]:
    return [f'{{"event":{number}{mark}}}'.encode() for number in range(first, end)]


def root(values: Iterable[bytes]) -> bytes:
    tree = CompactRange()
    tree.extend(values)
    return tree.root()


def notary(topics: Topics, keys: LogKeys = KEYS, seed: bytes = SEED, **options: Any) -> Notary:
    return Notary(topics.kafka, seed, keys, options.pop("pace", QUICK), **options)


@asynccontextmanager
async def running(*notaries: Notary) -> AsyncIterator[list["asyncio.Task[None]"]]:
    """At work, and stopped at the end; the failure of one is the test's."""
    stopping = asyncio.Event()
    tasks = [asyncio.create_task(each.run(stopping)) for each in notaries]
    try:
        yield tasks
        assert not any(task.done() for task in tasks)
    finally:
        stopping.set()
        await asyncio.wait_for(asyncio.gather(*tasks), PATIENCE)


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = PATIENCE) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 (Kafka tells nobody)
            await asyncio.sleep(0.05)


def figure(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"order_records_audit_{name}", labels) or 0.0


async def until_fault(name: str) -> None:
    async def told() -> bool:
        return figure("fault", fault=name) == 1

    await until(told)
    assert [each for each in FAULTS if figure("fault", fault=each)] == [name]


async def test_the_roots_are_those_of_the_topics_bytes_and_a_restart_goes_on_with_the_same_tree(
    topics: Topics,
) -> None:
    written = [*events(0, 2_999), b'{"b": 1, "a":"\\u00e4"}']
    async with running(notary(topics)):
        await topics.until_signed(0)
        await topics.write(written)
        await topics.until_signed(3_000)
        assert figure("signed_events") == 3_000
        assert figure("last_checkpoint_timestamp_seconds") > 1_700_000_000
    written += events(3_000, 3_005)
    await topics.write(written[3_000:])
    async with running(notary(topics)):
        signed = await topics.until_signed(3_005)
    for opened, _ in signed:
        assert opened.checkpoint.root == root(written[: opened.checkpoint.size])
        assert opened.signed_at is not None
    sizes = [opened.checkpoint.size for opened, _ in signed]
    assert sizes == sorted(sizes)
    assert sizes[0] == 0


async def test_junk_on_the_checkpoint_topic_is_passed_over(topics: Topics) -> None:
    await topics.write(events(0, 5))
    async with running(notary(topics)):
        await topics.until_signed(5)
    forged = sign_checkpoint(Checkpoint(LOG, 900, bytes(32)), RETIRED_SEED, 1)
    without_range = sign_checkpoint(Checkpoint(LOG, 900, bytes(32)), SEED, 1)
    await topics.write([b"", b"junk", b"\xff\x00", forged, without_range] * 30, topics.checkpoints)
    await topics.write(events(5, 8))
    async with running(notary(topics)):
        signed = await topics.until_signed(8)
    assert signed[-1][0].checkpoint.root == root(events(0, 8))


async def test_records_on_the_checkpoint_topic_that_no_client_can_decode_are_passed_over(
    real_kafka: str, topic_names: Callable[[str], str]
) -> None:
    topics = Topics(kafka_of(real_kafka, topic_names("audit"), topic_names("checkpoints")))
    await topics.make(topics.kafka.audit_topic)
    await topics.make(topics.kafka.checkpoint_topic, partitions=2)
    await topics.write(events(0, 5))
    async with running(notary(topics)):
        await topics.until_signed(5)
    await topics.cut_before(5)
    await publish_unfetchable(real_kafka, topics.kafka.checkpoint_topic, bad=20, after=4)
    signed_before = figure("last_checkpoint_timestamp_seconds")
    async with running(notary(topics)):
        await topics.write(events(5, 8))
        await until(lambda: later_than(signed_before))
        assert figure("signed_events") == 8


async def test_a_record_on_the_audit_topic_that_no_client_can_decode_is_a_fault(topics: Topics) -> None:
    await topics.write(events(0, 5))
    async with running(notary(topics)):
        await topics.until_signed(5)
        await publish_unfetchable(topics.kafka.bootstrap_servers, topics.kafka.audit_topic, bad=0, beside=0)
        await until_fault("unreadable")
    assert max(opened.checkpoint.size for opened, _ in await topics.signed()) == 5


async def later_than(before: float) -> bool:
    return figure("last_checkpoint_timestamp_seconds") > before


async def test_after_retention_has_cut_the_head_the_tree_goes_on_from_the_last_checkpoint(
    topics: Topics,
) -> None:
    await topics.write(events(0, 20))
    async with running(notary(topics)):
        await topics.until_signed(20)
    await topics.write(events(20, 30))
    await topics.cut_before(20)
    async with running(notary(topics)):
        signed = await topics.until_signed(30)
    assert signed[-1][0].checkpoint.root == root(events(0, 30))


async def test_events_that_are_gone_before_they_were_covered_are_a_gap_and_nothing_is_signed_any_more(
    topics: Topics,
) -> None:
    await topics.write(events(0, 20))
    async with running(notary(topics)):
        await topics.until_signed(20)
    before = len(await topics.signed())
    await topics.write(events(20, 30))
    await topics.cut_before(21)
    async with running(notary(topics)):
        await until_fault("gap")
        await asyncio.sleep(0.5)
        assert len(await topics.signed()) == before
    assert not any(figure("fault", fault=each) for each in FAULTS)


async def test_markers_of_a_transaction_are_a_gap(topics: Topics) -> None:
    async with running(notary(topics)):
        await topics.until_signed(0)
        await topics.write(events(0, 3), transactional_id=topics.kafka.audit_topic)
        await until_fault("gap")
        await topics.write(events(3, 6))
        await asyncio.sleep(0.5)
    assert {opened.checkpoint.size for opened, _ in await topics.signed()} <= {0, 3}


async def test_a_second_partition_is_a_fault_also_when_it_comes_later(
    topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.notary._METADATA_MS", 500)
    async with running(notary(topics)):
        await topics.write(events(0, 3))
        await topics.until_signed(3)
        async with topics.admin() as admin:
            await admin.create_partitions({topics.kafka.audit_topic: NewPartitions(total_count=2)})
        await until_fault("partitions")
    before = len(await topics.signed())
    await topics.write(events(3, 6))
    async with running(notary(topics)):
        await until_fault("partitions")
    assert len(await topics.signed()) == before


async def test_a_topic_that_was_made_anew_is_shorter_and_once_it_has_grown_another_one(
    topics: Topics,
) -> None:
    await topics.write(events(0, 9))
    async with running(notary(topics)):
        await topics.until_signed(9)
    before = len(await topics.signed())
    await topics.remake_audit()
    await topics.write(events(0, 4, "1"))
    async with running(notary(topics)):
        await until_fault("shorter")
    await topics.write(events(4, 30, "1"))
    async with running(notary(topics)):
        await until_fault("different")
    assert len(await topics.signed()) == before


async def test_two_notaries_at_once_sign_one_history(topics: Topics) -> None:
    async with running(notary(topics), notary(topics)):
        for first in range(0, 400, 40):
            await topics.write(events(first, first + 40))
        await topics.until_signed(400)
    async with running(notary(topics)):
        await topics.write(events(400, 410))
        signed = await topics.until_signed(410)
    for opened, _ in signed:
        assert opened.checkpoint.root == root(events(0, opened.checkpoint.size))


class Killed(BaseException):
    """The process ends here."""


async def test_a_notary_that_is_killed_before_and_after_it_has_written_signs_one_history(
    topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance, write, written = random.Random(2), CheckpointWriter.write, 0

    async def deadly(*arguments: Any) -> None:
        if fate := chance.randrange(3):
            await write(*arguments)
        if fate < 2:
            raise Killed

    monkeypatch.setattr(CheckpointWriter, "write", deadly)
    for _ in range(8):
        more = chance.randrange(60)
        await topics.write(events(written, written + more))
        written += more
        with pytest.raises(Killed):
            await asyncio.wait_for(notary(topics, pace=Pace(idle=0.1)).run(asyncio.Event()), PATIENCE)
    signed = await topics.signed()
    assert len({opened.checkpoint.size for opened, _ in signed}) > 2
    for opened, _ in signed:
        assert opened.checkpoint.root == root(events(0, opened.checkpoint.size))


async def test_a_new_key_goes_on_where_the_retired_one_has_ended_and_signs_at_once(topics: Topics) -> None:
    retired = LogKeys.of(RETIRED_SEED, LOG, [])
    await topics.write(events(0, 7))
    async with running(notary(topics, retired, RETIRED_SEED)):

        async def covered() -> bool:
            return any(each.checkpoint.size == 7 for each, _ in await topics.signed(retired))

        await until(covered)
    await topics.cut_before(7)
    keys = LogKeys.of(SEED, LOG, [verifier_key(RETIRED_SEED, LOG)])
    async with running(notary(topics, keys, pace=Pace())):

        async def by_the_new_key() -> bool:
            return any(each.key == keys.current for each, _ in await topics.signed(keys))

        await until(by_the_new_key)
    last = (await topics.signed(keys))[-1][0]
    assert (last.key, last.checkpoint.size, last.checkpoint.root) == (keys.current, 7, root(events(0, 7)))


async def test_without_its_retired_key_a_trail_whose_head_is_cut_is_not_signed(topics: Topics) -> None:
    await topics.write(events(0, 7))
    async with running(notary(topics, LogKeys.of(RETIRED_SEED, LOG, []), RETIRED_SEED)):
        await until(lambda: any_checkpoint(topics))
    await topics.cut_before(7)
    async with running(notary(topics)):
        await until_fault("gap")


async def any_checkpoint(topics: Topics) -> bool:
    return len(await topics.read(topics.checkpoints)) > 0


async def test_when_nothing_happens_a_checkpoint_comes_every_hour_and_none_at_a_restart(
    topics: Topics,
) -> None:
    await topics.write(events(0, 3))
    passed = [0.0]
    async with running(notary(topics, pace=Pace(), monotonic=lambda: passed[0])):
        await topics.until_signed(3)
        for hours in (1, 2):
            passed[0] += 3_600.0
            await topics.until_signed(3, more_than=hours)
    count = len(await topics.signed())
    async with running(notary(topics, pace=Pace())):
        await asyncio.sleep(1)
    assert len(await topics.signed()) == count == 3


async def test_it_waits_for_topics_that_are_not_there_and_creates_none(
    real_kafka: str, topic_names: Callable[[str], str]
) -> None:
    topics = Topics(kafka_of(real_kafka, topic_names("audit"), topic_names("checkpoints")))
    async with running(notary(topics)):
        await asyncio.sleep(1)
        async with topics.admin() as admin:
            assert not {topics.kafka.audit_topic, topics.kafka.checkpoint_topic} & set(
                await admin.list_topics()
            )
        await topics.make(topics.kafka.audit_topic)
        await topics.write(events(0, 3))
        await asyncio.sleep(1)
        await topics.make(topics.kafka.checkpoint_topic)
        await topics.until_signed(3)


async def test_while_the_checkpoint_topic_refuses_it_says_why_and_then_signs_what_has_waited(
    topics: Topics,
) -> None:
    await topics.write(events(0, 3))
    async with running(notary(topics)):
        await topics.until_signed(3)
    name, written = topics.kafka.checkpoint_topic, len(await topics.signed())
    await take_up_to(topics.kafka, name, 100)
    await topics.write(events(3, 9))
    why = f"TopicRefuses: topic {name} refuses: its max.message.bytes is too small"
    with structlog.testing.capture_logs() as lines:

        async def told() -> bool:
            return any(line.get("error") == why for line in lines)

        async with running(notary(topics)):
            await until(told)
            assert len(await topics.signed()) == written
            assert figure("oldest_uncovered_seconds") > 0
            await take_up_to(topics.kafka, name, 2**20)
            signed = await topics.until_signed(9)
    assert signed[-1][0].checkpoint.root == root(events(0, 9))


def test_a_missing_signing_key_and_a_wrong_retired_one_are_named() -> None:
    key = {"ORDER_RECORDS_SECRETS__AUDIT_SIGNING_KEY": base64.b64encode(SEED).decode()}
    of_another = {"ORDER_RECORDS_AUDIT__PUBLIC_KEYS": verifier_key(RETIRED_SEED, "another-log")}
    with pytest.raises(UserError, match="ORDER_RECORDS_SECRETS__AUDIT_SIGNING_KEY"):
        notary_of(load_settings({}))
    with pytest.raises(UserError, match="ORDER_RECORDS_AUDIT__PUBLIC_KEYS"):
        notary_of(load_settings(key | of_another))


@pytest.mark.faults
async def test_while_kafka_is_away_it_waits_and_then_goes_on_without_a_new_process(
    own_kafka: StartKafka,
) -> None:
    broker = await own_kafka()
    topics = Topics(kafka_of(broker.bootstrap, "audit", "checkpoints"))
    await topics.make(topics.kafka.audit_topic, topics.kafka.checkpoint_topic)
    await topics.write(events(0, 5))
    async with running(notary(topics)) as (task,):
        await topics.until_signed(5)
        assert broker.pid
        os.kill(broker.pid, signal.SIGKILL)
        await asyncio.sleep(5)
        assert not task.done()
        await broker.restart()
        await topics.write(events(5, 9))
        signed = await topics.until_signed(9)
    assert signed[-1][0].checkpoint.root == root(events(0, 9))
