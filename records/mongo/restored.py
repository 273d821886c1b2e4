"""What `state` says of a restore: when the database was last in service, and that the trail is ahead of it.

The heartbeat is a time that goes with every backup: so it tells how old the data are (design section 6).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from records.mongo.client import Database, Document
from records.mongo.errors import translated
from records.mongo.lease import last_n
from records.mongo.policies import gdpr_policy

HEARTBEAT: Final = "heartbeat"
RESTORE: Final = "restore"
FRESH_DATABASE: Final = "FRESH_DATABASE"
SILENCE: Final = timedelta(hours=1)
"""After so long without a heartbeat nothing is written before the database was compared with the trail."""
_LEAP: Final = timedelta(minutes=5)
_MAX_UNSENT: Final = 10_000
"""Entries that are compared; a number that was given out twice is among the first ones."""
_BOUND: Final = "bound"


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
                "ORDER_RECORDS_KAFKA__AUDIT_TOPIC"
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
    """When the database was last in service, how long ago that is by MongoDB's clock, and the verdict."""

    heartbeat: datetime | None
    silent: timedelta | None
    ahead: Ahead | None

    @property
    def in_service(self) -> bool:
        """Whether somebody compared it, or led, within the last hour."""
        return self.silent is not None and self.silent <= SILENCE


async def service(database: Database) -> Service:
    """What is known of it. Raises StoreUnavailable."""
    wanted = {"_id": {"$in": [HEARTBEAT, RESTORE]}}
    silent = {"silent": {"$subtract": ["$$NOW", "$at"]}}
    fields = dict.fromkeys(("at", "verdict", "topic", "n", "policyVersion", "known"), 1)
    with translated():
        rows = {row["_id"]: row async for row in database.state.find(wanted, {**fields, **silent})}
    heartbeat, restore = rows.get(HEARTBEAT, {}), rows.get(RESTORE)
    milliseconds = heartbeat.get("silent")
    return Service(
        heartbeat.get("at"),
        None if milliseconds is None else timedelta(milliseconds=milliseconds),
        None if restore is None else _ahead(restore),
    )


def _ahead(row: Mapping[str, Any]) -> Ahead:
    known = row["known"]
    return Ahead(
        row["verdict"], row["topic"], row["n"], row["policyVersion"], known["n"], known["policyVersion"]
    )


class Pulse:
    """The heartbeat as one process sees and renews it: it never goes back but by a restore."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen: datetime | None = None

    async def look(self) -> Service:
        """What is known. Raises TrailAhead, WentBack, StoreUnavailable."""
        found = await service(self._database)
        if found.ahead is not None:
            raise TrailAhead(found.ahead)
        self._note(found.heartbeat)
        return found

    async def renew(self) -> None:
        """Sets it to MongoDB's time. Raises WentBack, StoreUnavailable: then nothing was written."""
        state, earliest = self._database.state, None if self._seen is None else self._seen - _LEAP
        selected: Document = {"_id": HEARTBEAT}
        if earliest is not None:
            selected["at"] = {"$gte": earliest}
        with translated():
            renewed = await state.update_one(selected, [{"$set": {"at": "$$NOW"}}], upsert=earliest is None)
        if earliest is not None and renewed.matched_count == 0:
            raise WentBack

    def _note(self, heartbeat: datetime | None) -> None:
        """A clock that was set back by less than five minutes is no restore."""
        if self._seen is not None and (heartbeat is None or heartbeat < self._seen - _LEAP):
            raise WentBack
        self._seen = heartbeat


@dataclass(frozen=True)
class Stand:
    """How far the database is: the last `n`, the policy's version, and the outbox ids of erasures by `n`.

    `beaten`: there is a heartbeat, so it was compared with its trail before.
    """

    n: int
    policy_version: int
    beaten: bool
    unsent: Mapping[int, str]


async def stand(database: Database, entries: int = _MAX_UNSENT) -> Stand:
    """To be asked after the trail was read. Of the outbox so many entries at most, all of them for 0.

    Raises StoreUnavailable.
    """
    with translated():
        heartbeat = await database.state.find_one({"_id": HEARTBEAT}, {"_id": 1})
        found = database.outbox.find({"n": {"$exists": True}}, {"n": 1}).sort("n", 1).limit(entries)
        unsent = {row["n"]: row["_id"] async for row in found}
    n, policy = await last_n(database), await gdpr_policy(database)
    return Stand(n, policy.version, heartbeat is not None, unsent)


async def never_sent(database: Database) -> bool:
    """Whether all its erasures still wait in the outbox: no trail tells of this database yet.

    Raises StoreUnavailable.
    """
    with translated():
        waiting = await database.outbox.count_documents({"n": {"$exists": True}})
    return waiting == await last_n(database)


async def mark(database: Database, ahead: Ahead, log_name: str) -> None:
    """Stores the verdict, so that every process sees it. Raises StoreUnavailable."""
    with translated():
        await database.state.update_one({"_id": RESTORE}, [{"$set": ahead_row(ahead, log_name)}], upsert=True)


def ahead_row(ahead: Ahead, log_name: str) -> Document:
    """The members of the verdict's document, for an update that is a pipeline."""
    return {
        "verdict": ahead.verdict,
        "logName": {"$literal": log_name},
        "topic": {"$literal": ahead.topic},
        "n": ahead.n,
        "policyVersion": ahead.policy_version,
        "known": {"n": ahead.known_n, "policyVersion": ahead.known_policy_version},
        "seen": "$$NOW",
    }


async def begin_another_trail(database: Database, topic: str, name: Mapping[str, str]) -> None:
    """Lets a new database whose trail was refused take another name and topic: a refusal binds it to none.

    `name` is the bound setting that names the log, variable to value. Raises StoreUnavailable.
    """
    ((variable, log_name),) = name.items()
    with translated():
        refused = await database.state.find_one({"_id": RESTORE, "verdict": FRESH_DATABASE})
        if refused is None or log_name == refused["logName"] or topic == refused["topic"]:
            return
        bound = {"_id": _BOUND, variable: refused["logName"]}
        await database.state.update_one(bound, {"$set": {variable: log_name}})
        await database.state.delete_one({"_id": RESTORE, "logName": refused["logName"]})
