"""Search and list on a real server: what they answer, and in which order."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from records.mongo.client import Database, open_database
from records.mongo.indexes import build_indexes
from records.mongo.reads import ListRequest, get_record, list_records
from records.mongo.search import search_records
from records.mongo.search_indexes import SEARCH_INDEXES
from records.search import parse_search
from records.search_faults import SearchFaults
from records.view import to_api
from tests.search_answers import in_order, matches, seen
from tests.search_calls import (
    DAY,
    KEYS,
    Json,
    backward,
    forward,
    ids,
    joined,
    plain,
    search,
    sort_of,
    store,
)
from tests.search_model import FIELDS, IDENTITY_KEY, NOW, QUERIES, SORTS, records

_SERVER: Final = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
async def database(mongo_uri: str, fresh_database: str) -> AsyncIterator[Database]:
    async with open_database(mongo_uri, fresh_database) as database:
        await build_indexes(database)
        await database.records.create_indexes(SEARCH_INDEXES)
        yield database


@settings(_SERVER, max_examples=200)
@given(
    stored=records(),
    query=st.just({}) | QUERIES | QUERIES,
    path=st.none() | st.sampled_from(SORTS),
    direction=st.sampled_from(["ASC", "DESC"]),
    size=st.sampled_from([1, 2, 3, 5]),
)
async def test_search_answers_what_the_model_says(
    database: Database, stored: list[Json], query: Json, path: str | None, direction: str, size: int
) -> None:
    await store(database, stored)
    found = [record for record in seen(stored) if matches(query, record)]
    expected = in_order(found, path, descending=direction == "DESC" and path is not None)
    sort = sort_of(path, direction)

    pages = await forward(search, database, query, size, **sort)
    assert joined(pages) == expected
    assert [page.has_previous_page for page in pages] == [i > 0 for i in range(len(pages))]

    pages = await backward(search, database, query, size, **sort)
    assert joined(pages) == expected
    assert [page.has_next_page for page in pages] == [i < len(pages) - 1 for i in range(len(pages))]

    whole = await search(database, query, size=250, options={"withTotal": True}, **sort)
    assert whole.total == len(expected)
    shown = {record["_id"]: to_api(record) for record in found}
    assert whole.records == [shown[identifier] for identifier in expected]


@settings(_SERVER, max_examples=100)
@given(stored=records(), queries=st.lists(FIELDS, min_size=12, max_size=15))
async def test_each_filter_finds_what_the_model_says(
    database: Database, stored: list[Json], queries: list[Json]
) -> None:
    await store(database, stored)
    for query in queries:
        expected = sorted(record["_id"] for record in seen(stored) if matches(query, record))
        assert ids(await search(database, query, size=250)) == expected, query


@settings(_SERVER, max_examples=20)
@given(stored=records(), query=QUERIES, path=st.none() | st.sampled_from(SORTS))
async def test_it_answers_the_same_without_the_search_indexes(
    database: Database, stored: list[Json], query: Json, path: str | None
) -> None:
    await store(database, stored)
    request = parse_search(orjson.dumps({"query": query, "size": 250, **sort_of(path, "ASC")}))
    with_indexes = await search_records(database, request, KEYS, NOW)
    await database.records.drop_indexes()
    try:
        without = await search_records(database, request, KEYS, NOW, indexed=False)
    finally:
        await build_indexes(database)
        await database.records.create_indexes(SEARCH_INDEXES)
    assert ids(without) == ids(with_indexes)


@settings(_SERVER, max_examples=60)
@given(
    stored=records(),
    facility=st.none() | st.sampled_from(["", "a", "$ne"]),
    number=st.none() | st.sampled_from(["a0", "B1", "a2"]),
    size=st.integers(1, 4),
)
async def test_the_list_is_every_visible_record_once_by_id_and_counts_them(
    database: Database, stored: list[Json], facility: str | None, number: str | None, size: int
) -> None:
    await store(database, stored)
    asked = {"facilityRef": facility, "tenantOrderRecordId": number}
    query = {name: {"eq": value} for name, value in asked.items() if value is not None}
    found = {record["_id"]: to_api(record) for record in seen(stored) if matches(query, record)}
    listed: list[Json] = []
    for _ in range(len(stored) + 1):
        after = listed[-1]["id"] if listed else None
        request = ListRequest(size, after, facility, number)
        page = await list_records(database, request, IDENTITY_KEY, NOW)
        assert page.total == len(found)
        assert len(page.records) <= size
        listed += page.records
    assert listed == [found[identifier] for identifier in sorted(found)]
    for record in stored:
        shown = await get_record(database, record["_id"], NOW)
        visible = [to_api(each) for each in seen([record])]
        assert shown == (visible[0] if visible else None)


async def test_a_record_has_expired_at_the_very_millisecond_of_its_date(database: Database) -> None:
    now = NOW.replace(microsecond=123_000)
    named: Json = {"consumer": {"consumerId": "c"}, "origin": {"type": "POS", "cashierId": "c"}}
    live = plain(1, gdprCleanupDate=now + timedelta(milliseconds=1), **named)
    due = plain(2, gdprCleanupDate=now, **named)
    gone = plain(3, gdprCleanupDate=now - DAY, deletionDate=now, **named)
    await store(database, [live, due, gone])
    answers: list[tuple[Json, list[str]]] = [
        ({}, ["000001", "000002"]),
        ({"consumer": {"consumerId": {"eq": "c"}}}, ["000001"]),
        ({"consumer": {"consumerId": {"notEq": "c"}}}, ["000002"]),
        ({"anonymized": {"eq": True}}, ["000002"]),
        ({"anonymized": {"eq": False}}, ["000001"]),
    ]
    for query, expected in answers:
        found = await search(database, query, now=now, options={"withTotal": True})
        assert (ids(found), found.total) == (expected, len(expected)), query
    by_cashier = await search(database, {}, now=now, **sort_of("origin.cashierId", "ASC"))
    assert ids(by_cashier) == ["000002", "000001"]
    assert [record["anonymized"] for record in by_cashier.records] == [True, False]
    listed = await list_records(database, ListRequest(5), IDENTITY_KEY, now)
    assert (ids(listed), listed.total) == (["000001", "000002"], 2)
    assert await get_record(database, "000003", now) is None


async def test_an_empty_page_has_empty_cursors_and_still_knows_its_neighbours(database: Database) -> None:
    empty = await search(database, {})
    assert (empty.start_cursor, empty.end_cursor) == ("", "")
    assert (empty.has_next_page, empty.has_previous_page) == (False, False)
    await store(database, [plain(1)])
    last = (await search(database, {})).end_cursor
    beyond = await search(database, {}, after=last)
    assert (ids(beyond), beyond.has_next_page, beyond.has_previous_page) == ([], False, True)
    before = await search(database, {}, before=last)
    assert (ids(before), before.has_next_page, before.has_previous_page) == ([], True, False)


async def test_a_cursor_of_another_search_is_a_fault_of_its_member(database: Database) -> None:
    await store(database, [plain(1)])
    cursor = (await search(database, {})).end_cursor
    for member, query in (("after", {"or": [{}]}), ("before", {"facilityRef": {"eq": "f"}})):
        page: Json = {member: cursor}
        with pytest.raises(SearchFaults) as refused:
            await search(database, query, **page)
        assert refused.value.faults == [(f"/{member}", "not a cursor of this query and sort")]
    with pytest.raises(SearchFaults):
        await search(database, {}, after=cursor, **sort_of("orderRecordDate", "ASC"))


async def test_a_start_after_id_is_a_place_whether_or_not_a_record_has_it(database: Database) -> None:
    await store(database, [plain(i) for i in range(0, 10, 2)])
    found = await search(database, {}, startAfterId="000003", size=2)
    assert (ids(found), found.has_previous_page) == (["000004", "000006"], True)


OPERATORS: Final = [
    *("$ne", "$where", "$regex", "a.b", "__proto__", "$$ROOT", "$_id", "(a+)+$", "\0", "é", "\u202e"),
]


@pytest.mark.parametrize("text", OPERATORS)
@pytest.mark.parametrize("operator", ["eq", "in"])
async def test_texts_that_look_like_operators_match_literally(
    database: Database, text: str, operator: str
) -> None:
    operand = {operator: text if operator == "eq" else [text]}
    record = plain(
        1,
        facilityRef=text,
        consumer={"consumerId": text, "addresses": [{"lastName": text, "companyName": text}]},
        origin={"type": "POS", "cashierId": text, "terminalId": text},
        payments=[{"receiptNumber": text, "transactionId": text}],
        lineItems=[{"article": {"tenantArticleId": text}}],
        tenantOrderRecordId=text,
    )
    await store(database, [plain(2, tenantOrderRecordId="other"), record])
    address = {"lastName": operand, "companyName": operand}
    queries: list[Json] = [
        {"facilityRef": operand},
        {"consumer": {"consumerId": operand, "addresses": {"contains": address}}},
        {"origin": {"cashierId": operand, "terminalId": operand}},
        {"payments": {"contains": {"receiptNumber": operand, "transactionId": operand}}},
        {"lineItems": {"contains": {"article": {"tenantArticleId": operand}}}},
    ]
    for query in queries:
        assert ids(await search(database, query)) == ["000001"], query
    sorted_by = sort_of("payments.receiptNumber", "ASC")
    assert len(joined(await forward(search, database, {}, 1, **sorted_by))) == 2
