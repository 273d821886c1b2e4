"""What a person may do to a quarantined event beside replaying it: read it, or give it up.

Either is announced in the very transaction in which it is granted or done.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Final

from records.mongo import outbox
from records.mongo.client import Database, Document, Session
from records.mongo.errors import StoreError
from records.mongo.quarantine import bare
from records.mongo.quarantine_reads import FACTS
from records.mongo.transaction import in_transaction
from records.quarantine import DropGrounds, QuarantineKey, RawEvent, ShowGrounds, opened

SHOWN: Final = "quarantine.shown"
DROPPED: Final = "quarantine.dropped"
MAX_DROPPED: Final = 500
"""Most entries of one transaction."""


@dataclass(frozen=True)
class Act:
    """Who does it (a pseudonym), when (UTC), and what its audit event says of this build and policy."""

    actor: str
    now: datetime
    stamp: outbox.Stamp


class Dropped(StrEnum):
    """What dropping an entry came to."""

    DROPPED = "dropped"
    ALREADY_BARE = "already bare"
    UNKNOWN = "unknown"


async def show(
    database: Database, entry_id: str, key: QuarantineKey, grounds: ShowGrounds, act: Act
) -> RawEvent | None:
    """The event as it came, once its showing is announced; None when there is no content (any more).

    An entry that is due counts as erased. Raises CannotOpen, StoreUnavailable, StoreError: then nothing
    was shown, and nothing is announced but perhaps after StoreUnavailable.
    """
    body = partial(_show, database=database, entry_id=entry_id, key=key, grounds=grounds, act=act)
    return await in_transaction(database, body)


async def _show(
    session: Session,
    *,
    database: Database,
    entry_id: str,
    key: QuarantineKey,
    grounds: ShowGrounds,
    act: Act,
) -> RawEvent | None:
    kept = {"_id": entry_id, "due": {"$gt": act.now}}
    found = await database.quarantine.find_one(kept, session=session)
    if found is None:
        return None
    event = opened(key, entry_id, found["sealed"])
    item = [*place(found), found["reason"], grounds.value, act.actor]
    await outbox.append(database, session, SHOWN, None, [item], act.stamp)
    return event


async def drop(
    database: Database, ids: Sequence[str], grounds: DropGrounds, act: Act, ledger_time: timedelta
) -> list[Dropped]:
    """Takes the content of at most 500 entries away and says what became of each, in their order.

    The bare entries stay for the ledger's time, so that no redelivery brings the content back. Doing it
    again changes nothing. Raises StoreUnavailable, StoreError.
    """
    expires = act.now + ledger_time
    body = partial(_drop, database=database, ids=ids, grounds=grounds, act=act, expires=expires)
    return await in_transaction(database, body)


async def _drop(
    session: Session,
    *,
    database: Database,
    ids: Sequence[str],
    grounds: DropGrounds,
    act: Act,
    expires: datetime,
) -> list[Dropped]:
    named = {"_id": {"$in": list(ids)}}
    there = {row["_id"]: row async for row in database.quarantine.find(named, FACTS, session=session)}
    kept = {i: row for i, row in there.items() if "due" in row and row["due"] > act.now}
    if kept:
        update = bare(expires)
        update["$set"] |= {"dropped": grounds.value}
        chosen = {"_id": {"$in": list(kept)}, "due": {"$gt": act.now}}
        changed = await database.quarantine.update_many(chosen, update, session=session)
        require_all(changed.modified_count, len(kept))
        items = [[*place(row), row["reason"], grounds.value, act.actor] for row in kept.values()]
        await outbox.append(database, session, DROPPED, None, items, act.stamp)
    return [_became(identifier, there, kept) for identifier in ids]


def _became(identifier: str, there: dict[str, Document], kept: dict[str, Document]) -> Dropped:
    if identifier in kept:
        return Dropped.DROPPED
    return Dropped.ALREADY_BARE if identifier in there else Dropped.UNKNOWN


def place(document: Document) -> list[str | int]:
    """How an item of the outbox begins that is about a quarantined event."""
    return [document["topic"], document["partition"], document["offset"]]


def require_all(changed: int, chosen: int) -> None:
    """Raises StoreError unless as many entries were changed as were chosen in the same snapshot."""
    if changed != chosen:
        raise StoreError(f"quarantine: {changed} changed of {chosen} chosen")
