"""Fixtures shared by all tests; tests/parts.py says where MongoDB and Kafka come from."""

import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from local.servers.apache_kafka import ApacheKafka
from local.servers.kafka_jars import java_and_maven
from local.servers.mongod import Mongod
from local.servers.mongod_binary import find_mongod
from runtime.errors import UserError
from tests.parts import NO_REAL_KAFKA, Part, StartKafka, StartMongod, ended, start_kafka, start_mongo

_USED = pytest.StashKey[list[str]]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for source in config.stash.get(_USED, []):
        terminalreporter.write_line(f"ran against: {source}")


@pytest.fixture(scope="session")
def mongo_uri(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a MongoDB that takes transactions, shared by the whole run."""
    part = start_mongo(tmp_path_factory.mktemp("mongod"))
    request.config.stash.setdefault(_USED, []).append(part.source)
    yield part.address
    part.stop()


@pytest.fixture(scope="session")
def kafka_part(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Part]:
    part = start_kafka(tmp_path_factory.mktemp("kafka"))
    request.config.stash.setdefault(_USED, []).append(part.source)
    yield part
    part.stop()


@pytest.fixture(scope="session")
def kafka_bootstrap(kafka_part: Part) -> str:
    """The address (host:port) of a Kafka broker, shared by the whole run; maybe the in-process one."""
    return kafka_part.address


@pytest.fixture
def real_kafka(kafka_part: Part) -> str:
    """The address of a Kafka broker that can carry every test; skips where there is none."""
    if not kafka_part.real:
        pytest.skip(NO_REAL_KAFKA)
    return kafka_part.address


@pytest.fixture
async def fresh_database(mongo_uri: str) -> AsyncIterator[str]:
    """The name of a database of the test's own, dropped at its end."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    yield name
    async with AsyncMongoClient[dict[str, Any]](mongo_uri) as client:
        await client.drop_database(name)


@pytest.fixture
def topic_names() -> Callable[[str], str]:
    """Makes topic names of the test's own: the same word gives the same name within a test."""
    mark = uuid.uuid4().hex[:12]
    return lambda word: f"{word}-{mark}"


@pytest.fixture
async def own_mongod(tmp_path: Path) -> AsyncIterator[StartMongod]:
    """Starts servers that the test may kill and restart; they are ended with it."""
    try:
        find_mongod()
    except UserError as reason:
        pytest.skip(f"needs a mongod of its own to stop and restart: {reason}")
    async with AsyncExitStack() as stack:

        async def start(**parameters: str) -> Mongod:
            server = await Mongod.start(tmp_path / f"mongod-{uuid.uuid4().hex[:6]}", parameters=parameters)
            return await stack.enter_async_context(ended(server))

        yield start


@pytest.fixture
async def own_kafka(tmp_path: Path) -> AsyncIterator[StartKafka]:
    """Starts brokers that the test may kill and restart; they are ended with it."""
    if not java_and_maven():
        pytest.skip("needs an Apache Kafka of its own to stop and restart: install Java 17 and Maven")
    async with AsyncExitStack() as stack:

        async def start() -> ApacheKafka:
            server = await ApacheKafka.start(tmp_path / f"kafka-{uuid.uuid4().hex[:6]}")
            return await stack.enter_async_context(ended(server))

        yield start
