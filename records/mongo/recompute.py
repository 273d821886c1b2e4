"""Applying the policy in force to records whose dates are by an earlier one, in batches that can be repeated.

Each batch is one transaction: the policy must still be the confirmed one, then select, change with the whole
predicate repeated, and one audit event (docs/decisions/recompute.md).
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final

from bson.min_key import MinKey
from pymongo import ASCENDING

from records.mongo import outbox
from records.mongo.client import Database, Document, Session
from records.mongo.clock import CheckedClock, mongo_time
from records.mongo.errors import StoreError, StoreUnavailable
from records.mongo.forecast import planner
from records.mongo.indexes import BY_ID, BY_POLICY
from records.mongo.planner import recomputable, recompute_pipeline
from records.mongo.policies import POLICY_SECONDS, policy_within
from records.mongo.transaction import TRANSACTION_SECONDS, end_if_cancelled, in_transaction
from records.planner import BY_POLICY as POLICY
from records.planner import Fate, Plan, Planner
from records.policy import DateRules, GdprPolicy
from records.policy_document import plan_digest, policy_digest

DATES_RECOMPUTED: Final = "dates.recomputed"
BATCH: Final = 1000
SETTLE: Final = timedelta(seconds=POLICY_SECONDS + 5 * TRANSACTION_SECONDS)
"""After a change of the policy no record is stored by the one before any more: the change's own commit, what
others remember of the policy, and a batch of theirs of the largest size, which takes three transactions and
one more for its quarantine."""
_MAX_PASSES: Final = 20
_TRIES: Final = 6
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 8.0
_KEY: Final = ("datesBy", "policyVersion", "_id")
_SEQUENCE: Final = [(field, ASCENDING) for field in _KEY]


class PlanOutdated(Exception):
    """The policy in force is not the one whose plan was confirmed; nothing more was changed."""


class NeverSettled(Exception):
    """Pass after pass records turn up with dates by an earlier policy: somebody stores by an old one."""


@dataclass(frozen=True)
class Confirmed:
    """The policy whose plan somebody has seen, and who applies it (a pseudonym)."""

    policy: GdprPolicy
    rules: DateRules
    actor: str
    build: str

    @property
    def digest(self) -> str:
        """By which it was confirmed."""
        return plan_digest(self.policy, self.rules)

    @property
    def stamp(self) -> outbox.Stamp:
        """What its audit events say of build and policy."""
        return outbox.Stamp(self.build, self.policy.version, policy_digest(self.policy, self.rules))


@dataclass(frozen=True)
class Batch:
    """What one transaction has changed, and the place in the index at which it ended."""

    fates: Counter[Fate]
    at_once: int
    place: tuple[Any, ...]

    @property
    def records(self) -> int:
        """How many records are by the policy in force now."""
        return self.fates.total()


@dataclass(frozen=True)
class Waiting:
    """Nothing is done for so many seconds, until every process goes by the policy in force."""

    seconds: float


class Recompute:
    """One run. It may be ended and begun again at any time, beside sweeps and ingest."""

    def __init__(self, database: Database, confirmed: Confirmed, settle: timedelta = SETTLE) -> None:
        self._database = database
        self._confirmed = confirmed
        self._settle = settle
        self._clock = CheckedClock(database)

    async def run(self) -> AsyncGenerator[Batch | Waiting]:
        """Passes over all records until one finds nothing that was stored by an earlier policy.

        Raises PlanOutdated, NeverSettled, StoreUnavailable, StoreError: what was done until then is done.
        """
        for _ in range(_MAX_PASSES):
            waits, found = await self._unsettled(), False
            async for batch in self._pass():
                found = True
                yield batch
            if waits > 0:
                yield Waiting(waits)
                await asyncio.sleep(waits)
            elif not found:
                return
        raise NeverSettled

    async def _unsettled(self) -> float:
        """For how many seconds a record may still be stored by the policy before."""
        changed = self._confirmed.policy.last_modified
        if changed is None:
            return 0
        now = await mongo_time(self._database)  # the policy was changed by that clock
        return max(0, (changed + self._settle - now).total_seconds())

    async def _pass(self) -> AsyncIterator[Batch]:
        place: tuple[Any, ...] = (POLICY, MinKey(), MinKey())
        while batch := await self._patiently(place):  # ends with the index: places only go up
            yield batch
            place = batch.place

    async def _patiently(self, place: tuple[Any, ...]) -> Batch | None:
        """One batch; smaller ones while MongoDB is slow or busy with the same records."""
        size, pause = BATCH, _FIRST_PAUSE
        for tries_left in reversed(range(_TRIES)):
            end_if_cancelled()
            try:
                return await self._batch(place, size)
            except StoreUnavailable:
                if not tries_left:
                    raise
            await asyncio.sleep(pause)
            size, pause = max(1, size // 2), min(2 * pause, _LONGEST_PAUSE)
        raise AssertionError  # the last try returns or raises

    async def _batch(self, place: tuple[Any, ...], size: int) -> Batch | None:
        return await in_transaction(self._database, partial(self._within, place=place, size=size))

    async def _within(self, session: Session, *, place: tuple[Any, ...], size: int) -> Batch | None:
        confirmed, database = self._confirmed, self._database
        policy = await policy_within(database, session)
        if plan_digest(policy, confirmed.rules) != confirmed.digest:
            raise PlanOutdated
        planned = planner(policy, confirmed.rules, await self._clock.latest())
        rows = await _selected(database, session, planned, place, size)
        if not rows:
            return None
        await _change(database, session, planned, [row["_id"] for row in rows])
        batch = _batch_of(rows, [planned.plan(row) for row in rows])
        item = [batch.records, batch.fates[Fate.EARLIER], batch.fates[Fate.LATER], batch.at_once]
        await outbox.append(
            database, session, DATES_RECOMPUTED, None, [[*item, confirmed.actor]], confirmed.stamp
        )
        return batch


async def _selected(
    database: Database, session: Session, planned: Planner, place: tuple[Any, ...], size: int
) -> list[Document]:
    """The next records from a place on. Limits of the index, since those of the query cannot name a place."""
    names = {*planned.dates, *_KEY, "version", "anonymized"}
    cursor = database.records.find(
        recomputable(planned),
        dict.fromkeys(names, 1),
        session=session,
        hint=BY_POLICY,
        min=dict(zip(_KEY, place, strict=True)),
        max=dict(zip(_KEY, (POLICY, planned.policy.version, MinKey()), strict=True)),
    )
    found: list[Document] = await cursor.sort(_SEQUENCE).limit(size).to_list(None)
    return found


async def _change(database: Database, session: Session, planned: Planner, ids: Sequence[str]) -> None:
    chosen = {"_id": {"$in": list(ids)}, **recomputable(planned)}
    changed = await database.records.update_many(
        chosen, recompute_pipeline(planned), hint=BY_ID, session=session
    )
    if changed.modified_count != len(ids):
        raise StoreError(f"recompute: {changed.modified_count} changed of {len(ids)} selected")


def _batch_of(rows: Sequence[Document], plans: Sequence[Plan]) -> Batch:
    return Batch(
        Counter(plan.fate for plan in plans),
        sum(plan.at_once for plan in plans),
        tuple(rows[-1][field] for field in _KEY),
    )
