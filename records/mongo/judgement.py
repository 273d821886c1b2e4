"""Whether the database is behind its trail: judged on one snapshot of it, and stored together with that."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from records.mongo.client import Database, Document, Session
from records.mongo.errors import translated
from records.mongo.lease import done_within
from records.mongo.policies import policy_within
from records.mongo.restored import (
    ERASURES,
    FRESH_DATABASE,
    HEARTBEAT,
    RESTORE,
    TRAIL,
    Ahead,
    TrailAhead,
    last_sent,
)
from records.mongo.transaction import in_transaction

UNTOLD: Final = "UNTOLD"
_AHEAD: Final = ("AHEAD", FRESH_DATABASE)


@dataclass(frozen=True)
class Stand:
    """How far the database is: the last `n`, the policy's version, and the outbox id under the trail's `n`.

    `beaten`: there is a heartbeat, so it was compared with its trail before. `sent`: not all of its erasures
    still wait in the outbox, so its trail tells of some.
    """

    n: int = 0
    policy_version: int = 0
    beaten: bool = False
    sent: bool = False
    waiting: str | None = None


@dataclass(frozen=True)
class Trail:
    """The trail that the settings name."""

    topic: str
    log_name: str


class End(Protocol):
    """What the trail's end says."""

    @property
    def n(self) -> int: ...
    @property
    def policy_version(self) -> int: ...


async def stand(database: Database, n: int = 0) -> Stand:
    """To be asked after the trail was read, which ends with this `n`. Raises StoreUnavailable, StoreError."""
    return await in_transaction(database, partial(_stand, database=database, n=n))


async def _stand(session: Session, *, database: Database, n: int) -> Stand:
    beaten = await database.state.find_one({"_id": HEARTBEAT}, {"_id": 1}, session=session)
    trail = await database.state.find_one({"_id": TRAIL}, session=session) or {}
    entry = await database.outbox.find_one({"n": n}, {"_id": 1}, session=session)
    last, policy = (await done_within(database, session)).n, await policy_within(database, session)
    sent = await last_sent(database, session) != trail.get("after", 0)
    return Stand(last, policy.version, beaten is not None, sent, entry["_id"] if entry else None)


async def unsent_erasures(database: Database) -> Mapping[int, str]:
    """The ids of all outbox entries of erasures, by `n`. Raises StoreUnavailable."""
    with translated():
        return {row["n"]: row["_id"] async for row in database.outbox.find(ERASURES, {"n": 1}).sort("n", 1)}


async def judged(database: Database, end: End, compare: Callable[[Stand], str], trail: Trail) -> bool:
    """Whether the database agrees with its trail; False where the trail tells nothing of it, though it sent.

    Verdict and what it was judged by are one transaction: a member that is cut off, and takes itself for
    the primary, cannot store one. Raises TrailAhead, StoreUnavailable, StoreError.
    """
    body = partial(_judge, database=database, end=end, compare=compare, trail=trail)
    verdict, ahead = await in_transaction(database, body)
    if ahead is not None:
        raise TrailAhead(ahead)
    return verdict != UNTOLD


async def _judge(
    session: Session, *, database: Database, end: End, compare: Callable[[Stand], str], trail: Trail
) -> tuple[str, Ahead | None]:
    found = await _stand(session, database=database, n=end.n)
    verdict = compare(found)
    if verdict not in _AHEAD:
        return verdict, None
    ahead = Ahead(verdict, trail.topic, end.n, end.policy_version, found.n, found.policy_version)
    await mark(session, database=database, ahead=ahead, log_name=trail.log_name)
    return verdict, ahead


async def mark(session: Session, *, database: Database, ahead: Ahead, log_name: str) -> None:
    """Stores the verdict, so that every process sees it: the body of a transaction."""
    row: Document = {
        "verdict": ahead.verdict,
        "logName": {"$literal": log_name},
        "topic": {"$literal": ahead.topic},
        "n": ahead.n,
        "policyVersion": ahead.policy_version,
        "known": {"n": ahead.known_n, "policyVersion": ahead.known_policy_version},
        "seen": "$$NOW",
    }
    await database.state.update_one({"_id": RESTORE}, [{"$set": row}], upsert=True, session=session)
