"""The sides: who stores the orders of the topic, each started, watched until all are stored, and ended."""

import asyncio
import base64
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Final

import psutil
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from benchmarks.connect import Connect
from benchmarks.meter import Run, Watched, measured
from local.demo.children import Child, child
from local.servers.apache_kafka import ApacheKafka
from local.servers.mongod import Mongod
from local.servers.process import Process
from records.mongo.client import Database, open_database
from records.mongo.indexes import build_indexes
from runtime.environment import PREFIX, variable
from runtime.errors import UserError
from runtime.kafka_settings import Kafka
from runtime.secret_keys import KEY_BYTES

_JOIN_SECONDS: Final = 60.0
_JOIN_LOOK_SECONDS: Final = 0.1
_ASSIGNED: Final = "order_records_consumer_assigned_partitions"


class BatchingKafka(ApacheKafka):
    """Waits for all members of a new group before it begins, by Kafka's own default."""

    def _settings(self) -> dict[str, str]:
        return super()._settings() | {"group.initial.rebalance.delay.ms": "3000"}


@dataclass(frozen=True, repr=False)
class Sides:
    """What all sides share: the servers, the topic with so many orders, and one set of keys."""

    folder: Path
    mongod: Mongod
    kafka: Kafka
    admin: AIOKafkaAdminClient
    records: int
    secret: str = field(default_factory=lambda: base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode())

    @asynccontextmanager
    async def fresh_database(self) -> AsyncIterator[Database]:
        """A new database with all of our indexes; dropped, and that written to disk, after the block."""
        name = f"bench_{secrets.token_hex(4)}"
        async with open_database(self.mongod.uri, name) as database:
            await build_indexes(database)
            yield database
            await database.client.drop_database(name)
            await database.client.admin.command("fsync")  # or the next run would pay for it

    async def consume(self, database: Database, processes: int) -> Run:
        """`consume`, so many processes in one new group; measured once each has partitions."""
        group = f"consume-{secrets.token_hex(4)}"
        async with AsyncExitStack() as stack:
            children = [
                await stack.enter_async_context(self._consumer(database, group, n)) for n in range(processes)
            ]
            await _assigned(children)

            async def stored() -> int:
                return await self._committed(group)

            async def fault() -> str | None:
                return next((told for each in children if (told := each.fault())), None)

            clients = [psutil.Process(each.process.pid) for each in children]
            return await measured(Watched(clients, self._mongod(), stored, fault), self.records)

    async def sink(
        self, connect: Connect, database: Database, strategy: Mapping[str, str], records: int | None = None
    ) -> Run:
        """The MongoDB sink with two tasks, until so many records (none: all) are stored."""
        name = f"sink-{secrets.token_hex(4)}"
        topic, mongo = self.kafka.order_topic, (self.mongod.uri, _name(database))

        async def fault() -> str | None:
            return await connect.fault(name)

        await connect.create(name, topic, mongo, strategy)
        try:
            clients = [psutil.Process(connect.pid)]
            watched = Watched(clients, self._mongod(), database.records.estimated_document_count, fault)
            return await measured(watched, records or self.records)
        finally:
            await connect.delete(name)

    async def program(self, module: ModuleType, database: Database, records: int) -> Run:
        """A program of this folder that reads so many records of the topic and stores them."""
        words = [self.kafka.bootstrap_servers, self.kafka.order_topic, self.mongod.uri, _name(database)]
        command = [sys.executable, "-m", module.__name__, *words, str(records)]
        process = Process(command, self.folder / f"{module.__name__}.log")

        async def fault() -> str | None:
            return None if process.exit_code() is None else f"{module.__name__}: {process.last_lines()}"

        try:
            clients, stored = [psutil.Process(process.pid)], database.records.estimated_document_count
            return await measured(Watched(clients, self._mongod(), stored, fault), records)
        finally:
            await process.end(kill=True)

    @asynccontextmanager
    async def _consumer(self, database: Database, group: str, number: int) -> AsyncIterator[Child]:
        folder = self.folder / f"{group}-{number}"
        folder.mkdir()
        of_the_caller = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        environ = of_the_caller | {
            variable("mongo", "uri"): self.mongod.uri,
            variable("mongo", "database"): _name(database),
            variable("kafka", "bootstrap_servers"): self.kafka.bootstrap_servers,
            variable("kafka", "order_topic"): self.kafka.order_topic,
            variable("kafka", "group_id"): group,
            variable("secrets", "id_key"): self.secret,
            variable("secrets", "quarantine_key"): self.secret,
            variable("enabled_on_first_start"): "true",
        }
        async with child("consume", environ, folder) as consumer:
            yield consumer

    def _mongod(self) -> psutil.Process:
        return psutil.Process(self.mongod.pid)

    async def _committed(self, group: str) -> int:
        with suppress(KafkaError):  # a group that nobody has joined yet has no coordinator
            offsets = await self.admin.list_consumer_group_offsets(group)
            return sum(max(0, each.offset) for each in offsets.values())
        return 0


async def _assigned(children: Sequence[Child]) -> None:
    """Raises UserError when one of them fails, or has no partition within a minute."""
    deadline = time.monotonic() + _JOIN_SECONDS
    while time.monotonic() < deadline:
        if fault := next((told for each in children if (told := each.fault())), None):
            raise UserError(fault)
        if all([(await each.figures()).get(_ASSIGNED, 0) > 0 for each in children]):
            return
        await asyncio.sleep(_JOIN_LOOK_SECONDS)
    raise UserError(f"not every one of {len(children)} `consume` processes was given a partition")


def _name(database: Database) -> str:
    return str(database.records.database.name)
