"""The demo holds its own claims against MongoDB and against the audit events it collected."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from local.demo.figures import ANONYMIZED, DELETED, QUARANTINED, Figures
from local.demo.stream import Sent
from local.demo.trail import Trail
from records.mongo.client import Database, Session
from records.mongo.sweep import Action, overdue
from records.mongo.transaction import in_transaction

_GRACE: Final = timedelta(seconds=5)
_ANNOUNCE_SECONDS: Final = 15.0
_SEARCHED: Final = 1000


@dataclass(frozen=True)
class Claim:
    """One promise, whether it held, and the figures behind that."""

    promise: str
    held: bool
    figures: str


async def check(
    database: Database,
    sent: Sent,
    figures: Figures,
    trail: Trail,
    announce_seconds: float = _ANNOUNCE_SECONDS,
) -> list[Claim]:
    """Every claim; waits so long for acts that were committed to be announced."""
    stored, erased = await in_transaction(database, partial(_held, database=database))
    quarantined = await database.quarantine.count_documents({})
    late = sum([(await overdue(database, a, datetime.now(UTC) - _GRACE)).count for a in Action])
    anonymized = await _ids(database.records.find({"anonymized": True}, {"_id": 1}))
    announced = await _announced(trail, anonymized, erased, quarantined, announce_seconds)
    once = stored | erased == sent.ids and not stored & erased and figures.stored == len(sent.ids)
    return [
        Claim("every order is stored exactly once", once, f"{len(sent.ids)} orders, {figures.stored} stored"),
        Claim(
            "a repeated event changes nothing",
            figures.unchanged == sent.duplicates,
            f"{sent.duplicates} repeats, {figures.unchanged} unchanged",
        ),
        Claim(
            "every broken event is in quarantine once",
            quarantined == sent.broken == figures.quarantined,
            f"{sent.broken} broken, {quarantined} in quarantine",
        ),
        Claim("everything due is erased", late == 0, f"{late} overdue by more than {_GRACE.seconds} s"),
        Claim("nothing is erased early", trail.early == 0, f"{trail.early} early"),
        announced,
        await _private(trail, sent.personal),
    ]


async def _held(session: Session, *, database: Database) -> tuple[set[str], set[str]]:
    """The ids in records and in the ledger at one moment: between two reads a sweep moves some."""
    stored = await _ids(database.records.find({}, {"_id": 1}, session=session))
    return stored, await _ids(database.ledger.find({}, {"_id": 1}, session=session))


async def _ids(rows: object) -> set[str]:
    return {row["_id"] async for row in rows}  # type: ignore[attr-defined]  # a cursor of either driver


async def _announced(
    trail: Trail, anonymized: set[str], erased: set[str], quarantined: int, seconds: float
) -> Claim:
    """Everything done by now must be announced within the time; each act once, repeats removed."""
    deadline = asyncio.get_running_loop().time() + seconds
    missing = 1
    while missing and asyncio.get_running_loop().time() < deadline:
        missing = len(anonymized - trail.subjects(ANONYMIZED).keys())
        missing += len(erased - trail.subjects(DELETED).keys())
        missing += max(0, quarantined - len(trail.subjects(QUARANTINED)))
        await asyncio.sleep(0.2)
    twice = sum(count > 1 for acts in trail.acts.values() for count in acts.values())
    text = f"{len(trail.values)} audit events, {missing} acts missing, {twice} announced twice"
    return Claim("every act has one audit event", not missing and not twice, text)


async def _private(trail: Trail, personal: Iterable[str]) -> Claim:
    searched = sorted(personal)[:_SEARCHED]
    found = await asyncio.to_thread(_found, list(trail.values.values()), searched)
    held = not found and not trail.malformed
    text = f"{found} of {len(searched)} personal texts found, {trail.malformed} events outside the schema"
    return Claim("no personal data in the audit topic", held, text)


def _found(values: list[bytes], searched: list[str]) -> int:
    topic = b"\n".join(values)
    return sum(text.encode() in topic for text in searched)
