"""Entries of the quarantine, judged anew, for the tests of replay."""

from typing import Any

from records.mongo.client import Database, Document
from records.mongo.quarantine import quarantine
from records.mongo.quarantine_acts import Act
from records.mongo.quarantine_replay import Fate, Judged, replay
from records.reasons import Reason, Refused
from records.record import PreparedRecord
from tests.integration.store_suite.data import (
    KEY,
    LEDGER_TIME,
    NOW,
    STAMP,
    outbox_entries,
    prepared,
    raw_event,
    refused,
)

ACTOR = "5f1e578d1ca982d2a636924b631770b9"
ACT = Act(ACTOR, NOW, STAMP)


def entry_id(number: int) -> str:
    return raw_event(number).position.entry_id


async def put(database: Database, *numbers: int, **how: Any) -> None:
    events = [refused(raw_event(number), **how) for number in numbers]
    await quarantine(database, events, KEY, STAMP, NOW, LEDGER_TIME)
    await database.outbox.delete_many({"kind": "quarantined"})


def accepted(number: int, record: PreparedRecord | None = None) -> Judged:
    made = record or prepared(number)
    return Judged(entry_id(number), made, made.id)


def refused_again(number: int, reason: Reason = Reason.WRONG_TYPE, record_id: str | None = None) -> Judged:
    return Judged(entry_id(number), Refused(reason, "/payload"), record_id)


async def fates(database: Database, *batch: Judged, dry: bool = False) -> list[Fate]:
    return [became.fate for became in await replay(database, batch, ACT, dry=dry)]


async def rows(database: Database) -> dict[str, Document]:
    return {row["_id"]: row async for row in database.quarantine.find()}


async def items(database: Database) -> list[list[Any]]:
    entries = await outbox_entries(database)
    return [item for entry in entries if entry["kind"] == "quarantine.replayed" for item in entry["items"]]
