"""A deployment that is put back from a backup: what it was, and what the verb brings back."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import NewTopic

from records.keys import RecordKeys
from records.mongo.client import Database, Document
from records.mongo.judgement import mark
from records.mongo.restored import Ahead
from records.mongo.transaction import in_transaction
from runtime.health import Health
from runtime.settings import Settings
from tests.e2e.deployment import until
from tests.running_consumer import PATIENCE, Topic, topic_of
from worker.work import work

COLLECTIONS: Final = ("records", "outbox", "quarantine", "erasure_ledger", "state")
_VERB_SECONDS: Final = 60.0


@asynccontextmanager
async def audited_topic_of(
    mongo_uri: str, name: str, kafka: str, names: Callable[[str], str], **more: str
) -> AsyncIterator[Topic]:
    """As `topic_of`, with an audit topic of its own, which is there, and a lease of three seconds."""
    own = {
        "ORDER_RECORDS_KAFKA__AUDIT_TOPIC": names("audit"),
        "ORDER_RECORDS_WORKER__LEASE_SECONDS": "3",
    }
    async with topic_of(mongo_uri, name, kafka, names, **own, **more) as made:
        await made.admin.create_topics([NewTopic(made.settings.kafka.audit_topic, 1, 1)])
        yield made


async def bind(topic: Topic) -> None:
    """The settings belong to the database from here on, as after a first start."""
    keys = RecordKeys.derive(topic.settings.secrets.require("id_key"))
    bound = topic.settings.bound(keys.fingerprint)
    await topic.database.state.update_one({"_id": "bound"}, {"$set": bound}, upsert=True)


async def copied(database: Database) -> dict[str, list[Document]]:
    """All that is in the database, as a backup has it."""
    whole = database.state.database
    return {name: await whole[name].find().sort("_id", 1).to_list(None) for name in COLLECTIONS}


async def put_back(database: Database, backup: dict[str, list[Document]]) -> None:
    for name, documents in backup.items():
        collection = database.state.database[name]
        await collection.delete_many({})
        if documents:
            await collection.insert_many(documents)


async def refused(database: Database, ahead: Ahead, log_name: str) -> None:
    """Some process has found the database to be behind its trail."""
    await in_transaction(database, partial(mark, database=database, ahead=ahead, log_name=log_name))


@asynccontextmanager
async def working(settings: Settings) -> AsyncIterator[None]:
    """`work` runs within the block."""
    stopping, health = asyncio.Event(), Health("127.0.0.1", 0)
    running = asyncio.create_task(work(settings, health, stopping))

    async def ready() -> bool:
        return running.done() or health.readiness()[0]

    try:
        await until(ready, PATIENCE, "the worker is ready")
        yield
        assert not running.done(), "the worker has ended"
    finally:
        stopping.set()
        async with asyncio.timeout(20):
            await running


async def verb(environ: dict[str, str], *words: str) -> tuple[int, str, str]:
    """Runs `order-records` with these words: its exit code, and what it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "cli.main",
        *words,
        env={**os.environ, **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    reading = asyncio.create_task(process.communicate())
    try:
        ended, _ = await asyncio.wait([reading], timeout=_VERB_SECONDS)
    finally:
        if not reading.done():
            process.kill()
    out, err = await reading
    assert ended, f"`{' '.join(words)}` does not end: {err.decode()[-2000:]}"
    return process.returncode or 0, out.decode(), err.decode()


async def trail_values(settings: Settings) -> list[bytes]:
    """The whole audit topic, in order."""
    where = TopicPartition(settings.kafka.audit_topic, 0)
    async with AIOKafkaConsumer(
        bootstrap_servers=settings.kafka.bootstrap_servers, auto_offset_reset="earliest"
    ) as consumer:
        consumer.assign([where])
        end = (await consumer.end_offsets([where]))[where]
        return [(await asyncio.wait_for(consumer.getone(), 20)).value for _ in range(end)]


async def settled(topic: Topic) -> None:
    """Nothing is due any more, and all was sent."""
    database = topic.database

    async def there() -> bool:
        now = (await database.client.admin.command("hello"))["localTime"]
        late = {
            "$or": [{"anonymized": False, "gdprCleanupDate": {"$lte": now}}, {"deletionDate": {"$lte": now}}]
        }
        return not await database.records.count_documents(late) and not await database.outbox.count_documents(
            {}
        )

    await until(there, PATIENCE, "everything erased and announced")
