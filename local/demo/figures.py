"""The figures of the demo at one moment, from MongoDB, the processes and the trail."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from audit.types import RECORD_ANONYMIZED, RECORD_DELETED
from local.demo.children import Child
from local.demo.stream import Sent
from local.demo.trail import Trail
from records.mongo.client import Database
from records.mongo.errors import StoreError, translated
from records.mongo.overdue import next_due, overdue
from records.mongo.sweep import Action

_MONGO_SECONDS: Final = 3.0


@dataclass(frozen=True)
class Figures:
    """One look at everything. Times are in seconds, None where there is nothing to count down to."""

    sent: int
    stored: int
    unchanged: int
    quarantined: int
    held: int
    anonymized: int
    deleted: int
    overdue: int
    next_due_seconds: float | None
    audit_events: int
    mongo_answers: bool = True


@dataclass(frozen=True)
class Example:
    """One order as it is stored, before and after its clean-up date."""

    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


async def look(database: Database, consume: Child, sent: Sent, trail: Trail) -> Figures:
    """The figures now; what does not answer counts as zero."""
    counters = await consume.figures()

    def outcome(name: str) -> int:
        return int(counters.get(f"order_records_events_total:{name}", 0))

    held, late, seconds, answers = await _mongo(database)
    return Figures(
        sent=sent.events,
        stored=outcome("created"),
        unchanged=outcome("unchanged") + outcome("erased"),
        quarantined=outcome("quarantined"),
        held=held,
        anonymized=trail.subjects(RECORD_ANONYMIZED).total(),
        deleted=trail.subjects(RECORD_DELETED).total(),
        overdue=late,
        next_due_seconds=seconds,
        audit_events=len(trail.values),
        mongo_answers=answers,
    )


async def _mongo(database: Database) -> tuple[int, int, float | None, bool]:
    now = datetime.now(UTC)
    try:
        with translated():
            async with asyncio.timeout(_MONGO_SECONDS):
                held = await database.records.estimated_document_count()
                late = sum([(await overdue(database, action, now)).count for action in Action])
                coming = [await next_due(database, action, now) for action in Action]
    except StoreError:
        return 0, 0, None, False
    seconds = min(((due - now).total_seconds() for due in coming if due), default=None)
    return held, late, seconds, True


async def watch_example(database: Database, identifier: str | None, example: Example) -> Example:
    """The example with what there is to see of it by now."""
    if identifier is None or example.after:
        return example
    with translated():
        record = await database.records.find_one({"_id": identifier}, {"contentDigest": 0})
    if record is None:
        return example
    return Example(example.before, record) if record["anonymized"] else Example(record, None)
