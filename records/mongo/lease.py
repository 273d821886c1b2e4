"""The lease of the one worker that leads, by MongoDB's clock, and the sequence number it hands out."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from records.mongo.client import Database, Session
from records.mongo.errors import LeaseLost, translated

_LEASE: Final = "lease"
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Fence:
    """Proof, inside a transaction, of leading: the next sequence number and MongoDB's time (UTC)."""

    n: int
    now: datetime


class Lease:
    """One worker's claim to lead."""

    def __init__(self, database: Database, owner: str, seconds: float) -> None:
        self._database = database
        self._owner = owner
        self._seconds = seconds

    async def acquire(self) -> bool:
        """Takes or renews the lease for its full time; False while another worker holds it."""
        state = self._database.state
        with translated(), suppress(DuplicateKeyError):
            if await state.find_one({"_id": _LEASE}, {"_id": 1}) is None:
                await state.insert_one({"_id": _LEASE, "owner": "", "expires": _LONG_AGO, "n": 0})
        free = [{"owner": self._owner}, {"$expr": {"$lt": ["$expires", "$$NOW"]}}]
        with translated():
            taken = await state.update_one({"_id": _LEASE, "$or": free}, [{"$set": self._claim()}])
        return taken.matched_count == 1

    async def release(self) -> None:
        """Lets another worker lead at once; nothing happens when this one does not lead."""
        with translated():
            await self._database.state.update_one(
                {"_id": _LEASE, "owner": self._owner}, {"$set": {"expires": _LONG_AGO}}
            )

    async def fence(self, session: Session) -> Fence:
        """Takes the next sequence number and renews the lease in the caller's transaction.

        This write is what stops a paused leader: it conflicts with whoever took over. The number is
        taken only if the transaction commits, so numbers have no gap. Raises LeaseLost.
        """
        lease = await self._database.state.find_one_and_update(
            {"_id": _LEASE, "owner": self._owner},
            [{"$set": {**self._claim(), "n": {"$add": ["$n", 1]}, "renewed": "$$NOW"}}],
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        if lease is None:
            raise LeaseLost("another worker leads")
        return Fence(n=lease["n"], now=lease["renewed"])

    def _claim(self) -> dict[str, Any]:
        return {
            "owner": {"$literal": self._owner},
            "expires": {"$add": ["$$NOW", int(self._seconds * 1000)]},
        }
