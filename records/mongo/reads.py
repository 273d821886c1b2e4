"""Reading records by id and as a list, and counting them: always as seen, never as stored."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import pymongo
from pymongo import ASCENDING

from records.expired import as_seen_filter
from records.filters import EVERYTHING, Compare, Filter, all_of
from records.lifecycle import as_seen
from records.mongo.client import Collection, Database, Document
from records.mongo.errors import translated
from records.mongo.indexes import BY_ID, DELETION_DUE
from records.mongo.page_bytes import page_of, weighed
from records.mongo.read_deadline import READ_SECONDS, ReadDeadline, reading
from records.mongo.search_filters import compile_filter
from records.mongo.search_indexes import BY_FACILITY, what_is_fast
from records.mongo.search_sorts import Hint, Matching
from records.view import to_api

MAX_EXACT_TOTAL: Final = 100_000
_MAJORITY: Final = {"level": "majority"}


@dataclass(frozen=True, repr=False)
class ListRequest:
    """At most `size` records after an id, of those that bear both names."""

    size: int
    start_after_id: str | None = None
    facility_ref: str | None = None
    tenant_order_record_id: str | None = None


@dataclass(frozen=True, repr=False)
class RecordList:
    """One page of the list, and how many records match in all."""

    records: list[dict[str, Any]]
    total: int


async def get_record(database: Database, identifier: str, now: datetime) -> dict[str, Any] | None:
    """The record as seen at this time (UTC), in the contract's shape; None when there is none (any more).

    Raises StoreUnavailable, StoreError.
    """
    with translated(), pymongo.timeout(READ_SECONDS):
        found = await database.records.find_one({"_id": identifier})
    return shown(found, now)


def shown(document: Document | None, now: datetime) -> dict[str, Any] | None:
    """A stored document as clients see it at this time."""
    seen = None if document is None else as_seen(document, now)
    return None if seen is None else to_api(seen)


async def list_records(
    database: Database, request: ListRequest, identity_key: bytes, now: datetime, *, indexed: bool = True
) -> RecordList:
    """The records after an id, ascending by id, and the total of all that match (api rules 39, 40).

    The id is a place in the order, so it may belong to no record (any more). `indexed` says whether
    the search indexes are there. Raises QueryTooSlow, PageTooLarge, StoreUnavailable, StoreError.
    """
    named = {"facilityRef": request.facility_ref, "tenantOrderRecordId": request.tenant_order_record_id}
    tree = all_of(Compare(path, "eq", value) for path, value in named.items() if value is not None)
    query = compile_filter(as_seen_filter(tree, now), now=now, identity_key=identity_key)
    by_facility = indexed and request.facility_ref is not None and request.tenant_order_record_id is None
    async with reading(what_is_fast(indexed=indexed)) as deadline:
        matching = Matching(database.records, query, BY_FACILITY if by_facility else BY_ID, deadline)
        found = await _after(matching, request.start_after_id, request.size)
        total = await count(matching, tree, now)
    return RecordList([record for each in found if (record := shown(each, now))], total)


async def _after(matching: Matching, start_after_id: str | None, size: int) -> list[Document]:
    after = {} if start_after_id is None else {"_id": {"$gt": start_after_id}}
    cursor = weighed(matching.records).find(
        {"$and": [after, matching.query]},
        hint=matching.hint,
        max_time_ms=matching.deadline.milliseconds,
        batch_size=size,
    )
    return await page_of(matching.records, cursor.sort("_id", ASCENDING).limit(size))


async def count(matching: Matching, tree: Filter, now: datetime) -> int:
    """How many records match, exactly up to 100,000 (design section 8).

    Above that: of an unfiltered list, what the collection says of itself less what is expired; of a
    filtered one 100,000, which then means "at least".
    """
    if tree != EVERYTHING:
        return await _counted(matching.records, matching.query, matching.hint, matching.deadline)
    return await _count_all(matching.records, now, matching.deadline)


async def _count_all(records: Collection, now: datetime, deadline: ReadDeadline) -> int:
    stored = await records.estimated_document_count(maxTimeMS=deadline.milliseconds)
    if stored > MAX_EXACT_TOTAL:
        gone = await _counted(records, {"deletionDate": {"$lte": now}}, DELETION_DUE, deadline)
        if stored - gone > MAX_EXACT_TOTAL > gone:
            return stored - gone
    return await _counted(records, {"deletionDate": {"$gt": now}}, DELETION_DUE, deadline)


async def _counted(records: Collection, query: Document, hint: Hint, deadline: ReadDeadline) -> int:
    """By the command: the driver's way, an aggregation, walks the same keys for half as much again.

    On shards the command is inexact without a query alone, and there always is one.
    """
    command = {"count": records.name, "query": query, "limit": MAX_EXACT_TOTAL, "readConcern": _MAJORITY}
    command |= {"maxTimeMS": deadline.milliseconds} | ({} if hint is None else {"hint": hint})
    answer = await records.database.command(command)
    return int(answer["n"])
