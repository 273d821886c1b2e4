"""What those who watch erasure may see: dates and counts, never an order."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from records.mongo.client import Database
from records.mongo.errors import translated
from records.mongo.indexes import CLEANUP_DUE, DELETION_DUE
from records.mongo.sweep import Action, Overdue, overdue

SWEEP: Final = "sweep"


async def note_sweep(database: Database) -> None:
    """Remembers, by MongoDB's clock, that a sweep came to its end. Raises StoreUnavailable."""
    with translated():
        await database.state.update_one({"_id": SWEEP}, [{"$set": {"finished": "$$NOW"}}], upsert=True)


@dataclass(frozen=True)
class LifecycleFigures:
    """Due by day (`YYYY-MM-DD` in UTC to count), overdue, and the quarantine by reason and state."""

    due_by_day: dict[Action, dict[str, int]]
    overdue: dict[Action, Overdue]
    quarantine: dict[str, dict[str, int]]
    last_sweep: datetime | None


async def lifecycle_figures(database: Database, now: datetime, days: int) -> LifecycleFigures:
    """The figures of the next so many days. Raises StoreUnavailable, StoreError."""
    until = now + timedelta(days=days)
    cleanup = {"anonymized": False, "gdprCleanupDate": {"$gt": now, "$lte": until}}
    deletion = {"deletionDate": {"$gt": now, "$lte": until}}
    with translated():
        due = {
            Action.ANONYMIZE: await _by_day(database, cleanup, "$gdprCleanupDate", CLEANUP_DUE),
            Action.DELETE: await _by_day(database, deletion, "$deletionDate", DELETION_DUE),
        }
        quarantine = await quarantined(database)
        swept = await database.state.find_one({"_id": SWEEP})
    late = {action: await overdue(database, action, now) for action in Action}
    return LifecycleFigures(due, late, quarantine, swept["finished"] if swept else None)


async def _by_day(database: Database, query: dict[str, Any], date: str, index: str) -> dict[str, int]:
    day = {"$dateToString": {"date": date, "format": "%Y-%m-%d"}}
    pipeline = [{"$match": query}, {"$group": {"_id": day, "count": {"$sum": 1}}}, {"$sort": {"_id": 1}}]
    cursor = await database.aggregate(database.records, pipeline, hint=index)
    return {row["_id"]: row["count"] async for row in cursor}


async def quarantined(database: Database) -> dict[str, dict[str, int]]:
    """The quarantine by reason: how many entries, and how many of them still hold their event."""
    sealed = {"$cond": [{"$eq": [{"$type": "$due"}, "date"]}, 1, 0]}
    group = {"_id": "$reason", "sealed": {"$sum": sealed}, "entries": {"$sum": 1}}
    with translated():
        cursor = await database.aggregate(database.quarantine, [{"$group": group}, {"$sort": {"_id": 1}}])
        return {row["_id"]: {"entries": row["entries"], "sealed": row["sealed"]} async for row in cursor}
