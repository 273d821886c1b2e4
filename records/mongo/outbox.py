"""Audit facts waiting to be sent: written with the change they tell of, removed once acknowledged.

An entry that exists is unsent, so there is no flag and no expiry. Entries hold plain facts; their
words are made when they are sent (docs/decisions/one-transaction-for-state-and-outbox.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from pymongo import ASCENDING

from records.mongo.client import Database, Document, Session
from records.mongo.errors import translated

TEMPLATE: Final = 1
"""The wording of audit events that this build asks for; a later build still sends older ones as they were."""
_BEFORE: Final = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Stamp:
    """What every entry says of the process that wrote it."""

    build: str
    policy_version: int
    policy_digest: str


async def append(
    database: Database,
    session: Session,
    kind: str,
    time: datetime | None,
    items: Sequence[Sequence[Any]],
    stamp: Stamp,
    n: int | None = None,
) -> None:
    """Writes one entry in the caller's transaction; without a time, at MongoDB's. n only for erasures."""
    entry = _entry(kind, items, stamp)
    if n is not None:
        entry["n"] = n
    await _insert(database, session, entry, {"time": "$$NOW" if time is None else {"$literal": time}})


async def append_first(
    database: Database, session: Session, kind: str, item: Sequence[Any], stamp: Stamp, *, log_name: str
) -> str:
    """Writes one that goes before all that wait, and only to the trail of this name; returns its id.

    Its event says MongoDB's time; its place is before the oldest.
    """
    entry = _entry(kind, [item], stamp) | {"logName": log_name}
    oldest = await database.outbox.find_one({}, {"time": 1}, sort=[("time", ASCENDING)], session=session)
    place: Any = "$$NOW"
    if oldest is not None:
        place = {"$min": ["$$NOW", {"$literal": oldest["time"] - _BEFORE}]}
    await _insert(database, session, entry, {"time": place, "at": "$$NOW"})
    return str(entry["_id"])


def _entry(kind: str, items: Sequence[Sequence[Any]], stamp: Stamp) -> Document:
    return {
        "_id": str(uuid4()),
        "kind": kind,
        "template": TEMPLATE,
        "build": stamp.build,
        "policyVersion": stamp.policy_version,
        "policyDigest": stamp.policy_digest,
        "items": [list(item) for item in items],
    }


async def _insert(database: Database, session: Session, entry: Document, times: Document) -> None:
    written = {"$mergeObjects": [{"$literal": entry}, times]}
    await database.outbox.update_one(
        {"_id": entry["_id"]}, [{"$replaceWith": written}], upsert=True, session=session
    )


async def unsent(database: Database, limit: int) -> list[Document]:
    """The entries to send next: erasures by n, others by time, and never an n before a smaller one.

    At most `limit`. Raises StoreUnavailable.
    """
    with translated():
        numbered, others = {"n": {"$exists": True}}, {"n": {"$exists": False}}
        by_n = await database.outbox.find(numbered).sort("n", ASCENDING).limit(limit).to_list()
        by_time = await database.outbox.find(others).sort("time", ASCENDING).limit(limit).to_list()
    return _merged(by_n, by_time)[:limit]


def _merged(erasures: list[Document], others: list[Document]) -> list[Document]:
    merged: list[Document] = []
    while erasures and others:
        earlier = others if others[0]["time"] < erasures[0]["time"] else erasures
        merged.append(earlier.pop(0))
    return merged + erasures + others


async def remove(database: Database, entry_ids: Sequence[str]) -> None:
    """Removes entries whose events are all acknowledged. Raises StoreUnavailable."""
    with translated():
        await database.outbox.delete_many({"_id": {"$in": list(entry_ids)}})


async def backlog(database: Database) -> tuple[int, datetime | None]:
    """How many entries wait, and since when the oldest does."""
    with translated():
        oldest = await database.outbox.find_one({}, {"time": 1}, sort=[("time", ASCENDING)])
        count = await database.outbox.estimated_document_count()
    return count, oldest["time"] if oldest else None
