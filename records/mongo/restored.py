"""What `state` says of a restore: when the database was last in service, and that the trail is ahead of it.

The heartbeat is a time that goes with every backup: so it tells how old the data are (design section 6).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pymongo.read_concern import ReadConcern

from records.mongo.client import Database, Document, Session
from records.mongo.errors import translated
from records.mongo.lease import done_within

HEARTBEAT: Final = "heartbeat"
RESTORE: Final = "restore"
TRAIL: Final = "trail"
"""Where the trail begins that is bound: after this `n`. Without it, at the first one; with it, by `entry` of
the outbox, which names what was `before`. `logNames` and `topics` are those of all trails before."""
ERASURES: Final = {"n": {"$exists": True}}
"""Of the outbox."""
FRESH_DATABASE: Final = "FRESH_DATABASE"
SILENCE: Final = timedelta(hours=1)
"""After so long without a heartbeat nothing is written before the database was compared with the trail."""


@dataclass(frozen=True)
class Ahead:
    """The verdict that stands, what the trail says, and what the database said then."""

    verdict: str
    topic: str
    n: int
    policy_version: int
    known_n: int
    known_policy_version: int


class TrailAhead(Exception):
    """The trail knows more than the database: nothing may run before that was brought back."""

    def __init__(self, ahead: Ahead) -> None:
        reapply = "stop all processes and run `order-records lifecycle reapply`"
        told = (
            f"audit topic {ahead.topic} ends with erasure {ahead.n} and policy version {ahead.policy_version}"
        )
        if ahead.verdict == FRESH_DATABASE:
            super().__init__(
                f"{told}, and this database is new: {reapply}, which brings back what the topic tells; "
                "or begin another trail with a new ORDER_RECORDS_AUDIT__LOG_NAME and "
                "ORDER_RECORDS_KAFKA__AUDIT_TOPIC by `order-records audit begin`"
            )
        else:
            super().__init__(
                f"{told}, this database with {ahead.known_n} and {ahead.known_policy_version}: it was put "
                f"back from a backup, and what was erased since is in it again; {reapply}"
            )


class WentBack(Exception):
    """The database is older than it was a moment ago."""

    def __init__(self) -> None:
        super().__init__(
            "the database was put back from a backup while this process ran: "
            "stop all processes and run `order-records lifecycle reapply`"
        )


@dataclass(frozen=True)
class Service:
    """When the database was last in service, how long ago that is by MongoDB's clock, and the verdict.

    `compared` is when it last agreed with its trail, as far as whoever was in service knew; `beat` counts
    the heartbeats.
    """

    heartbeat: datetime | None
    silent: timedelta | None
    ahead: Ahead | None
    compared: datetime | None = None
    beat: int = 0

    @property
    def may_be_backup(self) -> bool:
        """Whether nothing may be written before somebody compares it. One that nobody ever did is new."""
        return self.heartbeat is not None and not self.in_service

    @property
    def in_service(self) -> bool:
        """Whether somebody compared it, or led, within the last hour."""
        return self.silent is not None and self.silent <= SILENCE


_FIELDS: Final = ("at", "compared", "beat", "verdict", "topic", "n", "policyVersion", "known")


async def service(database: Database) -> Service:
    """What is known of it. Raises StoreUnavailable."""
    wanted = {"_id": {"$in": [HEARTBEAT, RESTORE]}}
    silent = {"silent": {"$subtract": ["$$NOW", "$at"]}}
    fields = dict.fromkeys(_FIELDS, 1)
    with translated():
        rows = {row["_id"]: row async for row in database.state.find(wanted, {**fields, **silent})}
    heartbeat, restore = rows.get(HEARTBEAT, {}), rows.get(RESTORE)
    milliseconds = heartbeat.get("silent")
    return Service(
        heartbeat.get("at"),
        None if milliseconds is None else timedelta(milliseconds=milliseconds),
        None if restore is None else verdict_of(restore),
        heartbeat.get("compared", heartbeat.get("at")),
        heartbeat.get("beat", 0),
    )


def verdict_of(row: Mapping[str, Any]) -> Ahead:
    """The verdict that stands, from its document."""
    known = row["known"]
    return Ahead(
        row["verdict"], row["topic"], row["n"], row["policyVersion"], known["n"], known["policyVersion"]
    )


def heartbeat(*, compared: bool) -> list[Document]:
    """The update of a heartbeat, by MongoDB's clock; `compared` says that the database agrees with its trail.

    It is counted, for a clock may be set back, and a backup be a minute old.
    """
    last = "$$NOW" if compared else {"$ifNull": ["$compared", "$at"]}
    beat = {"$add": [{"$ifNull": ["$beat", 0]}, 1]}
    return [{"$set": {"at": "$$NOW", "compared": last, "beat": beat}}]


class Pulse:
    """The heartbeat as one process sees and renews it: its count never goes back but by a restore."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen: int | None = None

    async def look(self) -> Service:
        """What is known. Raises TrailAhead, WentBack, StoreUnavailable."""
        found = await service(self._database)
        if found.ahead is not None:
            raise TrailAhead(found.ahead)
        beat = None if found.heartbeat is None else found.beat
        if self._before(beat) and self._before(beat := await self._confirmed()):
            raise WentBack
        self._seen = beat
        return found

    async def renew(self, *, compared: bool) -> None:
        """Sets it to MongoDB's time. Raises WentBack, StoreUnavailable: then nothing was written."""
        first = self._seen is None
        selected: Document = {"_id": HEARTBEAT}
        if self._seen:  # an earlier version did not count
            selected["beat"] = {"$gte": self._seen}
        with translated():
            renewed = await self._database.state.update_one(
                selected, heartbeat(compared=compared), upsert=first
            )
        if not first and renewed.matched_count == 0:
            raise WentBack

    def _before(self, beat: int | None) -> bool:
        return self._seen is not None and (beat is None or beat < self._seen)

    async def _confirmed(self) -> int | None:
        """Asks again so that a member that is cut off, and takes itself for the primary, cannot answer."""
        state = self._database.state.with_options(read_concern=ReadConcern("linearizable"))
        with translated():
            row = await state.find_one({"_id": HEARTBEAT}, {"beat": 1})
        return None if row is None else row.get("beat", 0)


async def last_sent(database: Database, session: Session) -> int:
    """The last `n` that left the outbox; within the caller's transaction, with the driver's own errors."""
    waiting = await database.outbox.count_documents(ERASURES, session=session)
    return (await done_within(database, session)).n - waiting
