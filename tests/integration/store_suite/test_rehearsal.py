"""A rehearsal shows whether orders can be stored at all, and leaves nothing behind."""

import pytest

from records.mongo.client import Database, settle
from records.mongo.errors import StoreError
from records.mongo.ingest import rehearse, store
from tests.integration.store_suite.data import NOW, all_records, prepared


async def test_a_rehearsal_leaves_no_record_and_the_order_can_still_be_stored(database: Database) -> None:
    await rehearse(database, prepared(1), NOW)
    assert await all_records(database) == {}
    await store(database, [prepared(1)], NOW)
    assert len(await all_records(database)) == 1


async def test_a_rehearsal_fails_when_no_order_can_be_stored(database: Database) -> None:
    owner = database.client[database.records.database.name]
    await store(database, [prepared(1)], NOW)
    await settle(owner.command("collMod", "records", validator={"nobody": {"$exists": True}}))
    try:
        with pytest.raises(StoreError, match="121"):
            await rehearse(database, prepared(2), NOW)
    finally:
        await settle(owner.command("collMod", "records", validator={}))
