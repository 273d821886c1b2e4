"""What is overdue and what is coming, counted by the indexes that sweeps walk."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from pymongo import ASCENDING

from records.mongo.client import Database, Document
from records.mongo.errors import translated
from records.mongo.indexes import SWEEP_RETRY
from records.mongo.read_deadline import ReadDeadline
from records.mongo.sweep import Action, Step, step_of

MAX_COUNTED: Final = 1_000_000
"""Whoever counts again and again, or has to answer soon, counts no further: it is a second's work."""
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Overdue:
    """How many are past their date, and the oldest date among them."""

    count: int
    oldest: datetime | None


class Counts(NamedTuple):
    """How many are past their date, and how many fall due within a day; each counted up to MAX_COUNTED."""

    overdue: int
    next_day: int


async def overdue(database: Database, action: Action, now: datetime, at_most: int | None = None) -> Overdue:
    """What is due and not yet done, those that failed included; counted up to `at_most`, if given.

    Raises StoreUnavailable, StoreError.
    """
    step = step_of(database, action)
    with translated():
        count = await _count(step, step.due(now), at_most)
        return Overdue(count, await _oldest(step, now))


async def overdue_in_time(
    database: Database, action: Action, now: datetime, deadline: ReadDeadline
) -> Overdue:
    """As `overdue`, counted up to MAX_COUNTED, for a block that is `reading`, which sees to errors."""
    step = step_of(database, action)
    count = await _count(step, step.due(now), MAX_COUNTED, maxTimeMS=deadline.milliseconds)
    return Overdue(count, await _oldest(step, now, max_time_ms=deadline.milliseconds))


async def oldest_overdue(database: Database, action: Action, now: datetime) -> datetime | None:
    """Since when the oldest of them has been due: known at once, however many there are.

    Raises StoreUnavailable, StoreError.
    """
    with translated():
        return await _oldest(step_of(database, action), now)


async def due_within(
    database: Database, action: Action, now: datetime, span: timedelta, at_most: int | None = None
) -> int:
    """How many fall due from now on within a span; counted up to `at_most`, if given.

    Raises StoreUnavailable, StoreError.
    """
    step = step_of(database, action)
    with translated():
        return await _count(step, step.coming(now, now + span), at_most)


async def counts(database: Database, action: Action, now: datetime) -> Counts:
    """What those who watch count again and again. Raises StoreUnavailable, StoreError."""
    step = step_of(database, action)
    with translated():
        late = await _count(step, step.due(now), MAX_COUNTED)
    return Counts(late, await due_within(database, action, now, _DAY, MAX_COUNTED))


async def failed_alone(database: Database) -> int:
    """How many wait for another try, since their erasure failed. Raises StoreUnavailable."""
    failed = {"sweepRetryAt": {"$exists": True}}
    with translated():
        records = await database.records.count_documents(failed, hint=SWEEP_RETRY)
        return records + await database.quarantine.count_documents(failed, hint=SWEEP_RETRY)


async def next_due(database: Database, action: Action, now: datetime) -> datetime | None:
    """The earliest date still to come. Raises StoreUnavailable."""
    step = step_of(database, action)
    ahead = {step.date: {"$gt": now}, **step.predicate}
    with translated():
        row = await step.collection.find_one(ahead, {step.date: 1}, sort=[(step.date, ASCENDING)])
    return row[step.date] if row else None


async def _count(step: Step, query: Document, at_most: int | None, **options: Any) -> int:
    limit: dict[str, Any] = {} if at_most is None else {"limit": at_most}
    return await step.collection.count_documents(query, hint=step.index, **limit, **options)


async def _oldest(step: Step, now: datetime, **options: Any) -> datetime | None:
    row = await step.collection.find_one(
        step.due(now), {step.date: 1}, sort=[(step.date, ASCENDING)], hint=step.index, **options
    )
    return row[step.date] if row else None
