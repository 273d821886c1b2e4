"""The demo holds its own claims against MongoDB and against the audit events it collected."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from audit.templates import entry_subject
from audit.types import EVENT_QUARANTINED, QUARANTINE_ERASED, RECORD_ANONYMIZED, RECORD_DELETED
from local.demo.figures import Figures
from local.demo.options import DAY_SECONDS, POLICY
from local.demo.stages import idle_stages
from local.demo.stream import Sent
from local.demo.trail import Trail
from local.demo.waiting import Patience
from records.mongo.client import Database, Document, Session
from records.mongo.overdue import overdue
from records.mongo.sweep import Action
from records.mongo.transaction import in_transaction

_GRACE: Final = timedelta(seconds=5)
_RETENTION: Final = timedelta(seconds=POLICY.retention_time * DAY_SECONDS)
_ANNOUNCE_SECONDS: Final = 15.0
_SEARCHED: Final = 1000


@dataclass(frozen=True)
class Claim:
    """One promise, whether it held, and the figures behind that."""

    promise: str
    held: bool
    figures: str


@dataclass(frozen=True)
class Held:
    """What MongoDB held at one moment: ids of records, of those anonymized and of those erased, and the
    quarantine's entries, without their content.
    """

    stored: set[str]
    anonymized: set[str]
    erased: set[str]
    quarantine: list[Document]

    def unannounced(self, trail: Trail) -> int:
        """How many acts that must have been for this to be are not in the trail."""
        anonymized, deleted = trail.subjects(RECORD_ANONYMIZED), trail.subjects(RECORD_DELETED)
        quarantined, emptied = trail.subjects(EVENT_QUARANTINED), trail.subjects(QUARANTINE_ERASED)
        missing = [i for i in self.anonymized if i not in anonymized]
        missing += [i for i in self.erased if i not in deleted]
        missing += [i for i in self.erased if i not in anonymized and i not in trail.never_anonymized]
        missing += [e["subject"] for e in self.quarantine if e["subject"] not in quarantined]
        missing += [
            e["subject"] for e in self.quarantine if _was_emptied(e, trail) and e["subject"] not in emptied
        ]
        return len(missing)


def _was_emptied(entry: Document, trail: Trail) -> bool:
    """An entry that came only after its due date never had content that could be erased."""
    came = trail.quarantined_at.get(entry["subject"])
    due = datetime.fromtimestamp(entry["timestamp"] / 1000, UTC) + _RETENTION
    return not entry["sealed"] and (came is None or came < due)


async def check(
    database: Database, sent: Sent, figures: Figures, trail: Trail, patience: Patience
) -> list[Claim]:
    """Every claim; waits a while for acts that were committed to be announced. Raises StoreError."""
    held = await in_transaction(database, partial(_held, database=database))
    late = sum([(await overdue(database, a, datetime.now(UTC) - _GRACE)).count for a in Action])
    announced = await _announced(trail, held, patience)
    idle = idle_stages(sent, figures, trail)
    once = held.stored | held.erased == sent.ids and not held.stored & held.erased
    return [
        Claim("every stage has had work", not idle, f"{', '.join(idle) or 'none'} at zero"),
        Claim(
            "every order is stored exactly once",
            once and figures.stored == len(sent.ids),
            f"{len(sent.ids)} orders, {figures.stored} stored",
        ),
        Claim(
            "a repeated event changes nothing",
            figures.unchanged == sent.duplicates,
            f"{sent.duplicates} repeats, {figures.unchanged} unchanged",
        ),
        Claim(
            "every broken event is in quarantine once",
            len(held.quarantine) == sent.broken == figures.quarantined,
            f"{sent.broken} broken, {len(held.quarantine)} in quarantine",
        ),
        Claim("everything due is erased", late == 0, f"{late} overdue by more than {_GRACE.seconds} s"),
        Claim("nothing is erased early", trail.early == 0, f"{trail.early} early"),
        announced,
        await _private(trail, sent.personal.values()),
    ]


async def _held(session: Session, *, database: Database) -> Held:
    """At one moment: between two reads a sweep moves some."""
    records = [r async for r in database.records.find({}, {"anonymized": 1}, session=session)]
    erased = {r["_id"] async for r in database.ledger.find({}, {"_id": 1}, session=session)}
    fields = {"topic": 1, "partition": 1, "offset": 1, "timestamp": 1, "keyId": 1}
    entries = [e async for e in database.quarantine.find({}, fields, session=session)]
    return Held(
        {record["_id"] for record in records},
        {record["_id"] for record in records if record["anonymized"]},
        erased,
        [_entry(entry) for entry in entries],
    )


def _entry(entry: Document) -> Document:
    subject = entry_subject(entry["topic"], entry["partition"], entry["offset"])
    return {"subject": subject, "timestamp": entry["timestamp"], "sealed": "keyId" in entry}


async def _announced(trail: Trail, held: Held, patience: Patience) -> Claim:
    """Everything done by now must be announced in time; each act once, repeats removed."""

    async def all_announced() -> bool:
        return held.unannounced(trail) == 0

    await patience.until(all_announced, _ANNOUNCE_SECONDS)
    missing = held.unannounced(trail)
    twice = sum(count > 1 for acts in trail.acts.values() for count in acts.values())
    text = f"{len(trail.values)} audit events, {missing} acts missing, {twice} announced twice"
    return Claim("every act has one audit event", not missing and not twice, text)


async def _private(trail: Trail, personal: Iterable[tuple[str, ...]]) -> Claim:
    searched = sorted(set().union(*personal))[:_SEARCHED]
    found = await asyncio.to_thread(_found, list(trail.values.values()), searched)
    held = not found and not trail.malformed
    text = f"{found} of {len(searched)} personal texts found, {trail.malformed} events outside the schema"
    return Claim("no personal data in the audit topic", held, text)


def _found(values: list[bytes], searched: list[str]) -> int:
    topic = b"\n".join(values)
    return sum(text.encode() in topic for text in searched)
