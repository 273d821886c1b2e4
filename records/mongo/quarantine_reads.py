"""What is known of quarantined events without opening them: where they stand, why, and until when."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from pymongo import ASCENDING, DESCENDING

from records.epoch import instant, milliseconds
from records.mongo.client import Database, Document
from records.mongo.errors import translated
from records.mongo.indexes import QUARANTINE_BY_RECORD, QUARANTINE_BY_TIME
from records.quarantine import Position

FACTS: Final = {"sealed": 0}
"""The projection that leaves the content where it is."""
MAX_COUNT: Final = 100_000
_FIRST: Final = -(2**63)
MAX_OF_RECORD: Final = 100
_PAGE_ENTRIES, _PAGE_BYTES = 100, 12 * 2**20
_ORDER: Final = [("timestamp", ASCENDING), ("_id", ASCENDING)]
_NEWEST_FIRST: Final = [("timestamp", DESCENDING), ("_id", DESCENDING)]


class State(StrEnum):
    """Whether an entry still has its content, and if not, why. Of what was skipped nobody ever had any."""

    KEPT = "kept"
    DROPPED = "dropped"
    SKIPPED = "skipped"
    BARE = "bare"


@dataclass(frozen=True)
class Entry:
    """One refused event. Nothing in it is the sender's text but the topic's name."""

    position: Position
    reason: str
    pointer: str
    state: State
    arrived: datetime | None
    due: datetime | None
    record_id: str | None
    until: int | None = None
    """The offset at which reading goes on behind what was skipped."""
    grounds: str | None = None
    """Why it was dropped or skipped."""

    @property
    def time(self) -> datetime | None:
        """Its time on the topic, where it has one that is a date."""
        try:
            return instant(self.position.timestamp) if self.position.timestamp >= 0 else None
        except OverflowError:
            return None


@dataclass(frozen=True)
class Selection:
    """Entries by reason, topic and time on the topic (from `since` on, before `until`)."""

    reason: str | None = None
    topic: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def query(self, now: datetime, *, kept_only: bool = True) -> Document:
        """The filter: `QUARANTINE_BY_TIME` decides it alone. An entry that is due counts as bare.

        There is always a bound on the time: without one, MongoDB would open every document.
        """
        bounds = {"$gte": _FIRST if self.since is None else milliseconds(self.since)}
        if self.until is not None:
            bounds["$lt"] = milliseconds(self.until)
        equal = {"reason": self.reason, "topic": self.topic}
        return {
            "timestamp": bounds,
            **{name: value for name, value in equal.items() if value is not None},
            **({"due": {"$gt": now}} if kept_only else {}),
        }


def entry_of(document: Mapping[str, Any], now: datetime) -> Entry:
    """The entry in a document of the quarantine, as seen at a time (UTC)."""
    due = document.get("due")
    if due is not None and due > now:
        state = State.KEPT
    else:
        states = {"dropped": State.DROPPED, "skipped": State.SKIPPED}
        state = next((state for name, state in states.items() if name in document), State.BARE)
    return Entry(
        position=Position(*(document[name] for name in ("topic", "partition", "offset", "timestamp"))),
        reason=document["reason"],
        pointer=document["pointer"],
        state=state,
        arrived=document.get("arrived"),
        due=due,
        record_id=document.get("recordId"),
        until=document.get("skippedUntil"),
        grounds=document.get("dropped", document.get("skipped")),
    )


async def listed(
    database: Database, selection: Selection, now: datetime, limit: int, *, kept_only: bool = True
) -> list[Entry]:
    """The newest entries of a selection, newest first. Raises StoreUnavailable, StoreError."""
    query = selection.query(now, kept_only=kept_only)
    with translated():
        cursor = database.quarantine.find(query, FACTS, hint=QUARANTINE_BY_TIME)
        return [entry_of(row, now) for row in await cursor.sort(_NEWEST_FIRST).limit(limit).to_list(limit)]


async def counted(database: Database, selection: Selection, now: datetime, *, kept_only: bool = True) -> int:
    """How many entries a selection has, exactly up to 100,000. Raises StoreUnavailable, StoreError."""
    query = selection.query(now, kept_only=kept_only)
    with translated():
        return await database.quarantine.count_documents(query, hint=QUARANTINE_BY_TIME, limit=MAX_COUNT)


async def entry(database: Database, entry_id: str, now: datetime) -> Entry | None:
    """One entry, or None. Raises StoreUnavailable, StoreError."""
    with translated():
        found = await database.quarantine.find_one({"_id": entry_id}, FACTS)
    return None if found is None else entry_of(found, now)


async def entries_of_record(database: Database, record_id: str, now: datetime) -> list[Entry]:
    """Entries of which it is known that they hold this order: those with content first, each kind with the
    newest first, and one more than 100 where there are more.

    The index gives that sequence; to sort them, MongoDB would have to open them all. Raises
    StoreUnavailable, StoreError.
    """
    with translated():
        cursor = database.quarantine.find({"recordId": record_id}, FACTS, hint=QUARANTINE_BY_RECORD)
        cursor = cursor.sort([("due", DESCENDING)]).limit(MAX_OF_RECORD + 1)
        return [entry_of(row, now) for row in await cursor.to_list(MAX_OF_RECORD + 1)]


async def some_are_of_unknown_orders(database: Database, now: datetime) -> bool:
    """Whether there is content of which nobody knows which order it holds.

    Raises StoreUnavailable, StoreError.
    """
    unknown = {"recordId": None, "due": {"$gt": now}}
    with translated():
        found = await database.quarantine.find_one(unknown, {"_id": 1}, hint=QUARANTINE_BY_RECORD)
    return found is not None


async def kept_documents(
    database: Database, selection: Selection, now: datetime, page_entries: int = _PAGE_ENTRIES
) -> AsyncGenerator[list[Document]]:
    """Pages of documents with their content, in the order of their time on the topic.

    Ends with the last that was there at the beginning, so that it ends while others arrive. A page has
    at most 100 entries, and about 12 MB. Raises StoreUnavailable, StoreError.
    """
    query = selection.query(now)
    with translated():
        last = await database.quarantine.find_one(
            query, {"timestamp": 1}, sort=_NEWEST_FIRST, hint=QUARANTINE_BY_TIME
        )
    done: Document | None = None
    while last is not None and (done is None or _place(done) < _place(last)):
        page = await _page(database, query, done, min(page_entries, _PAGE_ENTRIES))
        if not page:
            return
        yield page
        done = page[-1]


async def _page(database: Database, query: Document, done: Document | None, most: int) -> list[Document]:
    page: list[Document] = []
    with translated():
        further = {"$and": [query, _further(done)]} if done else query
        cursor = database.quarantine.find(further, hint=QUARANTINE_BY_TIME).sort(_ORDER).limit(most)
        try:
            async for row in cursor:
                page.append(row)
                if sum(len(each["sealed"]) for each in page) > _PAGE_BYTES:
                    break
        finally:
            await cursor.close()
    return page


def _further(done: Document) -> Document:
    """The bound is for the index, the rest for what has the same time."""
    timestamp, identifier = _place(done)
    same_time = {"timestamp": timestamp, "_id": {"$gt": identifier}}
    return {"timestamp": {"$gte": timestamp}, "$or": [{"timestamp": {"$gt": timestamp}}, same_time]}


def _place(document: Document) -> tuple[int, str]:
    return document["timestamp"], document["_id"]


async def named_documents(
    database: Database, ids: Sequence[str], now: datetime, page_entries: int
) -> AsyncGenerator[dict[str, Document | None]]:
    """Pages of these entries, in their order: each with its content, or None where it has none (any more).

    A page has at most so many entries, and about 12 MB. Raises StoreUnavailable, StoreError.
    """
    page: dict[str, Document | None] = {}
    size = 0
    for entry_id in ids:
        with translated():
            found = await database.quarantine.find_one({"_id": entry_id, "due": {"$gt": now}})
        page[entry_id] = found
        size += 0 if found is None else len(found["sealed"])
        if len(page) >= page_entries or size > _PAGE_BYTES:
            yield page
            page, size = {}, 0
    if page:
        yield page
