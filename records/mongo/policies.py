"""The retention policy in the database, and its changes, each announced on the audit topic."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from pymongo import ReturnDocument

from records.mongo import outbox
from records.mongo.client import Database, Document, Session
from records.mongo.errors import translated
from records.mongo.read_only import ReadOnly
from records.mongo.state import VersionConflict, insert_if_absent
from records.mongo.transaction import in_transaction
from records.policy import DateRules, GdprPolicy
from records.policy_document import policy_digest

POLICY_CHANGED: Final = "policy.changed"
POLICY_SECONDS: Final = 5.0
"""So long a process may go by the policy that it has read."""
MAX_HISTORY: Final = 100
_GDPR: Final = "gdpr"
_WITHOUT_HISTORY: Final = {"history": 0}


@dataclass(frozen=True)
class PastPolicy:
    """A policy that is or was in force, and since when. The default, which nobody has stored, is none."""

    policy: GdprPolicy
    since: datetime


async def gdpr_policy(database: Database | ReadOnly) -> GdprPolicy:
    """The policy in force; until one is stored, the contract's default with version 0 (api rule 20)."""
    with translated():
        return await policy_within(database, None)


async def policy_within(database: Database | ReadOnly, session: Session | None) -> GdprPolicy:
    """`gdpr_policy` within the caller's transaction, with the driver's own errors."""
    return _policy(await database.state.find_one({"_id": _GDPR}, _WITHOUT_HISTORY, session=session))


async def policy_history(database: Database) -> list[PastPolicy]:
    """The last hundred policies, the newest first. Raises StoreUnavailable."""
    with translated():
        stored = await database.state.find_one({"_id": _GDPR}, {"history": 1}) or {}
    return [PastPolicy(_numbers(each), each["since"]) for each in reversed(stored.get("history", ()))]


async def first_policy(database: Database, policy: GdprPolicy) -> None:
    """Stores a policy unless there is one already."""
    now = datetime.now(UTC)
    first = {**_fields(policy), "created": now, "lastModified": now}
    await insert_if_absent(database, {"_id": _GDPR, **first, "history": [{**_fields(policy), "since": now}]})


async def change_policy(
    database: Database, wanted: GdprPolicy, actor: str, build: str, rules: DateRules
) -> GdprPolicy:
    """The policy after the change; `wanted` carries the version that the change was made against.

    Policy and audit event are one transaction. Equal content changes nothing, not even the version
    (api rule 8). `actor` is the pseudonym of whoever asks. Raises VersionConflict, StoreUnavailable.
    """
    body = partial(_change, database=database, wanted=wanted, actor=actor, build=build, rules=rules)
    return await in_transaction(database, body)


async def _change(
    session: Session, *, database: Database, wanted: GdprPolicy, actor: str, build: str, rules: DateRules
) -> GdprPolicy:
    changed = await _changed(database, wanted, session)
    if changed.version == wanted.version:
        return changed
    stored = await database.state.find_one_and_update(
        {"_id": _GDPR},
        _update(changed),
        projection=_WITHOUT_HISTORY,
        upsert=True,
        return_document=ReturnDocument.AFTER,
        session=session,
    )
    stamp = outbox.Stamp(build, changed.version, policy_digest(changed, rules))
    item = [changed.retention_time, changed.deletion_time_after_retention, changed.actor_anonymization, actor]
    await outbox.append(database, session, POLICY_CHANGED, None, [item], stamp)
    return _policy(stored)


async def changed_policy(database: Database | ReadOnly, wanted: GdprPolicy) -> GdprPolicy:
    """What `change_policy` would come to; nothing is written. Raises VersionConflict, StoreUnavailable."""
    with translated():
        return await _changed(database, wanted, None)


async def _changed(database: Database | ReadOnly, wanted: GdprPolicy, session: Session | None) -> GdprPolicy:
    current = await policy_within(database, session)
    if current.version != wanted.version:
        raise VersionConflict(current.version)
    return current.changed_to(wanted)


async def bring_back(
    database: Database, session: Session, policies: Sequence[PastPolicy], version: int
) -> bool:
    """Puts the newest of these policies in force, those between in the history; False where it is already.

    Of a newer `version` whose numbers nobody knows only the version counts: no version names two policies.
    Within the caller's transaction, with the driver's own errors.
    """
    current = await policy_within(database, session)
    newer = [past for past in policies if past.policy.version > current.version]
    for past in sorted(newer, key=lambda past: past.policy.version):
        update = _update(past.policy, {"$literal": past.since})
        await database.state.update_one({"_id": _GDPR}, update, upsert=True, session=session)
        current = past.policy
    if current.version < version:
        update = _update(replace(current, version=version), "$$NOW")
        await database.state.update_one({"_id": _GDPR}, update, upsert=True, session=session)
    return bool(newer) or current.version < version


def _update(policy: GdprPolicy, since: Any = "$$NOW") -> list[Document]:
    """The policy and its line of the history, which is cut at its old end."""
    dates = {"lastModified": since, "created": {"$ifNull": ["$created", since]}}
    line = {**_fields(policy), "since": since}
    history = {"$concatArrays": [{"$ifNull": ["$history", []]}, [line]]}
    return [{"$set": {**_fields(policy), **dates, "history": {"$slice": [history, -MAX_HISTORY]}}}]


def _policy(stored: Mapping[str, Any] | None) -> GdprPolicy:
    if stored is None:
        return GdprPolicy()
    return replace(_numbers(stored), created=stored["created"], last_modified=stored["lastModified"])


def _numbers(stored: Mapping[str, Any]) -> GdprPolicy:
    return GdprPolicy(
        retention_time=stored["retentionTime"],
        deletion_time_after_retention=stored["deletionTimeAfterRetention"],
        actor_anonymization=stored["actorAnonymization"],
        version=stored["version"],
    )


def _fields(policy: GdprPolicy) -> Document:
    return {
        "retentionTime": policy.retention_time,
        "deletionTimeAfterRetention": policy.deletion_time_after_retention,
        "actorAnonymization": policy.actor_anonymization,
        "version": policy.version,
    }


class CachedPolicy:
    """The policy in force, at most five seconds old: so soon is a changed policy seen."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._policy = GdprPolicy()
        self._read_at = -math.inf

    async def get(self) -> GdprPolicy:
        """The policy. Raises StoreUnavailable when it is stale and MongoDB is away."""
        begun = time.monotonic()
        if begun - self._read_at > POLICY_SECONDS:
            self._keep(await gdpr_policy(self._database), begun)
        return self._policy

    def changed(self, policy: GdprPolicy) -> None:
        """Whoever changes it here sees the change at once."""
        self._keep(policy, time.monotonic())

    def _keep(self, policy: GdprPolicy, seen_at: float) -> None:
        if seen_at > self._read_at:  # else it was changed while an older one was on its way
            self._policy, self._read_at = policy, seen_at
