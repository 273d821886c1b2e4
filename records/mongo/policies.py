"""The retention policy in the database, and its changes, each announced on the audit topic."""

import math
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from pymongo import ReturnDocument

from records.mongo import outbox
from records.mongo.client import Database, Document, Session
from records.mongo.errors import translated
from records.mongo.state import VersionConflict, insert_if_absent
from records.mongo.transaction import in_transaction
from records.policy import DateRules, GdprPolicy
from records.policy_document import policy_digest

POLICY_CHANGED: Final = "policy.changed"
_GDPR: Final = "gdpr"
_POLICY_SECONDS: Final = 5.0


async def gdpr_policy(database: Database) -> GdprPolicy:
    """The policy in force; until one is stored, the contract's default with version 0 (api rule 20)."""
    with translated():
        stored = await database.state.find_one({"_id": _GDPR})
    return _policy(stored)


async def first_policy(database: Database, policy: GdprPolicy) -> None:
    """Stores a policy unless there is one already."""
    now = datetime.now(UTC)
    await insert_if_absent(database, {**_document(policy), "created": now, "lastModified": now})


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
    current = _policy(await database.state.find_one({"_id": _GDPR}, session=session))
    if current.version != wanted.version:
        raise VersionConflict(current.version)
    if current == wanted:
        return current
    changed = replace(wanted, version=wanted.version + 1)
    dates = {"lastModified": "$$NOW", "created": {"$ifNull": ["$created", "$$NOW"]}}
    stored = await database.state.find_one_and_update(
        {"_id": _GDPR},
        [{"$set": {**_document(changed), **dates}}],
        upsert=True,
        return_document=ReturnDocument.AFTER,
        session=session,
    )
    stamp = outbox.Stamp(build, changed.version, policy_digest(changed, rules))
    item = [changed.retention_time, changed.deletion_time_after_retention, changed.actor_anonymization, actor]
    await outbox.append(database, session, POLICY_CHANGED, None, [item], stamp)
    return _policy(stored)


def _policy(stored: Mapping[str, Any] | None) -> GdprPolicy:
    if stored is None:
        return GdprPolicy()
    return GdprPolicy(
        retention_time=stored["retentionTime"],
        deletion_time_after_retention=stored["deletionTimeAfterRetention"],
        actor_anonymization=stored["actorAnonymization"],
        version=stored["version"],
        created=stored["created"],
        last_modified=stored["lastModified"],
    )


def _document(policy: GdprPolicy) -> Document:
    return {
        "_id": _GDPR,
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
        if begun - self._read_at > _POLICY_SECONDS:
            self._keep(await gdpr_policy(self._database), begun)
        return self._policy

    def changed(self, policy: GdprPolicy) -> None:
        """Whoever changes it here sees the change at once."""
        self._keep(policy, time.monotonic())

    def _keep(self, policy: GdprPolicy, seen_at: float) -> None:
        if seen_at > self._read_at:  # else it was changed while an older one was on its way
            self._policy, self._read_at = policy, seen_at
