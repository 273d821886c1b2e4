"""One step of a sweep: what is due changes, and is announced, in one transaction.

Lease and sequence number, select, change with the whole predicate repeated, ledger, outbox
(design section 6). One action a transaction; the number is taken only when something was changed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any, Final

from pymongo import ASCENDING

from records.mongo import outbox
from records.mongo.anonymize import anonymize
from records.mongo.client import Collection, Database, Document, Session
from records.mongo.clock import mongo_time
from records.mongo.errors import StoreError, translated
from records.mongo.indexes import BY_ID, CLEANUP_DUE, DELETION_DUE, QUARANTINE_DUE
from records.mongo.lease import Fence, Lease
from records.mongo.quarantine import bare
from records.mongo.transaction import in_transaction

NEVER_ANONYMIZED: Final = "NEVER_ANONYMIZED"
UNKNOWN_VERSION: Final = 0
"""Whatever is wrong with a record, at its deletion date it goes."""
_MILLISECOND: Final = timedelta(milliseconds=1)


class Action(StrEnum):
    """What a sweep does; also the kinds of its outbox entries."""

    ANONYMIZE = "anonymized"
    DELETE = "deleted"
    ERASE_QUARANTINED = "quarantine.erased"


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
class Step:
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

    def coming(self, now: datetime, until: datetime) -> Document:
        """What falls due after the one time and up to the other."""
        return {self.date: {"$gt": now, "$lte": until}, **self.predicate}

    def from_on(self, watermark: "Watermark", cutoff: datetime) -> Document:
        """What is selected of that which a pass has not come by yet."""
        reached = {} if watermark.reached is None else {"$gte": watermark.reached}
        return {**self.selected(cutoff), self.date: {"$lte": cutoff, **reached}}


@dataclass
class Watermark:
    """How far a pass over one action has come: the date of the last that was changed.

    What was erased leaves dead entries in the index, which the next select of a pass would read again
    from the oldest on. It is for one pass: what comes in behind it, or is moved there, is for the next.
    """

    reached: datetime | None = None


def step_of(database: Database, action: Action) -> Step:
    """How an action selects, by which collection and index."""
    match action:
        case Action.ANONYMIZE:
            predicate = {"anonymized": False}
            return Step(
                database.records, "gdprCleanupDate", CLEANUP_DUE, predicate, ("version",), "deletionDate"
            )
        case Action.DELETE:
            return Step(database.records, "deletionDate", DELETION_DUE, {}, ("version", "anonymized"))
        case Action.ERASE_QUARANTINED:
            fields = ("topic", "partition", "offset", "reason")
            return Step(database.quarantine, "due", QUARANTINE_DUE, {}, fields)


async def sweep(
    context: SweepContext, action: Action, limit: int, watermark: Watermark | None = None
) -> list[str]:
    """Does one action to the oldest due, at most `limit`, and returns their ids; none when nothing is due.

    A watermark is moved on. Raises LeaseLost, SequenceLost, PostConditionFailed, StoreError,
    StoreUnavailable, and what the cutoff raises: then nothing was changed.
    """
    step, watermark = step_of(context.database, action), watermark or Watermark()
    body = partial(_sweep, context=context, step=step, action=action, limit=limit, watermark=watermark)
    try:
        fence, found = await in_transaction(context.database, body, session=context.lease.session)
    except _NothingDue:
        return []
    context.lease.follow(fence.n)
    watermark.reached = found[-1][step.date]
    return [row["_id"] for row in found]


async def _sweep(
    session: Session,
    *,
    context: SweepContext,
    step: Step,
    action: Action,
    limit: int,
    watermark: Watermark,
) -> tuple[Fence, list[Document]]:
    fence = await context.lease.fence(session)
    cutoff = context.cutoff(fence.now)
    found = await _select(session, step, step.from_on(watermark, cutoff), step.fields, limit)
    if not found:
        raise _NothingDue
    ids = [row["_id"] for row in found]
    selected = {"_id": {"$in": ids}, **step.selected(cutoff)}
    changed = await _change(context, session, action, selected, fence)
    if changed != len(ids):
        raise StoreError(f"{action}: {changed} changed of {len(ids)} selected")
    await context.lease.count(session, action.name, len(ids))
    items = [_item(action, row, step.date) for row in found]
    await outbox.append(context.database, session, action, fence.now, items, context.stamp, fence.n)
    return fence, found


async def _select(
    session: Session, step: Step, query: Document, fields: tuple[str, ...], limit: int
) -> list[Document]:
    """The oldest of those that match, by the index of their date."""
    projection = dict.fromkeys((step.date, *fields), 1)
    cursor = step.collection.find(query, projection, session=session, hint=step.index)
    return await cursor.sort(step.date, ASCENDING).limit(limit).to_list()


async def _change(
    context: SweepContext, session: Session, action: Action, selected: Document, fence: Fence
) -> int:
    """Looks the records up by id: by its date MongoDB would read all that is due to change a thousand."""
    database, expires = context.database, fence.now + context.ledger_time
    by_id: Document = {"session": session, "hint": BY_ID}
    match action:
        case Action.ANONYMIZE:
            return await anonymize(database.records, session, selected)
        case Action.DELETE:
            await _remember(database, session, selected["_id"]["$in"], expires)
            return (await database.records.delete_many(selected, **by_id)).deleted_count
        case Action.ERASE_QUARANTINED:
            return (await database.quarantine.update_many(selected, bare(expires), **by_id)).modified_count


async def _remember(database: Database, session: Session, ids: list[str], expires: datetime) -> None:
    """Leaves the bare ids in the ledger: as long as they are there, nothing brings the records back."""
    there = {row["_id"] async for row in database.ledger.find({"_id": {"$in": ids}}, session=session)}
    missing = [{"_id": i, "expiresAt": expires} for i in ids if i not in there]
    if missing:
        await database.ledger.insert_many(missing, session=session)


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


async def postpone_oldest(
    context: SweepContext, action: Action, wait: timedelta, watermark: Watermark | None = None
) -> str | None:
    """Leaves out for a while the one that a sweep of one would take; returns its id, None where none is due.

    It stays in the overdue figure. Raises LeaseLost, StoreError, StoreUnavailable, and what the cutoff
    raises.
    """
    body = partial(_postpone, context=context, action=action, wait=wait, watermark=watermark or Watermark())
    return await in_transaction(context.database, body, session=context.lease.session)


async def _postpone(
    session: Session, *, context: SweepContext, action: Action, wait: timedelta, watermark: Watermark
) -> str | None:
    step, now = step_of(context.database, action), await context.lease.hold(session)
    cutoff = context.cutoff(now)
    for row in await _select(session, step, step.from_on(watermark, cutoff), (), 1):
        selected = {"_id": row["_id"], **step.selected(cutoff)}
        await step.collection.update_one(selected, {"$set": {"sweepRetryAt": now + wait}}, session=session)
        return str(row["_id"])
    return None


async def pass_over_oldest(context: SweepContext, action: Action, watermark: Watermark) -> bool:
    """Moves the watermark behind the one that a sweep of one would take; False where none is due.

    So it is left to the next pass. Raises StoreError, StoreUnavailable, and what the cutoff raises.
    """
    step = step_of(context.database, action)
    due = step.from_on(watermark, context.cutoff(await mongo_time(context.database)))
    with translated():
        oldest = await step.collection.find_one(
            due, {step.date: 1}, sort=[(step.date, ASCENDING)], hint=step.index
        )
    if oldest is None:
        return False
    watermark.reached = oldest[step.date] + _MILLISECOND
    return True
