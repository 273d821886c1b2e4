"""What is asked of the API, as files that wrk sends."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from benchmarks.api_data import new_orders
from records.cursor import SortPosition, seal_cursor
from records.mongo.client import Database
from records.search import parse_search

DEPTH: Final = 100_000
_SAMPLED: Final = 2_000
_BODIES: Final = 8
_PAGE: Final = 100
_PATH: Final = "/api/orderrecords"
_SEARCH: Final = f"{_PATH}/search"


@dataclass(frozen=True)
class Call:
    """A kind of request and the file that holds some of it; `stores` tells that it changes the data."""

    name: str
    requests: Path
    stores: bool = False


class Deep(NamedTuple):
    """The requests for a page behind the first record, and for one far behind."""

    name: str
    first: Path
    deep: Path


async def compared_calls(database: Database, folder: Path) -> list[Call]:
    """The calls that the bare routes answer as well; those that store come last."""
    sampled = [{"$sample": {"size": _SAMPLED}}, {"$project": {"consumer.consumerId": 1}}]
    rows = [row async for row in await database.aggregate(database.records, sampled)]
    ids = [row["_id"] for row in rows]
    consumers = [row["consumer"]["consumerId"] for row in rows if row.get("consumer", {}).get("consumerId")]
    of_consumers = [{"consumer": {"consumerId": {"eq": consumer}}} for consumer in consumers]
    return [
        _call(folder, "get", [_line("GET", f"{_PATH}/{i}") for i in ids]),
        _call(folder, "list, 25 records", [_line("GET", f"{_PATH}?startAfterId={i}") for i in ids]),
        _call(folder, "search, 20 newest", [_search({})]),
        _call(folder, "search, 1 consumer", [_search(query) for query in of_consumers]),
        _call(folder, "put, 1 order", _puts(1), stores=True),
        _call(folder, "put, 25 orders", _puts(25), stores=True),
    ]


async def deep_calls(database: Database, cursor_key: bytes, records: int, folder: Path) -> list[Deep]:
    """Pages by the two indexed sorts, behind the first record and 100,000 deep, or as deep as there is."""
    depth = min(DEPTH, records - _PAGE)
    by_id = [_page_by_id(await _place(database, n, "_id")) for n in (1, depth)]
    by_date = [
        _page_by_date(await _place(database, n, "orderRecordDate", "_id"), cursor_key) for n in (1, depth)
    ]
    return [
        Deep(name, *(_file(folder, f"{name} page {n}", [line]) for n, line in enumerate(lines)))
        for name, lines in ((f"list, {depth:,} deep", by_id), (f"search by date, {depth:,} deep", by_date))
    ]


async def _place(database: Database, number: int, *sort: str) -> dict[str, Any]:
    """The sort members of the record at this place, from 1."""
    in_order = database.records.find({}, dict.fromkeys(sort, 1)).sort(dict.fromkeys(sort, 1))
    (row,) = await in_order.skip(number - 1).limit(1).to_list()
    return row


def _page_by_id(row: dict[str, Any]) -> str:
    return _line("GET", f"{_PATH}?startAfterId={row['_id']}")


def _page_by_date(row: dict[str, Any], cursor_key: bytes) -> str:
    body = {"query": {}, "sort": [{"orderRecordDate": "ASC"}], "size": 20}
    binding = parse_search(orjson.dumps(body)).binding
    cursor = seal_cursor(cursor_key, SortPosition(row["orderRecordDate"], row["_id"]), binding)
    return _line("POST", _SEARCH, body | {"after": cursor})


def _search(query: dict[str, Any]) -> str:
    body = {"query": query, "sort": [{"orderRecordDate": "DESC"}], "size": 20}
    return _line("POST", _SEARCH, body)


def _puts(count: int) -> list[str]:
    orders = new_orders(_BODIES * count)
    parts = (orders[start : start + count] for start in range(0, len(orders), count))
    return [_line("PUT", _PATH, {"operations": part}) for part in parts]


def _line(method: str, path: str, body: dict[str, Any] | None = None) -> str:
    return f"{method}\t{path}\t{'' if body is None else orjson.dumps(body).decode()}"


def _call(folder: Path, name: str, lines: Iterable[str], *, stores: bool = False) -> Call:
    return Call(name, _file(folder, name, lines), stores)


def _file(folder: Path, name: str, lines: Iterable[str]) -> Path:
    file = folder / f"{name.replace(' ', '-')}.requests"
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return file
