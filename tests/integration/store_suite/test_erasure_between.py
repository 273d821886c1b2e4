"""A deletion that commits between two looks of the way in: both see one moment, so nothing comes back."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

from records.mongo.client import Database, Document, Driver, Session, open_database
from records.mongo.ingest import Outcome, Stored, store
from records.mongo.transaction import in_transaction
from tests.integration.store_suite.data import NOW, all_records, prepared, store_all


class Interrupted:
    """A collection; something happens elsewhere between its being read and the reader's next step."""

    def __init__(self, collection: Any, happens: Callable[[], Awaitable[None]]) -> None:
        self._collection = collection
        self._happens = happens

    async def find(self, *arguments: Any, **options: Any) -> AsyncIterator[Document]:
        rows = [row async for row in self._collection.find(*arguments, **options)]
        await self._happens()
        for row in rows:
            yield row


async def test_an_order_that_is_deleted_between_the_look_into_the_ledger_and_the_records_stays_deleted(
    mongo_uri: str, database_name: str, driver: Driver, database: Database
) -> None:
    record = prepared(1)
    await store_all(database, record)

    async def deletion(session: Session) -> None:
        await database.records.delete_one({"_id": record.id}, session=session)
        await database.ledger.insert_one({"_id": record.id}, session=session)

    async def happens() -> None:
        await in_transaction(database, deletion)

    async with open_database(mongo_uri, database_name, driver) as replaying:
        replaying.ledger = cast("Any", Interrupted(replaying.ledger, happens))
        outcomes = await store(replaying, [record], NOW)
    assert await all_records(database) == {}
    assert outcomes == [Outcome(Stored.UNCHANGED)]
    assert await store(database, [record], NOW) == [Outcome(Stored.ERASED)]
