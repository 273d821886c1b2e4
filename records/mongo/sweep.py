"""One step of a sweep: what is due changes, and is announced, in one transaction.

Lease and sequence number, select, change with the whole predicate repeated, ledger, outbox
(design section 6). One action a transaction; the number is taken only when something was changed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any, Final

from pymongo import ASCENDING

from records.mask import unexpected_members
from records.mongo import outbox
from records.mongo.client import Collection, Database, Document, Session
from records.mongo.errors import StoreError, translated
from records.mongo.indexes import CLEANUP_DUE, DELETION_DUE, QUARANTINE_DUE, SWEEP_RETRY
from records.mongo.lease import Fence, Lease
from records.mongo.mask import anonymize_pipeline
from records.mongo.quarantine import bare
from records.mongo.transaction import in_transaction

NEVER_ANONYMIZED: Final = "NEVER_ANONYMIZED"
UNKNOWN_VERSION: Final = 0
"""Whatever is wrong with a record, at its deletion date it goes."""
_PIPELINE: Final = anonymize_pipeline()


class Action(StrEnum):
    """What a sweep does; also the kinds of its outbox entries."""

    ANONYMIZE = "anonymized"
    DELETE = "deleted"
    ERASE_QUARANTINED = "quarantine.erased"


class PostConditionFailed(StoreError):
    """A batch would have left something that the erasure table does not keep; it was rolled back."""


class _NothingDue(Exception):
    """Ends the transaction without taking a number."""


@dataclass(frozen=True)
class SweepContext:
    """What every step of a sweep needs: the lease, what to announce, how long bare ids stay.

    `cutoff` gives the latest date that is due, from MongoDB's time; it may refuse by raising.
    """

    database: Database
    lease: Lease
    stamp: outbox.Stamp
    ledger_time: timedelta
    cutoff: Callable[[datetime], datetime]


@dataclass(frozen=True)
class _Step:
    """How one action selects and names what it changes."""

    collection: Collection
    date: str
    index: str
    predicate: Mapping[str, Any]
    fields: tuple[str, ...]
    unless_past: str | None = None

    def due(self, cutoff: datetime) -> Document:
        """What is due, those that failed included."""
        other = {self.unless_past: {"$gt": cutoff}} if self.unless_past else {}
        return {self.date: {"$lte": cutoff}, **self.predicate, **other}

    def selected(self, cutoff: datetime) -> Document:
        """The whole predicate of a sweep: it selects, and it is repeated in the change."""
        return {**self.due(cutoff), "sweepRetryAt": {"$not": {"$gt": cutoff}}}


def _step(database: Database, action: Action) -> _Step:
    match action:
        case Action.ANONYMIZE:
            predicate = {"anonymized": False}
            return _Step(
                database.records, "gdprCleanupDate", CLEANUP_DUE, predicate, ("version",), "deletionDate"
            )
        case Action.DELETE:
            return _Step(database.records, "deletionDate", DELETION_DUE, {}, ("version", "anonymized"))
        case Action.ERASE_QUARANTINED:
            fields = ("topic", "partition", "offset", "reason")
            return _Step(database.quarantine, "due", QUARANTINE_DUE, {}, fields)


async def sweep(context: SweepContext, action: Action, limit: int) -> list[str]:
    """Does one action to the oldest due, at most `limit`, and returns their ids; none when nothing is due.

    Raises LeaseLost, PostConditionFailed, StoreError, StoreUnavailable, and what the cutoff raises:
    then nothing was changed.
    """
    step = _step(context.database, action)
    try:
        body = partial(_sweep, context=context, step=step, action=action, limit=limit)
        return await in_transaction(context.database, body, session=context.lease.session)
    except _NothingDue:
        return []


async def _sweep(
    session: Session, *, context: SweepContext, step: _Step, action: Action, limit: int
) -> list[str]:
    fence = await context.lease.fence(session)
    due = step.selected(context.cutoff(fence.now))
    projection = dict.fromkeys((step.date, *step.fields), 1)
    cursor = step.collection.find(due, projection, session=session, hint=step.index)
    found = await cursor.sort(step.date, ASCENDING).limit(limit).to_list()
    if not found:
        raise _NothingDue
    ids = [row["_id"] for row in found]
    changed = await _change(context, session, action, {"_id": {"$in": ids}, **due}, fence)
    if changed != len(ids):
        raise StoreError(f"{action}: {changed} changed of {len(ids)} selected")
    if action is Action.ANONYMIZE:
        await _check_left(context.database, session, ids)
    items = [_item(action, row, step.date) for row in found]
    await outbox.append(context.database, session, action, fence.now, items, context.stamp, fence.n)
    return ids


async def _change(
    context: SweepContext, session: Session, action: Action, selected: Document, fence: Fence
) -> int:
    database, expires = context.database, fence.now + context.ledger_time
    match action:
        case Action.ANONYMIZE:
            return (await database.records.update_many(selected, _PIPELINE, session=session)).modified_count
        case Action.DELETE:
            await _remember(database, session, selected["_id"]["$in"], expires)
            return (await database.records.delete_many(selected, session=session)).deleted_count
        case Action.ERASE_QUARANTINED:
            erased = await database.quarantine.update_many(selected, bare(expires), session=session)
            return erased.modified_count


async def _remember(database: Database, session: Session, ids: list[str], expires: datetime) -> None:
    """Leaves the bare ids in the ledger: as long as they are there, nothing brings the records back."""
    there = {row["_id"] async for row in database.ledger.find({"_id": {"$in": ids}}, session=session)}
    missing = [{"_id": i, "expiresAt": expires} for i in ids if i not in there]
    if missing:
        await database.ledger.insert_many(missing, session=session)


async def _check_left(database: Database, session: Session, ids: list[str]) -> None:
    async for record in database.records.find({"_id": {"$in": ids}}, session=session):
        for path in unexpected_members(record):
            raise PostConditionFailed(f"anonymization would leave {path}")


def _item(action: Action, row: Document, date: str) -> list[Any]:
    """The plain facts of one act, as the outbox holds them."""
    due, version = row[date], row.get("version", UNKNOWN_VERSION)
    known = isinstance(version, int) and version > UNKNOWN_VERSION
    match action:
        case Action.ANONYMIZE if not known:
            raise StoreError("a record without a version cannot be anonymized")
        case Action.ANONYMIZE:
            return [row["_id"], version + 1, due, []]
        case Action.DELETE:
            flags = [] if row.get("anonymized") else [NEVER_ANONYMIZED]
            return [row["_id"], version if known else UNKNOWN_VERSION, due, flags]
        case Action.ERASE_QUARANTINED:
            return [row["topic"], row["partition"], row["offset"], row["reason"], due]


async def oldest_due(context: SweepContext, action: Action) -> str | None:
    """The id that a sweep of one would take. Raises StoreUnavailable."""
    step = _step(context.database, action)
    with translated():
        row = await step.collection.find_one(
            step.selected(context.cutoff(datetime.now(UTC))),
            {"_id": 1},
            sort=[(step.date, ASCENDING)],
            hint=step.index,
        )
    return row["_id"] if row else None


async def postpone(database: Database, action: Action, identifier: str, until: datetime) -> None:
    """Leaves out one that failed alone until a time; it stays in the overdue figure."""
    with translated():
        await _step(database, action).collection.update_one(
            {"_id": identifier}, {"$set": {"sweepRetryAt": until}}
        )


@dataclass(frozen=True)
class Overdue:
    """How many are past their date, and the oldest date among them."""

    count: int
    oldest: datetime | None


async def overdue(database: Database, action: Action, now: datetime) -> Overdue:
    """What is due and not yet done, those that failed included. Raises StoreUnavailable."""
    step = _step(database, action)
    due = step.due(now)
    with translated():
        count = await step.collection.count_documents(due, hint=step.index)
        oldest = await step.collection.find_one(
            due, {step.date: 1}, sort=[(step.date, ASCENDING)], hint=step.index
        )
    return Overdue(count, oldest[step.date] if oldest else None)


async def failed_alone(database: Database) -> int:
    """How many wait for another try, since their erasure failed. Raises StoreUnavailable."""
    failed = {"sweepRetryAt": {"$exists": True}}
    with translated():
        records = await database.records.count_documents(failed, hint=SWEEP_RETRY)
        return records + await database.quarantine.count_documents(failed, hint=SWEEP_RETRY)


async def next_due(database: Database, action: Action, now: datetime) -> datetime | None:
    """The earliest date still to come. Raises StoreUnavailable."""
    step = _step(database, action)
    ahead = {step.date: {"$gt": now}, **step.predicate}
    with translated():
        row = await step.collection.find_one(ahead, {step.date: 1}, sort=[(step.date, ASCENDING)])
    return row[step.date] if row else None
