"""Walking matching records in order: along an index where there is one, else by a computed sort key.

Null and absent are one class, first ascending and last descending; an element of a list that lacks the
value does not count; ties go by id, in the same direction.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol

from pymongo import ASCENDING, DESCENDING

from records.cursor import SortPosition
from records.erasure import Erase, KeepAmong
from records.expired import rule_at
from records.mongo.client import Collection, Document, settle
from records.mongo.page_bytes import page_of, weighed
from records.mongo.read_deadline import ReadDeadline
from records.search import Sort

Hint = str | dict[str, int] | None

_INDEXED: Final = {"id": ("_id",), "orderRecordDate": ("orderRecordDate", "_id")}
_STORED: Final = {"pricing.total.priceBreakdownTotal": "pricing.total.priceBreakdown.total.value"}


class Row(NamedTuple):
    """A record at its place; without a document when it vanished while the page was read."""

    position: SortPosition
    document: Document | None


class Walk(Protocol):
    """The matching records in one order; `start` is left out, and None is the end to start from."""

    async def rows(self, start: SortPosition | None, *, ascending: bool, limit: int) -> list[Row]: ...

    async def has_any(self, start: SortPosition | None, *, ascending: bool) -> bool: ...


@dataclass(frozen=True)
class Matching:
    """The records to walk: a query, the index to use (None: MongoDB chooses), the time there is."""

    records: Collection
    query: Document
    hint: Hint
    deadline: ReadDeadline


def is_index_sort(sort: Sort) -> bool:
    """Whether a page in this order costs the same at any depth."""
    return sort.path in _INDEXED


def walk(matching: Matching, sort: Sort, now: datetime) -> Walk:
    """The walk for a sort; `now` (UTC) decides which records are expired."""
    if is_index_sort(sort):
        return _IndexWalk(matching, _INDEXED[sort.path])
    return _ComputedWalk(matching, sort_key(sort, now))


@dataclass(frozen=True)
class _IndexWalk:
    """One range of the index for rows of the same key, one for those beyond."""

    matching: Matching
    fields: tuple[str, ...]

    async def rows(self, start: SortPosition | None, *, ascending: bool, limit: int) -> list[Row]:
        found = await self._find(start, limit, ascending=ascending)
        return [Row(self._position(document), document) for document in found]

    async def has_any(self, start: SortPosition | None, *, ascending: bool) -> bool:
        return bool(await self._find(start, 1, dict.fromkeys(self.fields, 1), ascending=ascending))

    async def _find(
        self, start: SortPosition | None, limit: int, projection: Document | None = None, *, ascending: bool
    ) -> list[Document]:
        matching, direction = self.matching, ASCENDING if ascending else DESCENDING
        cursor = weighed(matching.records).find(
            self.query(start, ascending=ascending),
            projection,
            hint=matching.hint,
            max_time_ms=matching.deadline.milliseconds,
            batch_size=limit,
        )
        in_order = cursor.sort([(field, direction) for field in self.fields]).limit(limit)
        return await page_of(matching.records, in_order)

    def query(self, start: SortPosition | None, *, ascending: bool) -> Document:
        """The alternatives stand outermost: so each is planned alone, with bounds of its own."""
        if start is None:
            return self.matching.query
        beyond = "$gt" if ascending else "$lt"
        ranges: list[Document] = [{"_id": {beyond: start.id}}]
        if len(self.fields) > 1:
            key = self.fields[0]
            ranges = [{key: start.value, **ranges[0]}, {key: {beyond: start.value}}]
        return {"$or": [{"$and": [each, self.matching.query]} for each in ranges]}

    def _position(self, document: Document) -> SortPosition:
        return SortPosition(document[self.fields[0]] if len(self.fields) > 1 else None, document["_id"])


@dataclass(frozen=True)
class _ComputedWalk:
    """Computes the key of every match, keeps the first few, and then reads those records."""

    matching: Matching
    key: Document

    async def rows(self, start: SortPosition | None, *, ascending: bool, limit: int) -> list[Row]:
        direction = ASCENDING if ascending else DESCENDING
        in_order: list[Document] = [{"$sort": {"key": direction, "_id": direction}}, {"$limit": limit}]
        keyed = await self._aggregate([*self._beyond(start, ascending=ascending), *in_order])
        documents = await self._documents([row["_id"] for row in keyed])
        return [Row(SortPosition(row["key"], row["_id"]), documents.get(row["_id"])) for row in keyed]

    async def has_any(self, start: SortPosition | None, *, ascending: bool) -> bool:
        return bool(await self._aggregate([*self._beyond(start, ascending=ascending), {"$limit": 1}]))

    async def _aggregate(self, stages: list[Document]) -> list[Document]:
        matching = self.matching
        hint: dict[str, Any] = {} if matching.hint is None else {"hint": matching.hint}
        cursor = await settle(
            matching.records.aggregate(
                [{"$match": matching.query}, {"$project": {"key": self.key}}, *stages],
                maxTimeMS=matching.deadline.milliseconds,
                **hint,
            )
        )
        found: list[Document] = await cursor.to_list(None)
        return found

    async def _documents(self, ids: list[str]) -> dict[str, Document]:
        records = self.matching.records
        found = weighed(records).find(
            {"_id": {"$in": ids}},
            max_time_ms=self.matching.deadline.milliseconds,
            batch_size=max(1, len(ids)),
        )
        return {document["_id"]: document for document in await page_of(records, found)}

    def _beyond(self, start: SortPosition | None, *, ascending: bool) -> list[Document]:
        """Compares as the sort does, null below all else; literals, since a text may begin with `$`."""
        if start is None:
            return []
        beyond = "$gt" if ascending else "$lt"
        value, identifier = {"$literal": start.value}, {"$literal": start.id}
        tied = {"$and": [{"$eq": ["$key", value]}, {beyond: ["$_id", identifier]}]}
        return [{"$match": {"$expr": {"$or": [{beyond: ["$key", value]}, tied]}}}]


def sort_key(sort: Sort, now: datetime) -> Document:
    """The expression of a sort key as seen: erased for expired records, or what the mask makes of it."""
    path = _STORED.get(sort.path, sort.path)
    seen: Any = f"${path}"
    match rule_at(path):
        case Erase():
            seen = _when_expired(None, seen, now)
        case KeepAmong(values, otherwise):
            kept_or_other = {"$cond": [{"$in": ["$$each", list(values)]}, "$$each", otherwise]}
            seen = _when_expired({"$map": {"input": seen, "as": "each", "in": kept_or_other}}, seen, now)
    return {"$max" if sort.descending else "$min": seen}


def _when_expired(masked: Any, plain: Any, now: datetime) -> Document:
    return {"$cond": [{"$lte": ["$gdprCleanupDate", {"$literal": now}]}, masked, plain]}
