"""Carrying out a search: match, walk in order, cut a page, say what lies on both sides of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from records.cursor import BadCursor, SortPosition, open_cursor, seal_cursor
from records.expired import as_seen_filter
from records.mongo.client import Database
from records.mongo.indexes import BY_ID
from records.mongo.read_deadline import ReadDeadline, reading
from records.mongo.reads import count, shown
from records.mongo.search_filters import compile_filter, is_selective
from records.mongo.search_indexes import BY_ORDER_RECORD_DATE, what_is_fast
from records.mongo.search_sorts import Hint, Matching, Row, Walk, walk
from records.search import SearchRequest
from records.search_faults import SearchFaults


@dataclass(frozen=True, repr=False)
class SearchKeys:
    """What a search needs of the secret: the key that ids are made with, and the one for cursors."""

    identity: bytes
    cursor: bytes


@dataclass(frozen=True, repr=False)
class SearchPage:
    """One page in the order asked for, whichever way it was walked; cursors of an empty page are empty.

    `total` is None unless it was asked for.
    """

    records: list[dict[str, Any]]
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str
    end_cursor: str
    total: int | None


async def search_records(
    database: Database, request: SearchRequest, keys: SearchKeys, now: datetime, *, indexed: bool = True
) -> SearchPage:
    """The page that a search asks for, of records as seen at this time (UTC).

    `indexed` says whether the search indexes are there. Raises SearchFaults for a cursor that is not
    of this search, QueryTooSlow, PageTooLarge, StoreUnavailable, StoreError.
    """
    start = _start(request, keys.cursor)
    async with reading(what_is_fast(indexed=indexed)) as deadline:
        matching = _matching(database, request, keys, now, deadline, indexed=indexed)
        page = await _page(walk(matching, request.sort, now), request, start)
        total = await count(matching, request.query, now) if request.with_total else None
    first, last = _cursors(page.rows, keys.cursor, request.binding)
    records = [record for row in page.rows if (record := shown(row.document, now))]
    return SearchPage(records, page.has_next, page.has_previous, first, last, total)


def _start(request: SearchRequest, cursor_key: bytes) -> SortPosition | None:
    page = request.page
    if page.cursor is None:
        return None if page.start_after_id is None else SortPosition(None, page.start_after_id)
    try:
        return open_cursor(cursor_key, page.cursor, request.binding)
    except BadCursor as error:
        raise SearchFaults([("/before" if page.backward else "/after", str(error))]) from None


def _matching(
    database: Database,
    request: SearchRequest,
    keys: SearchKeys,
    now: datetime,
    deadline: ReadDeadline,
    *,
    indexed: bool,
) -> Matching:
    query = compile_filter(as_seen_filter(request.query, now), now=now, identity_key=keys.identity)
    return Matching(database.records, query, _hint(request, indexed=indexed), deadline)


def _hint(request: SearchRequest, *, indexed: bool) -> Hint:
    """The order to read in, unless another index finds the matches."""
    if is_selective(request.query, request.sort.path):
        return None
    match request.sort.path:
        case "id":
            return BY_ID
        case "orderRecordDate":
            return BY_ORDER_RECORD_DATE if indexed else None
        case _:
            return {"$natural": 1}


@dataclass(frozen=True)
class _Page:
    rows: list[Row]
    has_next: bool
    has_previous: bool


async def _page(walked: Walk, request: SearchRequest, start: SortPosition | None) -> _Page:
    limit, backward = request.page.limit, request.page.backward
    ascending = request.sort.descending == backward
    rows = await walked.rows(start, ascending=ascending, limit=limit + 1)
    ahead, rows = len(rows) > limit, rows[:limit]
    # Whatever lies behind an empty page matches; behind a start at the end lies nothing.
    nearest = rows[0].position if rows else None
    behind = start is not None and await walked.has_any(nearest, ascending=not ascending)
    if backward:
        return _Page(rows[::-1], has_next=behind, has_previous=ahead)
    return _Page(rows, has_next=ahead, has_previous=behind)


def _cursors(rows: list[Row], key: bytes, binding: bytes) -> tuple[str, str]:
    if not rows:
        return "", ""
    return seal_cursor(key, rows[0].position, binding), seal_cursor(key, rows[-1].position, binding)
