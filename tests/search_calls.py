"""Searches on a real server, for tests: the records, the call, and all pages of a search."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from records.mongo.client import Database
from records.mongo.reads import RecordList
from records.mongo.search import SearchKeys, SearchPage, search_records
from records.search import parse_search
from tests.search_model import IDENTITY_KEY, NOW

Json = dict[str, Any]

KEYS: Final = SearchKeys(identity=IDENTITY_KEY, cursor=bytes([7]) * 32)
DAY: Final = timedelta(days=1)
_PAGES: Final = 40


async def store(database: Database, stored: list[Json]) -> None:
    await database.records.delete_many({})
    if stored:
        await database.records.insert_many(stored)


def plain(number: int, **members: Any) -> Json:
    """A live record; a later number is a later id."""
    return {
        "_id": f"{number:06d}",
        "version": 1,
        "anonymized": False,
        "facilityRef": "f",
        "orderRecordDate": NOW.replace(microsecond=0),
        "gdprCleanupDate": (NOW + DAY).replace(microsecond=0),
        "deletionDate": (NOW + 2 * DAY).replace(microsecond=0),
        "lineItems": [{"quantity": 1.0}],
        **members,
    }


def sort_of(path: str | None, direction: str) -> Json:
    sort: Any = direction
    for name in reversed(path.split(".") if path else ()):
        sort = {name: sort}
    return {"sort": [sort]} if path else {}


async def search(database: Database, query: Json, *, now: datetime = NOW, **members: Any) -> SearchPage:
    request = parse_search(orjson.dumps({"query": query, **members}))
    return await search_records(database, request, KEYS, now)


def ids(found: SearchPage | RecordList) -> list[str]:
    return [record["id"] for record in found.records]


Search = Callable[..., Awaitable[SearchPage]]
Pages = Callable[..., Awaitable[list[SearchPage]]]


async def forward(find: Search, database: Database, query: Json, size: int, **sort: Any) -> list[SearchPage]:
    pages = [await find(database, query, size=size, **sort)]
    while pages[-1].has_next_page:
        assert len(pages) < _PAGES
        pages.append(await find(database, query, size=size, after=pages[-1].end_cursor, **sort))
    return pages


async def backward(find: Search, database: Database, query: Json, size: int, **sort: Any) -> list[SearchPage]:
    pages = [await find(database, query, last=size, **sort)]
    while pages[0].has_previous_page:
        assert len(pages) < _PAGES
        pages.insert(0, await find(database, query, last=size, before=pages[0].start_cursor, **sort))
    return pages


def joined(pages: list[SearchPage]) -> list[str]:
    return [identifier for page in pages for identifier in ids(page)]
