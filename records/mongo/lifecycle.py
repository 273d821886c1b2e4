"""What those who watch erasure may see: dates and counts, never an order."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from records.mongo.client import Database, Session
from records.mongo.errors import translated
from records.mongo.lease import Lease
from records.mongo.overdue import Overdue, overdue_in_time
from records.mongo.read_deadline import ReadDeadline, reading
from records.mongo.sweep import Action, Step, step_of
from records.mongo.transaction import in_transaction

SWEEP: Final = "sweep"


async def note_sweep(database: Database, lease: Lease) -> None:
    """Remembers, by MongoDB's clock, that the leader's sweep came to its end.

    Raises LeaseLost, StoreUnavailable, StoreError.
    """

    async def body(session: Session) -> None:
        await lease.hold(session)
        finished = [{"$set": {"finished": "$$NOW"}}]
        await database.state.update_one({"_id": SWEEP}, finished, upsert=True, session=session)

    await in_transaction(database, body, session=lease.session)


@dataclass(frozen=True)
class LifecycleFigures:
    """Due by day (`YYYY-MM-DD` in UTC to count), overdue, and the quarantine by reason and state."""

    due_by_day: dict[Action, dict[str, int]]
    overdue: dict[Action, Overdue]
    quarantine: dict[str, dict[str, int]]
    last_sweep: datetime | None


async def lifecycle_figures(database: Database, now: datetime, days: int) -> LifecycleFigures:
    """The figures of the next so many days; what is overdue is counted up to MAX_COUNTED.

    Raises QueryTooSlow, StoreUnavailable, StoreError.
    """
    async with reading("ask for fewer days") as deadline:
        due = {
            action: await _by_day(database, step_of(database, action), now, days, deadline)
            for action in (Action.ANONYMIZE, Action.DELETE)
        }
        late = {action: await overdue_in_time(database, action, now, deadline) for action in Action}
        quarantine = await _by_reason(database, maxTimeMS=deadline.milliseconds)
        swept = await database.state.find_one({"_id": SWEEP}, max_time_ms=deadline.milliseconds)
    return LifecycleFigures(due, late, quarantine, swept["finished"] if swept else None)


async def _by_day(
    database: Database, step: Step, now: datetime, days: int, deadline: ReadDeadline
) -> dict[str, int]:
    day = {"$dateToString": {"date": f"${step.date}", "format": "%Y-%m-%d"}}
    pipeline: list[dict[str, Any]] = [
        {"$match": step.coming(now, now + timedelta(days=days))},
        {"$group": {"_id": day, "count": {"$sum": 1}}},
        {"$sort": {"_id": 1}},
    ]
    cursor = await database.aggregate(
        step.collection, pipeline, hint=step.index, maxTimeMS=deadline.milliseconds
    )
    return {row["_id"]: row["count"] async for row in cursor}


async def quarantined(database: Database) -> dict[str, dict[str, int]]:
    """The quarantine by reason: how many entries, and how many of them still hold their event.

    Raises StoreUnavailable, StoreError.
    """
    with translated():
        return await _by_reason(database)


async def _by_reason(database: Database, **options: Any) -> dict[str, dict[str, int]]:
    sealed = {"$cond": [{"$eq": [{"$type": "$due"}, "date"]}, 1, 0]}
    group = {"_id": "$reason", "sealed": {"$sum": sealed}, "entries": {"$sum": 1}}
    pipeline: list[dict[str, Any]] = [{"$group": group}, {"$sort": {"_id": 1}}]
    cursor = await database.aggregate(database.quarantine, pipeline, **options)
    return {row["_id"]: {"entries": row["entries"], "sealed": row["sealed"]} async for row in cursor}
