"""The one way in: what a batch comes to, whatever is there already and whoever stores at the same time."""

import asyncio
from collections import Counter
from dataclasses import replace

import bson

from records.mongo import ingest
from records.mongo.client import Database, Driver, open_database
from records.mongo.ingest import Outcome, Stored, store
from records.record import PreparedRecord
from tests.integration.store_suite.data import (
    CLEANUP_DUE,
    DELETION_DUE,
    LIVE,
    NOW,
    all_records,
    erase,
    other,
    prepared,
    store_all,
)

CREATED, UNCHANGED, ERASED = Outcome(Stored.CREATED), Outcome(Stored.UNCHANGED), Outcome(Stored.ERASED)


def sized(number: int, length: int) -> PreparedRecord:
    """A record whose document is about so many bytes."""
    record = prepared(number)
    filled = {**bson.decode(record.document), "customAttributes": {"filling": "x" * length}}
    return replace(record, document=bson.encode(filled))


async def test_a_new_order_is_stored_as_it_was_prepared(database: Database) -> None:
    record = prepared(1)
    assert await store(database, [record], NOW) == [CREATED]
    stored = await database.records.find_one()
    assert stored is not None
    assert bson.encode(stored) == record.document


async def test_an_empty_batch_comes_to_nothing(database: Database) -> None:
    assert await store(database, [], NOW) == []


async def test_the_same_batch_again_changes_nothing(database: Database) -> None:
    batch = [prepared(number) for number in range(20)]
    assert await store(database, batch, NOW) == [CREATED] * 20
    before = await all_records(database)
    assert await store(database, batch, NOW) == [UNCHANGED] * 20
    assert await all_records(database) == before


async def test_a_later_delivery_of_the_same_content_is_unchanged(database: Database) -> None:
    await store_all(database, prepared(1, LIVE))
    assert await store(database, [prepared(1, NOW)], NOW) == [UNCHANGED]
    assert (await all_records(database))[prepared(1).id]["created"] == LIVE


async def test_other_content_is_a_conflict_and_never_overwrites(database: Database) -> None:
    record = prepared(1)
    await store_all(database, record)
    before = await all_records(database)
    assert await store(database, [other(1, NOW)], NOW) == [Outcome(Stored.CONFLICT, record.gdpr_cleanup_date)]
    assert await all_records(database) == before


async def test_an_erased_order_is_not_stored_again(database: Database) -> None:
    await erase(database, prepared(1).id)
    assert await store(database, [prepared(1), other(1)], NOW) == [ERASED] * 2
    assert await all_records(database) == {}


async def test_an_order_twice_in_a_batch_is_stored_once(database: Database) -> None:
    assert await store(database, [prepared(1), prepared(1, NOW), prepared(1)], NOW) == [
        CREATED,
        UNCHANGED,
        UNCHANGED,
    ]
    assert (await all_records(database))[prepared(1).id]["created"] == LIVE


async def test_the_first_of_two_contents_in_a_batch_wins(database: Database) -> None:
    first = prepared(1)
    assert await store(database, [first, other(1, NOW)], NOW) == [
        CREATED,
        Outcome(Stored.CONFLICT, first.gdpr_cleanup_date),
    ]
    stored = (await all_records(database))[first.id]
    assert bson.encode(stored) == first.document


async def test_a_record_due_for_anonymization_is_unchanged_whatever_comes(database: Database) -> None:
    await store_all(database, prepared(1, CLEANUP_DUE), prepared(2, DELETION_DUE))
    assert await store(database, [other(1), other(2)], NOW) == [UNCHANGED] * 2


async def test_a_record_that_comes_already_due_is_unchanged_whatever_comes_in_its_batch(
    database: Database,
) -> None:
    assert await store(database, [prepared(1, CLEANUP_DUE), other(1, CLEANUP_DUE)], NOW) == [
        CREATED,
        UNCHANGED,
    ]


async def test_an_anonymized_record_is_unchanged_whatever_comes(database: Database) -> None:
    await store_all(database, prepared(1))
    await database.records.update_one({}, {"$set": {"anonymized": True}, "$unset": {"contentDigest": ""}})
    assert await store(database, [other(1), prepared(1)], NOW) == [UNCHANGED] * 2


async def test_outcomes_come_in_the_order_of_the_batch(database: Database) -> None:
    await store_all(database, prepared(1), prepared(2))
    await erase(database, prepared(3).id)
    conflict = Outcome(Stored.CONFLICT, prepared(2).gdpr_cleanup_date)
    batch = [prepared(9), prepared(3), other(2), prepared(1), prepared(8), prepared(9), prepared(2)]
    assert await store(database, batch, NOW) == [
        CREATED,
        ERASED,
        conflict,
        UNCHANGED,
        CREATED,
        UNCHANGED,
        UNCHANGED,
    ]


async def test_a_batch_over_a_thousand_records_is_stored_whole(database: Database) -> None:
    new = [prepared(number) for number in range(1002)]
    assert [len(part) for part in ingest._parts(new)] == [1000, 2]
    again = [prepared(1001), prepared(0), other(1000)]
    outcomes = await store(database, [*new, *again], NOW)
    conflict = Outcome(Stored.CONFLICT, new[1000].gdpr_cleanup_date)
    assert outcomes == [*[CREATED] * 1002, UNCHANGED, UNCHANGED, conflict]
    assert await database.records.count_documents({}) == 1002


async def test_a_batch_over_fifteen_megabytes_is_stored_whole(database: Database) -> None:
    new = [sized(number, 900_000) for number in range(20)]
    sizes = [sum(len(record.document) for record in part) for part in ingest._parts(new)]
    assert len(sizes) == 2
    assert max(sizes) < 16_000_000
    assert await store(database, [*new, prepared(0)], NOW) == [*[CREATED] * 20, UNCHANGED]
    assert await database.records.count_documents({}) == 20


async def test_batches_of_several_processes_at_once_create_each_order_once(
    mongo_uri: str, database_name: str, driver: Driver, database: Database
) -> None:
    async def one(start: int) -> list[Outcome]:
        batch = [prepared(number % 60) for number in range(start, start + 60)]
        async with open_database(mongo_uri, database_name, driver) as mine:
            return await store(mine, batch, NOW)

    outcomes = await asyncio.gather(*(one(start) for start in (0, 10, 30, 45)))
    counts = Counter(outcome for batch in outcomes for outcome in batch)
    assert counts == {CREATED: 60, UNCHANGED: 180}
    assert await database.records.count_documents({}) == 60
