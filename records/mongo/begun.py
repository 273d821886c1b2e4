"""Beginning another trail by somebody's word: the settings that are bound, and the event that says so.

Both are one transaction, with the number after which erasures go on (docs/decisions/restore.md).
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, Final, NamedTuple

from records.mongo import outbox
from records.mongo.client import Database, Document, Session
from records.mongo.errors import translated
from records.mongo.judgement import Trail
from records.mongo.lease import Lease
from records.mongo.policies import policy_within
from records.mongo.restored import FRESH_DATABASE, RESTORE, TRAIL, TrailAhead, last_sent, verdict_of
from records.mongo.signed import Signed, signed_within
from records.mongo.state import BOUND
from records.mongo.transaction import in_transaction
from records.policy import DateRules
from records.policy_document import policy_digest

TRAIL_BEGUN: Final = "trail.begun"


class BeginGrounds(StrEnum):
    """Why the trail before cannot go on: what the notary has found, or that it is lost, or another's."""

    GAP = "GAP"
    PARTITIONS = "PARTITIONS"
    SHORTER = "SHORTER"
    DIFFERENT = "DIFFERENT"
    UNREADABLE = "UNREADABLE"
    LOST = "LOST"
    NEW_DATABASE = "NEW_DATABASE"


class Variables(NamedTuple):
    """The settings that name a trail, as they are bound."""

    log_name: str
    topic: str

    def values(self, trail: Trail) -> Document:
        """Those of a trail."""
        return {self.log_name: trail.log_name, self.topic: trail.topic}


@dataclass(frozen=True)
class Before:
    """The trail before, and how much of it is known to have been signed."""

    trail: Trail
    signed: Signed | None


@dataclass(frozen=True)
class Beginning:
    """The trail that is bound and the one to go on with, why, and who says so (a pseudonym)."""

    before: Trail
    trail: Trail
    grounds: BeginGrounds
    actor: str
    build: str
    rules: DateRules


@dataclass(frozen=True)
class Begun:
    """Numbers go on after `last_n`, the last one that was sent to the trail before, or to none."""

    before: Before
    last_n: int


class TrailMoved(Exception):
    """Somebody else has begun another trail meanwhile."""

    def __init__(self) -> None:
        super().__init__("another trail was begun meanwhile: nothing was changed")


class TrailUsed(Exception):
    """A trail of this database had that name or topic before: two histories of one name would be signed."""

    def __init__(self, variables: Sequence[str]) -> None:
        super().__init__(
            f"{', '.join(variables)}: a trail of this database had it before, and another one has a log name "
            "and a topic that none had; set new ones. Nothing was changed"
        )


async def begin_trail(database: Database, lease: Lease, variables: Variables, beginning: Beginning) -> Begun:
    """Binds the other trail, and puts its first event before all that waits to be sent.

    What waits was never acknowledged on the trail before, so it goes to this one, under its numbers. A trail
    of which no event was sent is passed over; its name and topic count as used all the same, since that its
    topics have nothing is not known. How much was signed is read here: nobody else leads, so it is all there
    is. Raises TrailMoved, TrailUsed, TrailAhead, LeaseLost, StoreUnavailable, StoreError.
    """
    body = partial(_begin, database=database, lease=lease, variables=variables, beginning=beginning)
    return await in_transaction(database, body, session=lease.session)


async def _begin(
    session: Session, *, database: Database, lease: Lease, variables: Variables, beginning: Beginning
) -> Begun:
    await lease.raise_to(session, 0)
    verdict = await database.state.find_one({"_id": RESTORE}, session=session)
    if verdict is not None and verdict["verdict"] != FRESH_DATABASE:
        raise TrailAhead(verdict_of(verdict))
    was = {"_id": BOUND, **variables.values(beginning.before)}
    now = {"$set": variables.values(beginning.trail)}
    if (await database.state.update_one(was, now, session=session)).matched_count != 1:
        raise TrailMoved
    trail = await database.state.find_one({"_id": TRAIL}, session=session) or {}
    _require_new(trail, variables, beginning)
    before = await _unsent(database, session, trail) or await _left(database, session, beginning.before)
    begun = Begun(before, await last_sent(database, session))
    entry = await _announce(database, session, beginning, begun)
    await _note(database, session, beginning, begun, entry)
    await database.state.delete_one({"_id": RESTORE}, session=session)
    return begun


def _require_new(trail: Mapping[str, Any], variables: Variables, beginning: Beginning) -> None:
    """Raises TrailUsed."""
    left, wanted = beginning.before, beginning.trail
    used = []
    if wanted.log_name in (*trail.get("logNames", ()), left.log_name):
        used.append(variables.log_name)
    if wanted.topic in (*trail.get("topics", ()), left.topic):
        used.append(variables.topic)
    if used:
        raise TrailUsed(used)


async def _left(database: Database, session: Session, trail: Trail) -> Before:
    return Before(trail, await signed_within(database, session, trail.log_name))


async def _note(database: Database, session: Session, beginning: Beginning, begun: Begun, entry: str) -> None:
    """Where the trail begins; and what may never be a trail's again is only ever added to."""
    noted = {"after": begun.last_n, "entry": entry, "before": _noted(begun.before)}
    used = {"logNames": beginning.before.log_name, "topics": beginning.before.topic}
    await database.state.update_one(
        {"_id": TRAIL}, {"$set": noted, "$addToSet": used}, upsert=True, session=session
    )


async def _unsent(database: Database, session: Session, trail: Mapping[str, Any]) -> Before | None:
    """What came before the trail that is left, where no event of that was sent: its first one is removed."""
    if "entry" not in trail:
        return None
    removed = await database.outbox.delete_one({"_id": trail["entry"]}, session=session)
    return _read(trail["before"]) if removed.deleted_count else None


async def _announce(database: Database, session: Session, beginning: Beginning, begun: Begun) -> str:
    policy = await policy_within(database, session)
    stamp = outbox.Stamp(beginning.build, policy.version, policy_digest(policy, beginning.rules))
    before, size, root = begun.before.trail, None, None
    if begun.before.signed is not None:
        size, root = begun.before.signed[0], b64encode(begun.before.signed[1]).decode()
    item = [beginning.grounds, begun.last_n, before.log_name, before.topic, size, root, beginning.actor]
    return await outbox.append_first(
        database, session, TRAIL_BEGUN, item, stamp, log_name=beginning.trail.log_name
    )


def _noted(before: Before) -> Document:
    noted: Document = {"logName": before.trail.log_name, "topic": before.trail.topic}
    if before.signed is not None:
        noted |= {"size": before.signed[0], "root": before.signed[1]}
    return noted


def _read(noted: Mapping[str, Any]) -> Before:
    signed = (noted["size"], bytes(noted["root"])) if "size" in noted else None
    return Before(Trail(noted["topic"], noted["logName"]), signed)


async def was_begun(database: Database) -> bool:
    """Whether the trail that is bound was begun by somebody's word. Raises StoreUnavailable."""
    with translated():
        return await database.state.find_one({"_id": TRAIL, "entry": {"$exists": True}}) is not None
