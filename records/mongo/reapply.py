"""Brings back what the trail knows and a restored database does not, in transactions that can be repeated.

As long as this is not finished, the verdict in `state` keeps every process from running; it also holds the
counts, so that one audit event tells all of it, however often it was begun (docs/decisions/restore.md).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from pymongo import UpdateOne

from records.mongo.client import Database, Document, Session
from records.mongo.lease import Lease
from records.mongo.quarantine import bare
from records.mongo.restored import RESTORE, Ahead
from records.mongo.transaction import in_transaction
from records.quarantine import Position
from records.reapply import Brought, Erased, GivenUp, Place, Told

MAX_PART: Final = 500
"""Events of one transaction: each may touch a record, the ledger and the quarantine."""
_PLACES: Final = 100
_ENTRY: Final = ("topic", "partition", "offset", "arrived", "timestamp", "due", "recordId")
COUNTS: Final = ("ids", "dates", "entries")
"""The members of `Brought`, as the verdict's document counts them."""


@dataclass(frozen=True)
class Reapply:
    """What every step needs. `ahead` is the verdict to leave meanwhile, `now` MongoDB's time (UTC).

    `longer`: an order that is read again might live longer than it did, so its id must keep it out.
    All transactions are in the lease's session: whoever takes the lease ends one that was left open. Without
    a lease nothing is written.
    """

    database: Database
    lease: Lease | None
    ahead: Ahead
    log_name: str
    ledger_time: timedelta
    now: datetime
    longer: bool

    @property
    def session(self) -> Session | None:
        return None if self.lease is None else self.lease.session


@dataclass(frozen=True)
class Came:
    """What a part came to. `absent` lost their content and have no entry, so they could come again.

    `again` are entries that are back though a replay had stored their orders, by entry id to record id.
    """

    brought: Brought
    absent: dict[Place, GivenUp]
    again: dict[str, str | None]


async def reapply(context: Reapply, told: Told, again: Mapping[str, str | None]) -> Came:
    """Does what a part of at most 500 events tells; `again` is what came of earlier ones.

    Raises StoreUnavailable, StoreError.
    """
    body = partial(_reapply, context=context, told=told, again=again)
    return await in_transaction(context.database, body, session=context.session)


async def _reapply(
    session: Session, *, context: Reapply, told: Told, again: Mapping[str, str | None]
) -> Came:
    step = _Step(context, session)
    await step.look(told)
    back = {**again, **step.replayed(told)}
    brought = Brought(
        ids=await step.remember(told),
        dates=await step.move_dates(told),
        entries=await step.make_bare(told, back),
    )
    if brought and context.lease is not None:
        await _note(context, session, brought)
    erased = {*told.deleted, *told.anonymized}
    return Came(brought, step.absent(told), {e: record for e, record in back.items() if record not in erased})


class _Step:
    """One part of the trail, against what is in the database."""

    def __init__(self, context: Reapply, session: Session) -> None:
        self._context = context
        self._database = context.database
        self._session = session
        self._records: dict[str, Document] = {}
        self._entries: dict[Place, list[Document]] = {}

    async def look(self, told: Told) -> None:
        ids = {"_id": {"$in": list({*told.deleted, *told.anonymized})}}
        dates = dict.fromkeys(("anonymized", "created", "gdprCleanupDate", "deletionDate"), 1)
        found = self._database.records.find(ids, dates, session=self._session)
        self._records = {row["_id"]: row async for row in found}
        places = [*told.gone, *told.replayed]
        for start in range(0, len(places), _PLACES):
            paths = ["/".join(map(str, place)) for place in places[start : start + _PLACES]]
            named = [{"_id": {"$gte": f"{path}/", "$lt": f"{path}0"}} for path in paths]
            fields = dict.fromkeys(_ENTRY, 1)
            async for row in self._database.quarantine.find({"$or": named}, fields, session=self._session):
                place = (row["topic"], row["partition"], row["offset"])
                self._entries.setdefault(place, []).append(row)

    async def remember(self, told: Told) -> int:
        """Leaves ids in the ledger: of what was deleted, and of what could come again and live longer."""
        erased: dict[str, Erased] = dict(told.deleted)
        if self._context.longer:
            erased |= {i: done for i, done in told.anonymized.items() if i not in self._records}
        expires = {i: done.time + self._context.ledger_time for i, done in erased.items()}
        wanted = [i for i, time in expires.items() if time > self._context.now]
        ledger = self._database.ledger
        there = {row["_id"] async for row in ledger.find({"_id": {"$in": wanted}}, session=self._session)}
        missing = [{"_id": i, "expiresAt": expires[i]} for i in wanted if i not in there]
        if missing and self._context.lease is not None:
            await ledger.insert_many(missing, session=self._session)
        return len(missing)

    async def move_dates(self, told: Told) -> int:
        """Makes due again what was erased, where a date in the backup is later than that at which it was."""
        changes = [
            *self._moved(told.deleted, "deletionDate", {}),
            *self._moved(told.anonymized, "gdprCleanupDate", {"anonymized": False}),
        ]
        if changes and self._context.lease is not None:
            await self._database.records.bulk_write(changes, session=self._session)
        return len(changes)

    def _moved(self, erased: Mapping[str, Erased], date: str, other: Mapping[str, Any]) -> list[UpdateOne]:
        """A record that was stored later is another one: an order may come again once its id is forgotten."""
        changes = []
        for identifier, done in erased.items():
            row = self._records.get(identifier)
            if row is None or row["created"] > done.time:
                continue
            if row[date] > done.due and other.items() <= row.items():
                was = {"created": {"$lte": done.time}, date: {"$gt": done.due}}
                selected = {"_id": identifier, **was, **other}
                changes.append(UpdateOne(selected, {"$set": {date: done.due}}))
        return changes

    def replayed(self, told: Told) -> dict[str, str | None]:
        """The entries that are back, and the record that a replay had made of each, where that is known."""
        found = (self._sealed(place, time) for place, time in told.replayed.items())
        return {entry["_id"]: entry.get("recordId") for entry in found if entry is not None}

    async def make_bare(self, told: Told, back: Mapping[str, str | None]) -> int:
        """Takes the content of quarantined events away that had lost it: on time, on somebody's word, or with
        the record that a replay had made of it.
        """
        expiry = self._context.ledger_time
        erased = {**told.deleted, **told.anonymized}
        changes = [
            UpdateOne({"_id": entry, "due": {"$exists": True}}, bare(erased[record].time + expiry))
            for entry, record in back.items()
            if record in erased
        ]
        for place, given_up in told.gone.items():
            entry = self._sealed(place, given_up.time)
            if entry is not None:
                update = bare(given_up.time + expiry)
                if given_up.grounds is not None:
                    update["$set"] |= {"dropped": given_up.grounds}
                changes.append(UpdateOne({"_id": entry["_id"], "due": {"$exists": True}}, update))
        if changes and self._context.lease is not None:
            await self._database.quarantine.bulk_write(changes, session=self._session)
        return len(changes)

    def _sealed(self, place: Place, time: datetime) -> Document | None:
        """The entry of a place that was there then, while it holds its event. Topics may be made anew."""
        known = [entry for entry in self._entries.get(place, ()) if entry["arrived"] <= time]
        newest = max(known, key=lambda entry: entry["timestamp"], default=None)
        return newest if newest is not None and "due" in newest else None

    def absent(self, told: Told) -> dict[Place, GivenUp]:
        """What lost its content and has no entry at all; what is past its date gets none anyway."""
        return {
            place: given_up
            for place, given_up in told.gone.items()
            if place not in self._entries and (self._context.longer or not given_up.on_time)
        }


async def keep_out(context: Reapply, events: Sequence[tuple[Position, GivenUp]]) -> int:
    """Leaves bare entries of events that lost their content and would be read again; how many are new.

    At most 500. Raises StoreUnavailable, StoreError.
    """
    body = partial(_keep_out, context=context, events=events)
    return await in_transaction(context.database, body, session=context.session)


async def _keep_out(session: Session, *, context: Reapply, events: Sequence[tuple[Position, GivenUp]]) -> int:
    entries = {position.entry_id: _bare_entry(position, given, context) for position, given in events}
    quarantine = context.database.quarantine
    there = {
        row["_id"]
        async for row in quarantine.find({"_id": {"$in": list(entries)}}, {"_id": 1}, session=session)
    }
    missing = [entry for identifier, entry in entries.items() if identifier not in there]
    if missing and context.lease is not None:
        await quarantine.insert_many(missing, session=session)
        await _note(context, session, Brought(entries=len(missing)))
    return len(missing)


def _bare_entry(position: Position, given: GivenUp, context: Reapply) -> Document:
    entry: Document = {
        **position.members(),
        "arrived": context.now,
        "reason": given.reason,
        "pointer": "",
        "expiresAt": given.time + context.ledger_time,
    }
    return entry if given.grounds is None else {**entry, "dropped": given.grounds}


async def _note(context: Reapply, session: Session, brought: Brought) -> None:
    ahead = context.ahead
    first = {
        "verdict": ahead.verdict,
        "topic": ahead.topic,
        "logName": context.log_name,
        "n": ahead.n,
        "policyVersion": ahead.policy_version,
        "known": {"n": ahead.known_n, "policyVersion": ahead.known_policy_version},
        "seen": context.now,
    }
    counts = {f"counts.{name}": getattr(brought, name) for name in COUNTS}
    update = {"$inc": counts, "$setOnInsert": first}
    await context.database.state.update_one({"_id": RESTORE}, update, upsert=True, session=session)
