"""Records that cannot be fetched: stepped over on somebody's word, with a pointer, and never in silence."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

from records.mongo import outbox
from records.mongo.client import Database, Document, Session
from records.mongo.errors import translated
from records.mongo.quarantine_acts import Act
from records.mongo.transaction import in_transaction
from records.quarantine import Position, SkipGrounds
from records.reasons import Reason

SKIPPED: Final = "quarantine.skipped"


@dataclass(frozen=True)
class Range:
    """What cannot be fetched: from a position up to but not with `until`, on the topic with this id."""

    position: Position
    until: int
    topic_id: str | None


async def skip(
    database: Database, skipped: Range, grounds: SkipGrounds, act: Act, ledger_time: timedelta
) -> bool:
    """Leaves a bare entry, by which whoever reads the partition steps over the range, and announces it.

    False when it was there already: then nothing changes. Raises StoreUnavailable, StoreError.
    """
    entry: Document = {
        **skipped.position.members(),
        "arrived": act.now,
        "reason": Reason.UNREADABLE.value,
        "pointer": "",
        "expiresAt": act.now + ledger_time,
        "topicId": skipped.topic_id,
        "skippedUntil": skipped.until,
        "skipped": grounds.value,
    }
    return await in_transaction(database, partial(_skip, database=database, entry=entry, act=act))


async def _skip(session: Session, *, database: Database, entry: Document, act: Act) -> bool:
    if await database.quarantine.find_one({"_id": entry["_id"]}, {"_id": 1}, session=session):
        return False
    await database.quarantine.insert_one(entry, session=session)
    place = [entry["topic"], entry["partition"], entry["offset"]]
    item = [*place, entry["reason"], entry["skippedUntil"], entry["skipped"], act.actor]
    await outbox.append(database, session, SKIPPED, None, [item], act.stamp)
    return True


async def skipped_until(
    database: Database, topic: str, partition: int, offset: int, topic_id: str | None
) -> int | None:
    """Where to go on after an offset that was stepped over; None when it was not. Raises StoreUnavailable."""
    prefix = f"{topic}/{partition}/{offset}"
    named = {"_id": {"$gte": f"{prefix}/", "$lt": f"{prefix}0"}, "topicId": topic_id}
    with translated():
        found = await database.quarantine.find_one({**named, "skippedUntil": {"$exists": True}})
    return None if found is None else int(found["skippedUntil"])
