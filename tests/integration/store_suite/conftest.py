"""The store suite runs over both drivers: what holds for one of them holds for the other."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any
from uuid import uuid4

import pytest
from pymongo import MongoClient

from local.servers.mongod import Mongod
from local.servers.mongod_binary import find_mongod
from records.mongo.client import Database, Document, Driver, open_database
from records.mongo.indexes import build_indexes
from records.mongo.lease import Lease
from records.mongo.sweep import SweepContext
from runtime.errors import UserError
from tests.integration.store_suite.data import Failing, MakeLease, empty, sweep_context
from tests.parts import apart, end


@pytest.fixture(params=["pymongo", "motor"])
def driver(request: pytest.FixtureRequest) -> Driver:
    chosen: Driver = request.param
    return chosen


@pytest.fixture
async def bare_database(mongo_uri: str, fresh_database: str, driver: Driver) -> AsyncIterator[Database]:
    """A database that nobody has prepared."""
    async with open_database(mongo_uri, fresh_database, driver) as database:
        yield database


@pytest.fixture(scope="session")
def database_name(mongo_uri: str) -> Iterator[str]:
    """One for the whole suite, emptied after each test: making indexes takes longer than most tests."""
    name = f"test_{uuid4().hex[:12]}"
    yield name
    with MongoClient[Document](mongo_uri) as client:
        client.drop_database(name)


@pytest.fixture
async def database(mongo_uri: str, database_name: str, driver: Driver) -> AsyncIterator[Database]:
    async with open_database(mongo_uri, database_name, driver) as database:
        await build_indexes(database)
        yield database
        await empty(database)


@pytest.fixture
async def make_lease(database: Database) -> AsyncIterator[MakeLease]:
    """Makes a worker's claim, each with a session of its own."""
    async with AsyncExitStack() as stack:

        async def make(owner: str, seconds: float = 60) -> Lease:
            return Lease(database, await stack.enter_async_context(database.session()), owner, seconds)

        yield make


@pytest.fixture
async def context(database: Database, make_lease: MakeLease) -> SweepContext:
    """A leading sweeper for which everything up to NOW is due."""
    lease = await make_lease("leader")
    assert await lease.acquire()
    return sweep_context(database, lease)


@pytest.fixture(scope="session")
def breakable_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A mongod that fails commands on request (`failCommand`)."""
    try:
        find_mongod()
    except UserError as reason:
        pytest.skip(f"needs a mongod that takes fail points: {reason}")
    folder = tmp_path_factory.mktemp("breakable")
    server = apart(Mongod.start(folder, parameters={"enableTestCommands": "1"}))
    yield server.uri
    apart(end(server))


@pytest.fixture
async def breakable(breakable_uri: str, driver: Driver) -> AsyncIterator[Database]:
    async with open_database(breakable_uri, "shop", driver) as database:
        await build_indexes(database)
        yield database
        await empty(database)


@pytest.fixture
def failing(breakable_uri: str) -> Failing:
    @contextmanager
    def fail(command: str, mode: Any, **how: Any) -> Iterator[None]:
        data = {"failCommands": [command], "appName": "order-records", **how}
        with MongoClient[Document](breakable_uri) as client:
            client.admin.command({"configureFailPoint": "failCommand", "mode": mode, "data": data})
            try:
                yield
            finally:
                client.admin.command({"configureFailPoint": "failCommand", "mode": "off"})

    return fail
