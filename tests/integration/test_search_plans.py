"""What search and list cost on a real server: by which index they read, and how much."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from records.identity import NaturalKey, record_id
from records.mongo.client import Database, open_database
from records.mongo.errors import StoreUnavailable
from records.mongo.indexes import build_indexes
from records.mongo.read_deadline import QueryTooSlow, reading
from records.mongo.reads import ListRequest, list_records
from records.mongo.search_indexes import SEARCH_INDEXES
from tests.search_calls import DAY, Json, plain, search, sort_of, store
from tests.search_model import IDENTITY_KEY, NOW


@pytest.fixture
async def database(mongo_uri: str, fresh_database: str) -> AsyncIterator[Database]:
    async with open_database(mongo_uri, fresh_database) as database:
        await build_indexes(database)
        await database.records.create_indexes(SEARCH_INDEXES)
        yield database


async def test_an_order_number_is_looked_up_by_the_id_it_leads_to(database: Database) -> None:
    numbers = [f"N{i}" for i in range(200)]
    numbered = [
        plain(0, _id=record_id(IDENTITY_KEY, NaturalKey.of_order(number)), tenantOrderRecordId=number)
        for number in numbers
    ]
    await store(database, numbered)
    query = {"tenantOrderRecordId": {"in": ["N7", "N8", "N999"]}}
    [entry] = await profiled(database, search(database, query))
    assert entry["docsExamined"] <= 3
    assert entry["keysExamined"] <= 6


async def profiled(database: Database, *calls: Any) -> list[Json]:
    """What the server did for the searches, each one's reading of its page."""
    owner = database.records.database
    await owner.command({"profile": 2, "slowms": 0})
    try:
        for call in calls:
            await call
    finally:
        await owner.command({"profile": 0})
    pages = {"command.find": "records", "command.limit": {"$gt": 1}}
    found = await owner["system.profile"].find(pages).sort("ts", 1).to_list(None)
    await owner["system.profile"].drop()
    return found


@pytest.mark.parametrize("direction", ["ASC", "DESC", None])
async def test_pages_of_index_sorts_cost_the_same_at_any_depth(
    database: Database, direction: str | None
) -> None:
    """Half of the records share one date, so that no depth among ties is paid for either."""
    dates = [NOW.replace(microsecond=0) - timedelta(hours=max(0, i - 1500)) for i in range(3000)]
    await store(database, [plain(i, orderRecordDate=date) for i, date in enumerate(dates)])
    sort = sort_of("orderRecordDate" if direction else None, direction or "")
    query = {"orderRecordDate": {"before": "P1D"}, "facilityRef": {"notEq": "other"}}
    pages = [await search(database, query, size=250, **sort)]
    for _ in range(10):
        pages.append(await search(database, query, size=250, after=pages[-1].end_cursor, **sort))
    calls = [search(database, query, size=20, after=page.end_cursor, **sort) for page in pages]
    calls += [search(database, query, last=20, before=page.start_cursor, **sort) for page in pages[1:]]
    entries = await profiled(database, *calls)
    assert len(entries) == 21
    assert {entry.get("hasSortStage", False) for entry in entries} == {False}
    assert all("COLLSCAN" not in entry["planSummary"] for entry in entries)
    assert max(entry["keysExamined"] for entry in entries) <= 24
    assert max(entry["docsExamined"] for entry in entries) <= 24


async def test_a_selective_search_reads_by_its_own_index_whatever_the_sort(database: Database) -> None:
    names: list[Json] = [
        {"payments": [{"receiptNumber": f"R{i}"}], "consumer": {"consumerId": f"C{i}"}} for i in range(1500)
    ]
    await store(database, [plain(i, **members) for i, members in enumerate(names)])
    queries: list[Json] = [
        {"payments": {"contains": {"receiptNumber": {"eq": "R7"}}}},
        {"consumer": {"consumerId": {"in": ["C7", "C8"]}}},
        {"and": [{"facilityRef": {"notEq": "x"}}, {"consumer": {"consumerId": {"eq": "C7"}}}]},
    ]
    calls = [search(database, q, **sort_of(p, "ASC")) for q in queries for p in (None, "orderRecordDate")]
    entries = await profiled(database, *calls)
    assert len(entries) == 6
    assert max(entry["docsExamined"] for entry in entries) <= 4


async def test_a_total_of_a_facility_is_counted_in_the_index_alone(database: Database) -> None:
    await store(database, [plain(i, facilityRef=str(i % 2)) for i in range(200)])
    owner = database.records.database
    await owner.command({"profile": 2, "slowms": 0})
    found = await list_records(database, ListRequest(5, None, "1"), IDENTITY_KEY, NOW)
    await owner.command({"profile": 0})
    [entry] = await owner["system.profile"].find({"command.count": "records"}).to_list(None)
    assert (found.total, len(found.records)) == (100, 5)
    assert (entry["docsExamined"], entry["planSummary"].count("COLLSCAN")) == (0, 0)


async def test_totals_above_the_limit(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("records.mongo.reads.MAX_EXACT_TOTAL", 10)
    gone = {"gdprCleanupDate": NOW - 2 * DAY, "deletionDate": NOW - DAY}
    await store(database, [plain(i) for i in range(20)] + [plain(i, **gone) for i in range(20, 25)])
    whole = await list_records(database, ListRequest(5), IDENTITY_KEY, NOW)
    assert whole.total == 20
    of_facility = await list_records(database, ListRequest(5, facility_ref="f"), IDENTITY_KEY, NOW)
    assert of_facility.total == 10
    found = await search(database, {"facilityRef": {"eq": "f"}}, options={"withTotal": True})
    assert found.total == 10
    found = await search(database, {}, options={"withTotal": True})
    assert found.total == 20


async def test_a_query_that_takes_too_long_is_told_from_a_server_that_is_away(database: Database) -> None:
    await store(database, [plain(i) for i in range(100)])
    slow = {"$where": "sleep(50) || true"}
    with pytest.raises(QueryTooSlow):
        async with reading("narrow it", 0.3) as deadline:
            await database.records.find(slow, max_time_ms=deadline.milliseconds).to_list(None)
    async with open_database("mongodb://127.0.0.1:9/?replicaSet=rs0", "nowhere") as away:
        with pytest.raises(StoreUnavailable) as unavailable:
            async with reading("narrow it", 0.1) as deadline:
                await away.records.find_one({}, max_time_ms=deadline.milliseconds)
    assert not isinstance(unavailable.value, QueryTooSlow)
