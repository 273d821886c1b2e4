"""The daily attestation: one a UTC day of MongoDB's clock, whoever asks for it, and how the trail stands."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from pymongo import ASCENDING, DESCENDING, ReturnDocument

from records.mongo import outbox
from records.mongo.client import Database, Document, Session
from records.mongo.errors import translated
from records.mongo.lease import Done, done_within, last_n
from records.mongo.sweep import Action
from records.mongo.transaction import in_transaction

ATTESTED: Final = "attestation"
"""The kind of its outbox entry, and the id of what `state` remembers of the last one."""
ORDER: Final = (Action.ANONYMIZE, Action.DELETE, Action.ERASE_QUARANTINED)
_DAY_MS: Final = timedelta(days=1) // timedelta(milliseconds=1)
_HOUR_SECONDS: Final = 3_600


@dataclass(frozen=True)
class Standing:
    """How erasure stands at one moment; what could not be found out is absent, or None.

    `order_topic_seconds` is -1 where the topic has no limit.
    """

    ledger_days: int
    audit_retention_days: int
    overdue: Mapping[Action, int] = field(default_factory=dict)
    oldest: Mapping[Action, datetime] = field(default_factory=dict)
    entries: int | None = None
    sealed: int | None = None
    oplog_hours: int | None = None
    order_topic_seconds: int | None = None


async def last_attestation(database: Database) -> datetime | None:
    """When the last one was written, by MongoDB's clock. Raises StoreUnavailable."""
    with translated():
        last = await database.state.find_one({"_id": ATTESTED}, {"time": 1}) or {}
    return last.get("time")


async def attestation_due(database: Database) -> bool:
    """Whether the day has none yet. Raises StoreUnavailable."""
    with translated():
        await database.state.update_one({"_id": ATTESTED}, {"$setOnInsert": {"n": 0}}, upsert=True)
        return await database.state.find_one(_DUE, {"_id": 1}) is not None


async def attest(database: Database, standing: Standing, stamp: outbox.Stamp) -> datetime | None:
    """Writes the day's attestation, unless there is one; returns its time, by MongoDB's clock.

    `attestation_due` was asked before. Doing it again changes nothing. Raises StoreUnavailable, StoreError.
    """
    return await in_transaction(database, partial(_attest, database=database, standing=standing, stamp=stamp))


async def _attest(
    session: Session, *, database: Database, standing: Standing, stamp: outbox.Stamp
) -> datetime | None:
    done = await done_within(database, session)
    taken = await database.state.find_one_and_update(
        _DUE, [_remembered(done)], return_document=ReturnDocument.AFTER, session=session
    )
    if taken is None:
        return None
    await outbox.append(database, session, ATTESTED, taken["time"], [_item(standing, done, taken)], stamp)
    time: datetime = taken["time"]
    return time


def _day(instant: str) -> Document:
    return {"$dateToString": {"date": instant, "format": "%Y-%m-%d", "onNull": ""}}


_DUE: Final[Document] = {
    "_id": ATTESTED,
    "$expr": {
        "$or": [
            {"$lt": [_day("$time"), _day("$$NOW")]},
            # A clock that leapt ahead and was set right again must not silence it until then.
            {"$gt": ["$time", {"$add": ["$$NOW", _DAY_MS]}]},
        ]
    },
}


def _remembered(done: Done) -> Document:
    """Moves what the last one said to `since` and `before`, and remembers this one."""
    counts = {"$literal": dict(done.counts)}
    return {"$set": {"since": "$time", "before": "$done", "time": "$$NOW", "n": done.n, "done": counts}}


def _item(standing: Standing, done: Done, taken: Document) -> list[Any]:
    before = taken.get("before", {})
    counts = [max(0, done.counts.get(each.name, 0) - before.get(each.name, 0)) for each in ORDER]
    overdue = [[standing.overdue.get(each), standing.oldest.get(each)] for each in ORDER]
    return [
        [taken.get("since"), taken["time"]],
        done.n,
        counts,
        overdue,
        [standing.entries, standing.sealed],
        [standing.ledger_days, standing.oplog_hours, standing.order_topic_seconds],
        standing.audit_retention_days,
    ]


async def oplog_hours(database: Database) -> int | None:
    """How many hours the primary's oplog reaches back, rounded up; None where it has none that is seen.

    Raises StoreForbidden where this user may not read it, StoreUnavailable.
    """
    oplog, ends = database.client["local"]["oplog.rs"], list[int]()
    with translated():
        for direction in (ASCENDING, DESCENDING):
            entry = await oplog.find_one({}, {"ts": 1}, sort=[("$natural", direction)])
            if entry is None:
                return None
            ends.append(entry["ts"].time)
    return math.ceil((ends[1] - ends[0]) / _HOUR_SECONDS)


@dataclass(frozen=True)
class TrailState:
    """The last attestation, the last `n`, the outbox entries that wait, and since when the oldest does."""

    attested: datetime | None
    n: int
    unsent: int
    unsent_since: datetime | None


async def trail_state(database: Database) -> TrailState:
    """Known at once, however much there is. Raises StoreUnavailable."""
    attested, n = await last_attestation(database), await last_n(database)
    unsent, since = await outbox.backlog(database)
    return TrailState(attested, n, unsent, since)
