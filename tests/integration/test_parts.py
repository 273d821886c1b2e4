"""The servers that demo and tests start: real ones, that come back with their data and leave no process."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import UnknownTopicOrPartitionError
from pymongo import AsyncMongoClient

from local.servers.in_process_kafka import InProcessKafka
from local.servers.mongod import Mongod
from local.servers.server import Server
from runtime.errors import UserError
from tests.parts import StartKafka, StartMongod

Document = dict[str, Any]

ORPHAN = """
import asyncio, sys, pathlib
from local.servers.mongod import Mongod

async def main():
    server = await Mongod.start(pathlib.Path(sys.argv[1]))
    print(server.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


async def make_topic(bootstrap: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()


async def send(bootstrap: str, topic: str, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        await asyncio.wait_for(producer.send_and_wait(topic, value, partition=0), 20)


async def read_one(bootstrap: str, topic: str) -> bytes | None:
    async with AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, group_id=f"{topic}-readers", auto_offset_reset="earliest"
    ) as consumer:
        record = await asyncio.wait_for(consumer.getone(), 20)
        value: bytes | None = record.value
        return value


async def is_gone(pid: int, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while psutil.pid_exists(pid):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.1)
    return True


async def test_mongodb_takes_a_transaction(mongo_uri: str, fresh_database: str) -> None:
    async with AsyncMongoClient[Document](mongo_uri) as client, client.start_session() as session:
        records = client[fresh_database].records
        async with await session.start_transaction():
            await records.insert_one({"_id": "a"}, session=session)
            await records.insert_one({"_id": "b"}, session=session)
        assert await records.count_documents({}) == 2


@pytest.mark.parametrize("kill", [False, True], ids=["ended", "killed"])
async def test_an_embedded_mongod_comes_back_with_its_data(own_mongod: StartMongod, *, kill: bool) -> None:
    server = await own_mongod()
    first = server.pid
    async with AsyncMongoClient[Document](server.uri, w="majority", journal=True) as client:
        await client.shop.records.insert_one({"_id": "kept"})
        await server.stop(kill=kill)
        await server.restart()
        assert await client.shop.records.find_one() == {"_id": "kept"}
    assert server.pid != first


async def test_an_embedded_mongod_takes_server_parameters(own_mongod: StartMongod) -> None:
    server = await own_mongod(enableTestCommands="1")
    async with AsyncMongoClient[Document](server.uri) as client:
        answer = await client.admin.command(
            {"getParameter": 1, "enableTestCommands": 1, "transactionLifetimeLimitSeconds": 1}
        )
    assert answer["enableTestCommands"]
    assert answer["transactionLifetimeLimitSeconds"] == 15


async def test_data_of_an_earlier_run_are_served_on_another_port(tmp_path: Path) -> None:
    async with await Mongod.start(tmp_path) as server, AsyncMongoClient[Document](server.uri) as client:
        await client.shop.records.insert_one({"_id": "kept"})
    async with await Mongod.start(tmp_path) as other, AsyncMongoClient[Document](other.uri) as client:
        assert other.port != server.port
        assert await client.shop.records.find_one() == {"_id": "kept"}


async def test_a_server_that_cannot_start_says_why_and_is_gone(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Unknown --setParameter 'nonsense'") as failure:
        await Mongod.start(tmp_path, parameters={"nonsense": "1"})
    assert "\n" not in str(failure.value)


async def test_a_taken_port_is_refused(own_mongod: StartMongod, tmp_path: Path) -> None:
    server = await own_mongod()
    with pytest.raises(UserError, match=f"port {server.port} is taken"):
        await Mongod.start(tmp_path / "second", port=server.port)


async def test_kafka_stores_and_returns_a_record(real_kafka: str, topic_names: Callable[[str], str]) -> None:
    await make_topic(real_kafka, topic_names("orders"))
    await send(real_kafka, topic_names("orders"), b"one")
    assert await read_one(real_kafka, topic_names("orders")) == b"one"


async def test_a_killed_kafka_comes_back_with_its_records(own_kafka: StartKafka) -> None:
    broker = await own_kafka()
    await make_topic(broker.bootstrap, "orders")
    await send(broker.bootstrap, "orders", b"kept")
    assert broker.pid
    os.kill(broker.pid, signal.SIGKILL)
    await broker.restart()
    assert await read_one(broker.bootstrap, "orders") == b"kept"


async def test_kafka_makes_no_topic_that_nobody_asked_for(own_kafka: StartKafka) -> None:
    broker = await own_kafka()
    async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap, request_timeout_ms=1000) as producer:
        with pytest.raises(UnknownTopicOrPartitionError):
            await asyncio.wait_for(producer.send_and_wait("forgotten", b"", partition=0), 10)


async def test_the_in_process_broker_stores_and_returns_a_record() -> None:
    async with await InProcessKafka.start() as broker:
        await send(broker.bootstrap, "orders", b"one")
        assert await read_one(broker.bootstrap, "orders") == b"one"


async def test_a_stopped_server_leaves_no_process(own_mongod: StartMongod, own_kafka: StartKafka) -> None:
    servers: list[Server] = [await own_mongod(), await own_kafka()]
    ours = psutil.Process().children(recursive=True)
    for server in servers:
        await server.stop()
    assert [server.pid for server in servers] == [None, None]
    left = {process.pid for process in ours if process.is_running()}
    assert len(ours) - len(left) == 4  # each server and its guard


async def test_a_server_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    with subprocess.Popen(  # noqa: ASYNC220, S603 - short, and the command is ours
        [sys.executable, "-c", ORPHAN, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout
        pid = int(await asyncio.wait_for(asyncio.to_thread(parent.stdout.readline), 60))
        assert psutil.pid_exists(pid)
        parent.kill()
    assert await is_gone(pid)
