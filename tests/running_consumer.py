"""`consume` within the test, on a topic and a database of its own, and what a test does to its topic."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.errors import GroupCoordinatorNotAvailableError

from local.samples.events import sample_events
from records.mongo.client import Database, open_database
from records.mongo.indexes import build_indexes
from records.mongo.outbox import Stamp
from records.mongo.startup import start_up
from records.read_positions import Found
from runtime.health import Health
from runtime.metrics import REGISTRY
from runtime.settings import Settings, load_settings
from service.consume import consume
from tests.e2e.deployment import until

SECRET: Final = base64.b64encode(bytes(range(32))).decode()
PATIENCE: Final = 30.0


@dataclass
class Topic:
    """The order topic of a test, and the database of its consumer."""

    settings: Settings
    database: Database
    admin: AIOKafkaAdminClient
    producer: AIOKafkaProducer
    published: int = 0

    @property
    def name(self) -> str:
        return self.settings.kafka.order_topic

    @property
    def variables(self) -> dict[str, str]:
        """For a process that works on this topic; the key of the quarantine is not among them."""
        mongo, kafka = self.settings.mongo, self.settings.kafka
        return {
            "ORDER_RECORDS_MONGO__URI": mongo.uri.get_secret_value(),
            "ORDER_RECORDS_MONGO__DATABASE": mongo.database,
            "ORDER_RECORDS_KAFKA__BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
            "ORDER_RECORDS_KAFKA__ORDER_TOPIC": kafka.order_topic,
            "ORDER_RECORDS_KAFKA__GROUP_ID": kafka.group_id,
            "ORDER_RECORDS_SECRETS__ID_KEY": SECRET,
        }

    async def publish(self, count: int, partition: int = 0, timestamp_ms: int | None = None) -> None:
        """So many good events, none like another; returns when they are there."""
        events = sample_events(5, count, at=datetime.now(UTC), start=self.published)
        self.published += count
        await self.producer.client.force_metadata_update()  # partitions may have been added
        options: dict[str, Any] = {"partition": partition, "timestamp_ms": timestamp_ms}
        sent = [
            await self.producer.send(self.name, e.event.value, headers=list(e.event.headers), **options)
            for e in events
        ]
        await asyncio.gather(*sent)

    async def expire(self, before: int, partition: int = 0) -> None:
        """As retention does: events before the offset are gone."""
        await self.admin.delete_records({TopicPartition(self.name, partition): RecordsToDelete(before)})

    async def make(self, partitions: int = 1) -> None:
        await self.admin.create_topics([NewTopic(self.name, partitions, 1)])

    async def make_anew(self, partitions: int = 1) -> None:
        """Another topic of the same name."""
        await self.admin.delete_topics([self.name])

        async def made() -> bool:
            response = await self.admin.create_topics([NewTopic(self.name, partitions, 1)])
            return bool(response.topic_errors[0][1] == 0)

        await until(made, PATIENCE, "the topic made anew")

    async def committed(self, partition: int = 0) -> int | None:
        place = TopicPartition(self.name, partition)
        group = self.settings.kafka.group_id
        try:
            known = await self.admin.list_consumer_group_offsets(group, partitions=[place])
        except GroupCoordinatorNotAvailableError:  # the first group of a broker makes it create a topic
            return None
        return known[place].offset if known[place].offset >= 0 else None

    async def stored(self, count: int, seconds: float = PATIENCE) -> None:
        """Returns once so many orders are stored; fails the test after the seconds."""

        async def there() -> bool:
            return await self.database.records.count_documents({}) >= count

        await until(there, seconds, f"{count} orders stored")
        assert await self.database.records.count_documents({}) == count

    async def read_up_to(self, offset: int, partition: int = 0) -> None:
        async def there() -> bool:
            return await self.committed(partition) == offset

        await until(there, PATIENCE, f"committed {offset}")

    async def announced(self, kind: str) -> list[list[Any]]:
        """The items of the outbox of one kind."""
        return [item async for entry in self.database.outbox.find({"kind": kind}) for item in entry["items"]]

    def figure(self, name: str, **labels: str) -> float | None:
        return REGISTRY.get_sample_value(f"order_records_{name}", {"topic": self.name, **labels})


@asynccontextmanager
async def topic_of(
    mongo_uri: str, name: str, kafka: str, names: Callable[[str], str], **more: str
) -> AsyncIterator[Topic]:
    """A topic that is still to be made, and an enabled database with its indexes."""
    settings = load_settings(
        {
            "ORDER_RECORDS_MONGO__URI": mongo_uri,
            "ORDER_RECORDS_MONGO__DATABASE": name,
            "ORDER_RECORDS_KAFKA__BOOTSTRAP_SERVERS": kafka,
            "ORDER_RECORDS_KAFKA__ORDER_TOPIC": names("orders"),
            "ORDER_RECORDS_KAFKA__GROUP_ID": names("group"),
            "ORDER_RECORDS_SECRETS__ID_KEY": SECRET,
            "ORDER_RECORDS_SECRETS__QUARANTINE_KEY": SECRET,
            "ORDER_RECORDS_SECRETS__AUDIT_SIGNING_KEY": SECRET,
            "ORDER_RECORDS_KAFKA__CHECKPOINT_TOPIC": names("checkpoints"),
            **more,
        }
    )
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    try:
        async with open_database(mongo_uri, name) as database:
            await build_indexes(database, search=False)
            await start_up(database, {}, enabled=True)
            yield Topic(settings, database, admin, producer)
    finally:
        await producer.stop()
        await admin.close()


async def from_the_first(_: str, found: Mapping[int, Found]) -> dict[int, int]:
    """Where to read from, when nothing is remembered."""
    return {number: partition.committed or partition.first for number, partition in found.items()}


async def no_policy() -> Stamp:
    return Stamp("1.2.3", 0, "sha256:" + "0" * 64)


async def never(*_: object) -> None:
    """Nobody has a record stepped over."""


@asynccontextmanager
async def consuming(topic: Topic) -> AsyncIterator[Health]:
    """The consumer is ready, runs within the block, and ends in order after it."""
    stopping, health = asyncio.Event(), Health("127.0.0.1", 0)
    running = asyncio.create_task(consume(topic.settings, health, stopping))

    async def ready() -> bool:
        return running.done() or health.readiness()[0]

    try:
        # Not stopped before: what the driver leaves of a connection that is being opened fails some test.
        await until(ready, PATIENCE, "the consumer is ready")
        yield health
        assert not running.done(), "the consumer has ended"
    finally:
        stopping.set()
        async with asyncio.timeout(20):
            await running
