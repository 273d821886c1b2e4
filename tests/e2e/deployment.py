"""A deployment of real processes for one test, with days of a second."""

import asyncio
import base64
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord

from local.demo.children import Child, child
from local.samples.forms import SampleEvent
from local.servers.process import HOST, Process, free_port
from records.mongo.client import Database
from records.mongo.policies import first_policy
from records.policy import GdprPolicy
from runtime.environment import variable
from runtime.settings import Settings, load_settings

Place = tuple[int, int]
"""Partition and offset."""
SECRET = base64.b64encode(b"only for tests, 32 bytes of it..").decode()


@dataclass
class Deployment:
    """Processes on one database and one set of topics; `variables` lead to them."""

    database: Database
    variables: dict[str, str]
    folder: Path
    stack: AsyncExitStack

    @property
    def settings(self) -> Settings:
        return load_settings(self.variables)

    async def start(self, verb: str, *, wait: bool = True, **changed: str) -> Child:
        started = await self.stack.enter_async_context(
            child(verb, {**os.environ, **self.variables, **changed}, self.folder)
        )
        if wait:
            await started.ready()
        return started

    async def start_faulty(self, verb: str, *faults: str, wait: bool = True, **changed: str) -> Child:
        """The verb with faults at named steps: tests/e2e/faulty_verb.py."""
        environ = {**os.environ, **self.variables, **changed}
        started = await self.stack.enter_async_context(faulty(verb, faults, environ, self.folder))
        if wait:
            await started.ready()
        return started

    async def publish(self, events: Iterable[SampleEvent]) -> list[Place]:
        """Publishes all and returns partition and offset of each."""
        settings = self.settings.kafka
        producer = AIOKafkaProducer(
            bootstrap_servers=settings.servers, acks="all", max_request_size=4 * 2**20, linger_ms=20
        )
        await producer.start()
        try:
            sent = [
                await producer.send(settings.order_topic, e.value, e.key, headers=list(e.headers))
                for e in events
            ]
            metadata = await asyncio.gather(*sent)
        finally:
            await producer.stop()
        return [(m.partition, m.offset) for m in metadata]

    async def timestamps(self) -> dict[Place, int]:
        """When each event of the order topic was published, in milliseconds since 1970."""
        records = await self.read(self.settings.kafka.order_topic)
        return {(record.partition, record.offset): record.timestamp for record in records}

    async def audit_values(self) -> list[bytes]:
        """The whole audit topic, in order."""
        return [record.value or b"" for record in await self.read(self.settings.kafka.audit_topic)]

    async def read(self, topic: str) -> list[ConsumerRecord[bytes, bytes]]:
        """A whole topic, as it stands now."""
        settings = self.settings.kafka
        consumer = AIOKafkaConsumer(
            topic, bootstrap_servers=settings.servers, enable_auto_commit=False, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            ends = await consumer.end_offsets(list(consumer.assignment()))
            found: list[ConsumerRecord[bytes, bytes]] = []
            async with asyncio.timeout(60):
                while len(found) < sum(ends.values()):
                    for records in (await consumer.getmany(timeout_ms=500)).values():
                        found.extend(records)
            return found
        finally:
            await consumer.stop()

    def logs(self) -> str:
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))


@asynccontextmanager
async def faulty(
    verb: str, faults: Iterable[str], environ: dict[str, str], folder: Path
) -> AsyncIterator[Child]:
    """As `child`, for the verb with faults."""
    port = free_port()
    env = {**environ, variable("health", "port"): str(port), variable("health", "host"): HOST}
    command = [sys.executable, "-m", "tests.e2e.faulty_verb", verb, *faults]
    process = Process(command, folder / f"{verb}.log", env)
    try:
        yield Child(verb, process, port)
    finally:
        await process.end(kill=True)


async def deploy(
    database: Database,
    uri: str,
    bootstrap: str,
    topic_names: Callable[[str], str],
    folder: Path,
    stack: AsyncExitStack,
    policy: GdprPolicy,
) -> Deployment:
    """The variables of a deployment, its policy and its topics; no process runs yet."""
    variables = {
        "ORDER_RECORDS_MONGO__URI": uri,
        "ORDER_RECORDS_MONGO__DATABASE": database.state.database.name,
        "ORDER_RECORDS_KAFKA__BOOTSTRAP_SERVERS": bootstrap,
        "ORDER_RECORDS_KAFKA__ORDER_TOPIC": topic_names("orders"),
        "ORDER_RECORDS_KAFKA__AUDIT_TOPIC": topic_names("audit"),
        "ORDER_RECORDS_KAFKA__CHECKPOINT_TOPIC": topic_names("checkpoints"),
        "ORDER_RECORDS_KAFKA__GROUP_ID": topic_names("group"),
        "ORDER_RECORDS_KAFKA__CREATE_TOPICS": "true",
        "ORDER_RECORDS_SECRETS__ID_KEY": SECRET,
        "ORDER_RECORDS_SECRETS__QUARANTINE_KEY": SECRET,
        "ORDER_RECORDS_SECRETS__AUDIT_SIGNING_KEY": SECRET,
        "ORDER_RECORDS_ENABLED_ON_FIRST_START": "true",
        "ORDER_RECORDS_RETENTION__DAY_SECONDS": "1",
        "ORDER_RECORDS_WORKER__SWEEP_INTERVAL_SECONDS": "1",
        "ORDER_RECORDS_WORKER__LEASE_SECONDS": "5",
        "ORDER_RECORDS_LOG__LEVEL": "DEBUG",
    }
    await first_policy(database, policy)
    return Deployment(database, variables, folder, stack)


async def until(true: Callable[[], Awaitable[Any]], seconds: float, what: str) -> None:
    """Waits until the condition holds; fails the test, naming it, after so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            while not await true():  # noqa: ASYNC110 - other processes set no event of ours
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise AssertionError(f"not within {seconds} s: {what}") from None
