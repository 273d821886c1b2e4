"""What is configured in the database: whether orders are taken, the policy, what may never change."""

import math
import time
from datetime import UTC, datetime
from typing import Any, Final

from pymongo.errors import DuplicateKeyError

from records.mongo.client import Database
from records.mongo.errors import translated
from records.policy import GdprPolicy

_CONFIGURATION: Final = "orderrecords"
_GDPR: Final = "gdpr"
_BOUND: Final = "bound"
_POLICY_SECONDS: Final = 5.0


async def order_records_enabled(database: Database) -> bool:
    """Whether orders are taken; disabled until somebody enables them (the contract's default)."""
    with translated():
        stored = await database.state.find_one({"_id": _CONFIGURATION})
    return bool(stored and stored["isOrderRecordsEnabled"])


async def enable_on_first_start(database: Database, *, enabled: bool) -> None:
    """Stores the flag unless somebody has decided already."""
    now = datetime.now(UTC)
    fields = {"isOrderRecordsEnabled": enabled, "version": 1, "created": now, "lastModified": now}
    await _insert_if_absent(database, {"_id": _CONFIGURATION, **fields})


async def gdpr_policy(database: Database) -> GdprPolicy:
    """The policy in force; until one is stored, the contract's default with version 0 (api rule 20)."""
    with translated():
        stored = await database.state.find_one({"_id": _GDPR})
    if stored is None:
        return GdprPolicy()
    return GdprPolicy(
        retention_time=stored["retentionTime"],
        deletion_time_after_retention=stored["deletionTimeAfterRetention"],
        actor_anonymization=stored["actorAnonymization"],
        version=stored["version"],
    )


async def first_policy(database: Database, policy: GdprPolicy) -> None:
    """Stores a policy unless there is one already."""
    now = datetime.now(UTC)
    fields = {
        "retentionTime": policy.retention_time,
        "deletionTimeAfterRetention": policy.deletion_time_after_retention,
        "actorAnonymization": policy.actor_anonymization,
        "version": policy.version,
    }
    await _insert_if_absent(database, {"_id": _GDPR, **fields, "created": now, "lastModified": now})


async def bind(database: Database, settings: dict[str, str]) -> list[str]:
    """Binds settings (variable name to value) at the first start; returns those that differ later.

    A name that an earlier version did not bind is bound when first seen. Source: design section 3.
    """
    await _insert_if_absent(database, {"_id": _BOUND})
    differing: list[str] = []
    with translated():
        for name, value in settings.items():
            await database.state.update_one(
                {"_id": _BOUND, name: {"$exists": False}}, {"$set": {name: value}}
            )
        bound: dict[str, Any] = await database.state.find_one({"_id": _BOUND}) or {}
    differing += [name for name, value in settings.items() if bound.get(name) != value]
    return differing


async def _insert_if_absent(database: Database, document: dict[str, Any]) -> None:
    with translated():
        try:
            await database.state.insert_one(document)
        except DuplicateKeyError:
            return


class CachedPolicy:
    """The policy in force, at most five seconds old: so soon is a changed policy seen."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._policy = GdprPolicy()
        self._read_at = -math.inf

    async def get(self) -> GdprPolicy:
        """The policy. Raises StoreUnavailable when it is stale and MongoDB is away."""
        if time.monotonic() - self._read_at > _POLICY_SECONDS:
            self._policy = await gdpr_policy(self._database)
            self._read_at = time.monotonic()
        return self._policy
