"""How much of the trail was signed, where those who own its topics cannot reach it; it is only ever raised.

A database that was put back knows less, and less is harmless: it only forbids less.
"""

from typing import Final, TypeAlias

from pymongo.errors import DuplicateKeyError

from records.mongo.client import Database, Document, Session
from records.mongo.errors import translated

_SIGNED: Final = "signed"
Signed: TypeAlias = tuple[int, bytes]
"""So many events, and the root of their tree."""


async def signed_so_far(database: Database, log_name: str) -> Signed | None:
    """What of the trail of this name; None before the first time. Raises StoreUnavailable."""
    with translated():
        return await signed_within(database, None, log_name)


async def signed_within(database: Database, session: Session | None, log_name: str) -> Signed | None:
    """The same, as the caller's transaction sees it, with the driver's own errors."""
    found = await database.state.find_one({"_id": _SIGNED, "logName": log_name}, session=session)
    return None if found is None else (found["size"], bytes(found["root"]))


async def raise_signed(database: Database, log_name: str, before: Signed | None, to: Signed) -> bool:
    """Stores more in the place of what was there before; False where something else was there.

    A database has one trail at a time, and no name comes again (`begin_trail`): what is stored of one of
    another name is replaced by the first of this. Raises StoreUnavailable, and ValueError for what is not
    more.
    """
    if before is not None and to[0] <= before[0]:
        raise ValueError("what was signed is only ever raised")
    selected: Document = {"_id": _SIGNED, "logName": {"$ne": log_name}}
    if before is not None:
        selected = {"_id": _SIGNED, "logName": log_name, "size": before[0], "root": before[1]}
    raised = {"$set": {"logName": log_name, "size": to[0], "root": to[1]}}
    with translated():
        try:
            done = await database.state.update_one(selected, raised, upsert=before is None)
        except DuplicateKeyError:
            return False
    return done.matched_count == 1 or done.upserted_id is not None
