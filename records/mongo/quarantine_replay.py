"""Replay: a quarantined event goes through the one way in, and leaves in the transaction that stores it.

What the sweep erased, what somebody dropped and what another replay took in the meantime is not in the
transaction's snapshot; if it happens meanwhile, both write the same entry, and the later one starts anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any, Final

from records.mongo import outbox
from records.mongo.client import Database, Document, Session
from records.mongo.ingest import MAX_BYTES, MAX_RECORDS, Outcome, Stored, store_part
from records.mongo.parts import parts
from records.mongo.quarantine_acts import Act, place, require_all
from records.mongo.quarantine_reads import FACTS
from records.mongo.transaction import in_transaction
from records.reasons import Reason, Refused
from records.record import PreparedRecord

REPLAYED: Final = "quarantine.replayed"


class Fate(StrEnum):
    """What a replay came to."""

    CREATED = "CREATED"
    UNCHANGED = "UNCHANGED"
    ERASED = "ERASED"
    REFUSED = "REFUSED"
    SKIPPED = "SKIPPED"
    UNREADABLE = "UNREADABLE"
    GONE = "GONE"


ANNOUNCED: Final = (Fate.CREATED, Fate.UNCHANGED, Fate.ERASED, Fate.REFUSED)
"""What the audit event calls its outcome; nothing was done to the others."""
_STORED: Final = {
    Stored.CREATED: Fate.CREATED,
    Stored.UNCHANGED: Fate.UNCHANGED,
    Stored.ERASED: Fate.ERASED,
}


@dataclass(frozen=True, repr=False)
class Judged:
    """A quarantined event as the decoder judges it now: the record that it makes, or its refusal.

    `record_id` is the id of the order in it, where that can be made out.
    """

    entry_id: str
    verdict: PreparedRecord | Refused
    record_id: str | None = None


@dataclass(frozen=True)
class Became:
    """What became of an entry; where it was refused, why, and until when it may stay at most."""

    entry_id: str
    fate: Fate
    refused: Refused | None = None
    latest_due: datetime | None = None


async def replay(database: Database, batch: Sequence[Judged], act: Act, *, dry: bool = False) -> list[Became]:
    """Stores what can be stored now, removes those entries, and says what became of each, in order.

    What is refused again stays, with the reason of now; GONE is what has no content (any more). Each
    change of an entry is announced in its transaction. Doing it again changes nothing. Dry, nothing is
    written. No entry may be twice in a batch. Raises StoreUnavailable, StoreError.
    """
    became: list[Became] = []
    for part in parts(batch, _length, MAX_RECORDS, MAX_BYTES):
        body = partial(_replay, database=database, part=part, act=act, dry=dry)
        became += await in_transaction(database, body)
    return became


def _length(judged: Judged) -> int:
    return len(judged.verdict.document) if isinstance(judged.verdict, PreparedRecord) else 0


async def _replay(
    session: Session, *, database: Database, part: Sequence[Judged], act: Act, dry: bool
) -> list[Became]:
    kept = {"_id": {"$in": [judged.entry_id for judged in part]}, "due": {"$gt": act.now}}
    there = {row["_id"]: row async for row in database.quarantine.find(kept, FACTS, session=session)}
    records = {
        j.entry_id: j.verdict for j in part if j.entry_id in there and isinstance(j.verdict, PreparedRecord)
    }
    outcomes = await store_part(session, database=database, part=list(records.values()), now=act.now, dry=dry)
    stored = dict(zip(records, outcomes, strict=True))
    became = [came_to(j, stored.get(j.entry_id)) if j.entry_id in there else _gone(j) for j in part]
    if not dry:
        changes = [
            _change(there[j.entry_id], j, b)
            for j, b in zip(part, became, strict=True)
            if b.fate is not Fate.GONE
        ]
        await _write(session, database, changes, act)
    return became


def came_to(judged: Judged, outcome: Outcome | None) -> Became:
    """What an entry becomes by what storing its record came to; without a record, by its refusal."""
    if isinstance(judged.verdict, Refused):
        return Became(judged.entry_id, Fate.REFUSED, judged.verdict)
    assert outcome is not None  # noqa: S101 - for the type checker: every record has one
    if outcome.stored is Stored.CONFLICT:
        conflict = Refused(Reason.CONFLICT)
        return Became(judged.entry_id, Fate.REFUSED, conflict, outcome.conflicting_cleanup)
    return Became(judged.entry_id, _STORED[outcome.stored])


def _gone(judged: Judged) -> Became:
    return Became(judged.entry_id, Fate.GONE)


@dataclass(frozen=True)
class _Change:
    """An entry as it is, what became of it, and what has to be set where it stays."""

    row: Document
    fate: Fate
    update: Document

    @property
    def announced(self) -> bool:
        """A refusal that says nothing new is no news."""
        return self.fate is not Fate.REFUSED or not self.update.keys().isdisjoint({"reason", "pointer"})

    def item(self, actor: str) -> list[Any]:
        now = {**self.row, **self.update}
        return [*place(self.row), now["reason"], now["pointer"], self.fate.value, actor]


def _change(row: Document, judged: Judged, became: Became) -> _Change:
    if became.refused is None:
        return _Change(row, became.fate, {})
    known: Document = {"reason": became.refused.reason.value, "pointer": became.refused.pointer}
    if judged.record_id is not None:
        known["recordId"] = judged.record_id
    if became.latest_due is not None:
        known["due"] = min(row["due"], became.latest_due)
    return _Change(row, became.fate, {k: v for k, v in known.items() if row.get(k) != v})


async def _write(session: Session, database: Database, changes: list[_Change], act: Act) -> None:
    stored = [change.row["_id"] for change in changes if change.fate is not Fate.REFUSED]
    if stored:
        removed = await database.quarantine.delete_many({"_id": {"$in": stored}}, session=session)
        require_all(removed.deleted_count, len(stored))
    for change in changes:
        if change.update:
            await database.quarantine.update_one(
                {"_id": change.row["_id"]}, {"$set": change.update}, session=session
            )
    items = [change.item(act.actor) for change in changes if change.announced]
    if items:
        await outbox.append(database, session, REPLAYED, None, items, act.stamp)
