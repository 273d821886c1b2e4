"""The quarantine: each refused event once, its pointer for the audit topic in the same transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from records.mongo import outbox
from records.mongo.client import Database, Document, Session
from records.mongo.parts import parts
from records.mongo.transaction import in_transaction
from records.quarantine import QuarantinedEvent, QuarantineKey, seal

QUARANTINED: Final = "quarantined"
_Identified = tuple[str | None, Document]
_MAX_EVENTS, _MAX_BYTES = 500, 12 * 2**20
"""By what is written: a header may be as large as a body."""
_CONTENT: Final = ("sealed", "keyId", "due", "sweepRetryAt")


async def quarantine(
    database: Database,
    events: Sequence[QuarantinedEvent],
    key: QuarantineKey,
    stamp: outbox.Stamp,
    now: datetime,
    ledger_time: timedelta,
) -> int:
    """Keeps refused events, and returns how many of them were new.

    An entry that is there already stays as it is, so a redelivery changes nothing; what is known to
    be of an erased order is not kept at all. Raises
    StoreUnavailable, StoreError: then the events are still on their topic and must come again.
    """
    new = 0
    identified = ((event.record_id, _entry(event, key, now, now + ledger_time)) for event in events)
    for entries in parts(identified, _length, _MAX_EVENTS, _MAX_BYTES):
        new += await in_transaction(
            database, partial(_insert, database=database, entries=entries, stamp=stamp)
        )
    return new


def _length(identified: _Identified) -> int:
    return len(identified[1].get("sealed", b""))


def bare(expires: datetime) -> Document:
    """The update that takes the content of an entry away; what is left tells a redelivery to do nothing."""
    return {"$unset": dict.fromkeys(_CONTENT, ""), "$set": {"expiresAt": expires}}


def _entry(
    quarantined: QuarantinedEvent, key: QuarantineKey, arrived: datetime, expires: datetime
) -> Document:
    refused = quarantined.refused
    entry: Document = {
        **quarantined.event.position.members(),
        "arrived": arrived,
        "reason": refused.reason.value,
        "pointer": refused.pointer,
    }
    if quarantined.record_id is not None:
        entry["recordId"] = quarantined.record_id
    sealed = seal(key, quarantined.event) if quarantined.due else None
    if sealed is None:
        return {**entry, "expiresAt": expires}
    return {**entry, "sealed": sealed, "keyId": key.key_id, "due": quarantined.due}


async def _insert(
    session: Session, *, database: Database, entries: list[_Identified], stamp: outbox.Stamp
) -> int:
    ids = [entry["_id"] for _, entry in entries]
    there = {
        row["_id"]
        async for row in database.quarantine.find({"_id": {"$in": ids}}, {"_id": 1}, session=session)
    }
    known = [record_id for record_id, _ in entries if record_id is not None]
    erased = {row["_id"] async for row in database.ledger.find({"_id": {"$in": known}}, session=session)}
    skipped = there | {e["_id"] for record_id, e in entries if record_id in erased}
    new = list({e["_id"]: e for _, e in entries if e["_id"] not in skipped}.values())
    if new:
        await database.quarantine.insert_many(new, session=session)
        items = [[e["topic"], e["partition"], e["offset"], e["reason"], e["pointer"]] for e in new]
        await outbox.append(database, session, QUARANTINED, None, items, stamp)
    return len(new)
