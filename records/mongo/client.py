"""The connection, and the few calls in which PyMongo's async API and Motor differ."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Final, Literal, cast

import pymongo
from pymongo import AsyncMongoClient
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError

from records.mongo.errors import StoreError, translated
from records.mongo.pool_waits import mend_pool_waits

Document = dict[str, Any]
Collection = AsyncCollection[Document]
Session = AsyncClientSession
Driver = Literal["pymongo", "motor"]

_CLOSE_SECONDS: Final = 2.0
CALL_SECONDS: Final = 10.0
"""No single call to MongoDB takes longer: the driver's own default is to wait for ever."""


class Database:
    """One database and its collections, by their names."""

    def __init__(self, client: AsyncMongoClient[Document], name: str) -> None:
        self.client = client
        self._database: AsyncDatabase[Document] = client[name]
        self.records: Collection = self._database["records"]
        self.outbox: Collection = self._database["outbox"]
        self.quarantine: Collection = self._database["quarantine"]
        self.ledger: Collection = self._database["erasure_ledger"]
        self.state: Collection = self._database["state"]

    async def aggregate(self, collection: Collection, pipeline: list[Document], **options: Any) -> Any:
        """The cursor of an aggregation, to be read by `async for`."""
        return await settle(collection.aggregate(pipeline, **options))

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """A session of the block's own; what it left open ends with it."""
        session = await settle(self.client.start_session())
        try:
            yield session
        finally:  # not `async with`: Motor would end it in the event loop's own thread
            with suppress(PyMongoError, TimeoutError), pymongo.timeout(_CLOSE_SECONDS):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await settle(session.end_session())


@asynccontextmanager
async def open_database(uri: str, name: str, driver: Driver = "pymongo") -> AsyncIterator[Database]:
    """A database whose writes survive a failover; opening it connects nothing yet.

    Raises StoreError for a connection string that nobody can follow.
    """
    mend_pool_waits()
    with translated(), _readable():
        client = _client(driver)(
            uri,
            w="majority",
            journal=True,
            readConcernLevel="majority",
            timeoutMS=int(CALL_SECONDS * 1000),
            serverSelectionTimeoutMS=5000,
            waitQueueTimeoutMS=5000,
            tz_aware=True,
            appname="order-records",
        )
    try:
        yield Database(client, name)
    finally:
        with pymongo.timeout(_CLOSE_SECONDS):  # else it looks for a server that is away for 5 s
            await settle(client.close())


@contextmanager
def _readable() -> Iterator[None]:
    """PyMongo raises a bare ValueError for some addresses; its text may quote a password."""
    try:
        yield
    except ValueError:
        raise StoreError("the connection string cannot be read") from None


def _client(driver: Driver) -> Callable[..., AsyncMongoClient[Document]]:
    if driver == "pymongo":
        return AsyncMongoClient
    from motor.motor_asyncio import AsyncIOMotorClient  # noqa: PLC0415 - an extra that few install

    return cast("Callable[..., AsyncMongoClient[Document]]", AsyncIOMotorClient)


async def settle(value: Any) -> Any:
    """The value of a call that is a coroutine in one driver and plain in the other."""
    return await value if inspect.isawaitable(value) else value
