"""A walk through the pages of a search or a list, whatever happens meanwhile: each row once, in order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from random import Random
from typing import Any, Final

import pytest
from pymongo import WriteConcern

from records.mongo.client import Database, open_database
from records.mongo.indexes import build_indexes
from records.mongo.lease import Lease
from records.mongo.reads import ListRequest, list_records
from records.mongo.search import SearchPage
from records.mongo.search_indexes import SEARCH_INDEXES
from records.mongo.sweep import Action, sweep
from tests.integration.store_suite.data import sweep_context
from tests.search_answers import in_order
from tests.search_calls import DAY, Json, Pages, backward, forward, ids, joined, plain, search, sort_of, store
from tests.search_model import IDENTITY_KEY, NOW

LATER: Final = 1000
"""From here on are the ids of records that come while pages are turned."""
ODD_PAYMENTS: Final[list[Any]] = [
    *([], None, [{}], [{"receiptNumber": None}], [{"receiptNumber": "b"}], [{"receiptNumber": "a"}]),
    *([{"receiptNumber": "c"}, {"receiptNumber": "a"}], [{"receiptNumber": "b"}, {}]),
    [{"receiptNumber": ""}],
]
DIRECTIONS: Final = ["ASC", "DESC"]
PATHS: Final = ["payments.receiptNumber", "lineItems.quantity", "tenantOrderRecordId", "orderRecordDate"]


@pytest.fixture
async def database(mongo_uri: str, fresh_database: str) -> AsyncIterator[Database]:
    async with open_database(mongo_uri, fresh_database) as database:
        await build_indexes(database)
        await database.records.create_indexes(SEARCH_INDEXES)
        yield database


def odd(number: int) -> Json:
    """A record that in every sort is tied with others; in some it has no value, or several."""
    numbered = {"tenantOrderRecordId": str(number % 3)} if number % 5 else {}
    return plain(
        number,
        payments=ODD_PAYMENTS[number % len(ODD_PAYMENTS)],
        lineItems=[{"quantity": float(quantity)} for quantity in range(number % 4)],
        orderRecordDate=plain(0)["orderRecordDate"] + number % 2 * DAY,
        **numbered,
    )


OLD: Final = [*map(odd, range(32)), plain(32), plain(33)]
OLD_IDS: Final = frozenset(record["_id"] for record in OLD)
SORTED: Final = [(None, "ASC"), *((path, direction) for path in PATHS for direction in DIRECTIONS)]


def expected(path: str | None, direction: str) -> list[str]:
    return in_order(OLD, path, descending=direction == "DESC")


@asynccontextmanager
async def others_insert(database: Database) -> AsyncIterator[None]:
    """Meanwhile another client stores one record after another, each with a later id; but not for ever."""
    # Not waiting for the journal: else a walk is over before the second record is there.
    records = database.records.with_options(write_concern=WriteConcern(1))
    begun, enough = asyncio.Event(), asyncio.Event()

    async def insert() -> None:
        for number in range(LATER, LATER + 60):
            await records.insert_one(odd(number))
            begun.set()
            if enough.is_set():
                return

    inserting = asyncio.create_task(insert())
    try:
        await asyncio.wait_for(begun.wait(), 30)
        yield
    finally:
        enough.set()  # not cancelled: an insert under way would turn up among the next records
        await asyncio.wait_for(inserting, 30)


def of_old(found: list[str]) -> list[str]:
    """Those that were there all the time; fails when any came twice."""
    assert len(set(found)) == len(found)
    return [identifier for identifier in found if identifier in OLD_IDS]


@pytest.mark.parametrize("walk", [forward, backward])
async def test_nulls_absent_arrays_and_ties_come_once_each_while_another_client_inserts_later_ids(
    database: Database, walk: Pages
) -> None:
    for path, direction in SORTED:
        await store(database, OLD)
        async with others_insert(database):
            pages = await walk(search, database, {}, 5, **sort_of(path, direction))
        assert of_old(joined(pages)) == expected(path, direction), (path, direction)


@pytest.mark.parametrize("walk", [forward, backward])
async def test_a_later_id_that_comes_after_each_page_disturbs_no_other_row(
    database: Database, walk: Pages
) -> None:
    numbers = count(LATER)

    async def search_and_insert(*args: Any, **members: Any) -> SearchPage:
        page = await search(*args, **members)
        await database.records.insert_one(odd(next(numbers)))
        return page

    for path, direction in SORTED:
        await store(database, OLD)
        pages = await walk(search_and_insert, database, {}, 3, **sort_of(path, direction))
        assert of_old(joined(pages)) == expected(path, direction), (path, direction)


async def test_whoever_turns_round_at_the_end_meets_every_row_once_more(database: Database) -> None:
    for path, direction in SORTED:
        await store(database, OLD)
        sort = sort_of(path, direction)
        async with others_insert(database):
            there = await forward(search, database, {}, 5, **sort)
            back = [there[-1]]
            while back[0].has_previous_page:
                assert len(back) < 40
                back.insert(0, await search(database, {}, last=4, before=back[0].start_cursor, **sort))
        assert of_old(joined(there)) == expected(path, direction), (path, direction)
        assert of_old(joined(back)) == expected(path, direction), (path, direction)


async def test_pages_turned_to_and_fro_are_always_the_rows_next_to_the_last_page(database: Database) -> None:
    await store(database, OLD)
    random = Random(1)
    for path, direction in SORTED:
        rows, sort = expected(path, direction), sort_of(path, direction)
        page, first, end = await search(database, {}, size=4, **sort), 0, 4
        for _ in range(20):
            assert ids(page) == rows[first:end], (path, direction)
            assert (page.has_previous_page, page.has_next_page) == (first > 0, end < len(rows))
            size = random.choice([1, 2, 5, 9])
            if end < len(rows) and (first == 0 or random.random() < 0.6):
                page = await search(database, {}, size=size, after=page.end_cursor, **sort)
                first, end = end, min(end + size, len(rows))
            else:
                page = await search(database, {}, last=size, before=page.start_cursor, **sort)
                first, end = max(first - size, 0), first


async def test_the_list_has_every_record_once_while_another_client_inserts_later_ids(
    database: Database,
) -> None:
    await store(database, OLD)
    found: list[str] = []
    async with others_insert(database):
        for _ in range(40):
            request = ListRequest(5, found[-1] if found else None)
            page = ids(await list_records(database, request, IDENTITY_KEY, NOW))
            found += page
            if len(page) < 5:
                break
    assert of_old(found) == sorted(OLD_IDS)
    assert found == sorted(found)


@pytest.mark.parametrize("walk", [forward, backward])
async def test_a_walk_by_a_kept_field_is_complete_across_a_sweep(database: Database, walk: Pages) -> None:
    """Clean-up dates come between the first page and the second, and the sweep with them."""
    later = NOW + DAY
    due = [{**record, "gdprCleanupDate": later + i % 2 * DAY} for i, record in enumerate(OLD)]
    gone = plain(500, gdprCleanupDate=later, deletionDate=later)
    async with database.session() as session:
        lease = Lease(database, session, "worker", seconds=60)
        assert await lease.acquire()
        context = sweep_context(database, lease, later)
        for path, direction in SORTED:
            await store(database, [*due, gone])
            times = iter([NOW])

            async def search_and_sweep(*args: Any, times: Any = times, **members: Any) -> SearchPage:
                page = await search(*args, now=next(times, later), **members)
                for action in (Action.DELETE, Action.ANONYMIZE):
                    await sweep(context, action, 1000)
                return page

            pages = await walk(search_and_sweep, database, {}, 5, **sort_of(path, direction))
            assert of_old(joined(pages)) == expected(path, direction), (path, direction)
            assert await database.records.count_documents({"anonymized": True}) == len(OLD) // 2
