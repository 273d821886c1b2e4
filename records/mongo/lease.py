"""The lease of the one worker that leads, by MongoDB's clock, and the sequence number it hands out."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError, OperationFailure

from records.clock import since_boot
from records.mongo.client import Database, Document, Session
from records.mongo.errors import LeaseLost, StoreUnavailable, translated

_LEASE: Final = "lease"
_EXPIRED: Final = {"$expr": {"$lt": ["$expires", "$$NOW"]}}
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


class SequenceLost(Exception):
    """The sequence number in the database went back: to go on would announce a number twice.

    That is what a lease document leaves that somebody removed, or a backup that was put back under a
    running worker. The trail has the number (design section 6, "After a restore from backup").
    """

    def __init__(self) -> None:
        super().__init__(
            "the sequence number of sweeps went back in the database: start this process anew, and if it "
            "then refuses to run, bring the number back by `order-records lifecycle reapply`"
        )


@dataclass(frozen=True)
class Fence:
    """Proof, inside a transaction, of leading: the next sequence number and MongoDB's time (UTC)."""

    n: int
    now: datetime


async def leads_until(database: Database) -> datetime | None:
    """Until when some worker's lease lasts, by MongoDB's clock; None where none ever led.

    Raises StoreUnavailable.
    """
    with translated():
        lease = await database.state.find_one({"_id": _LEASE}, {"expires": 1})
    return lease["expires"] if lease else None


async def last_n(database: Database) -> int:
    """The last sequence number that was taken; 0 before the first. Raises StoreUnavailable."""
    with translated():
        lease = await database.state.find_one({"_id": _LEASE}, {"n": 1})
    return lease["n"] if lease else 0


@dataclass(frozen=True)
class Done:
    """The last sequence number that was taken, and how much was ever done under them, by name."""

    n: int
    counts: Mapping[str, int]


async def done_within(database: Database, session: Session) -> Done:
    """What was done, as the caller's transaction sees it, with the driver's own errors."""
    lease = await database.state.find_one({"_id": _LEASE}, {"n": 1, "done": 1}, session=session) or {}
    return Done(lease.get("n", 0), lease.get("done", {}))


class Lease:
    """One worker's claim to lead, and the session in which it sweeps while it leads.

    The session's id is part of the claim, so that whoever takes over can end a transaction that a
    killed leader left open: its locks would block the lease itself for a minute
    (docs/decisions/one-leader.md).
    """

    def __init__(
        self,
        database: Database,
        session: Session,
        owner: str,
        seconds: float,
        since_boot: Callable[[], timedelta] = since_boot,
    ) -> None:
        self.session = session
        self._since_boot = since_boot
        self._until: timedelta | None = None
        self._database = database
        self._owner = owner
        self._seconds = seconds
        self._last_n = 0
        self._went_back = False

    async def acquire(self) -> bool:
        """Takes or renews the lease for its full time; False while another worker holds it, and once where
        another held it since: what was begun before is its.

        Raises SequenceLost, StoreUnavailable, StoreError.
        """
        known = self._last_n
        with translated():
            lease = await self._read()
            self._compare(lease["n"], known)
            if lease["owner"] != self._owner:
                led, self._until = self._until is not None, None
                if lease["held"] or led:
                    return False
                await self._end_session(lease.get("session"))
            asked = self._since_boot()
            taken = await self._database.state.update_one(
                {"_id": _LEASE, "$or": [{"owner": self._owner}, _EXPIRED]}, [{"$set": self._claim()}]
            )
        leads = taken.matched_count == 1
        self._until = asked + timedelta(seconds=self._seconds) if leads else None
        return leads

    def lasts(self) -> bool:
        """Whether nobody else can lead yet, without asking: by this machine's clock since the last renewal.

        For what MongoDB cannot fence. A worker that stood still finds out by it before it acts again.
        """
        return self._until is not None and self._since_boot() < self._until

    async def _read(self) -> Document:
        state = self._database.state
        held = {"held": {"$gte": ["$expires", "$$NOW"]}, "owner": 1, "session": 1, "n": 1}
        lease = await state.find_one({"_id": _LEASE}, held)
        if lease is not None:
            return lease
        with suppress(DuplicateKeyError):
            await state.insert_one({"_id": _LEASE, "owner": "", "expires": _LONG_AGO, "n": 0})
        return {"owner": "", "held": False, "n": 0}

    def _compare(self, committed: int, known: int) -> None:
        """Standby workers look as well, so none of them leads with a number that was handed out before.

        One look that is behind may have come from a member that was cut off and takes itself for the
        primary.
        """
        went_back, self._went_back = self._went_back, committed < known
        if went_back and self._went_back:
            raise SequenceLost
        if self._went_back:
            raise StoreUnavailable("the lease is read as it was before")
        self.follow(committed)

    def follow(self, committed: int) -> None:
        """Takes note of a number that was committed: no smaller one may come after it."""
        self._last_n = max(self._last_n, committed)

    async def _end_session(self, session_id: Any) -> None:
        """Aborts what the former leader left open; a paused one finds its transaction gone."""
        if session_id is not None:
            with suppress(OperationFailure):  # not allowed: then its locks run out by themselves
                await self._database.state.database.command("killSessions", [session_id])

    async def release(self) -> None:
        """Lets another worker lead at once; nothing happens when this one does not lead."""
        self._until = None
        with translated():
            await self._database.state.update_one(
                {"_id": _LEASE, "owner": self._owner}, {"$set": {"expires": _LONG_AGO}}
            )

    async def fence(self, session: Session) -> Fence:
        """Takes the next sequence number and renews the lease in the caller's transaction.

        This write is what stops a paused leader: it conflicts with whoever took over. The number is
        taken only if the transaction commits, so numbers have no gap. Raises LeaseLost, SequenceLost.
        """
        lease = await self._renewed(session, n={"$add": ["$n", 1]})
        if lease["n"] <= self._last_n:
            raise SequenceLost
        return Fence(n=lease["n"], now=lease["renewed"])

    async def hold(self, session: Session) -> datetime:
        """MongoDB's time; renews the lease in the caller's transaction, for a write that needs no number.

        A paused leader is stopped as by `fence`. Raises LeaseLost.
        """
        now: datetime = (await self._renewed(session))["renewed"]
        return now

    async def count(self, session: Session, name: str, amount: int) -> None:
        """Adds to what was ever done of this name, in the caller's transaction, which has taken a number."""
        done = {"$inc": {f"done.{name}": amount}}
        await self._database.state.update_one({"_id": _LEASE}, done, session=session)

    async def raise_to(self, session: Session, n: int) -> int:
        """The last number before; where that is lower it becomes `n`, in the caller's transaction.

        Raises LeaseLost.
        """
        before: int = (await self._renewed(session))["n"]
        if before < n:
            raised = {"$set": {"n": n}}
            await self._database.state.update_one({"_id": _LEASE}, raised, session=session)
        return before

    async def _renewed(self, session: Session, **more: Any) -> Document:
        lease = await self._database.state.find_one_and_update(
            {"_id": _LEASE, "owner": self._owner},
            [{"$set": {**self._claim(), **more, "renewed": "$$NOW"}}],
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        if lease is None:
            raise LeaseLost("another worker leads")
        return lease

    def _claim(self) -> dict[str, Any]:
        return {
            "owner": {"$literal": self._owner},
            "expires": {"$add": ["$$NOW", int(self._seconds * 1000)]},
            "session": {"$literal": dict(self.session.session_id)},
        }
