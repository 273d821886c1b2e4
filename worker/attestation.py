"""Says each day how erasure stands, also when nothing was erased: so silence shows."""

import asyncio
import math
from collections.abc import Awaitable
from datetime import datetime
from typing import Final, TypeVar

import structlog

from records.mongo.attestation import ORDER, Standing, attest, attestation_due, oplog_hours
from records.mongo.client import Database
from records.mongo.clock import mongo_time
from records.mongo.lifecycle import quarantined
from records.mongo.outbox import Stamp
from records.mongo.overdue import MAX_COUNTED, oldest_overdue, overdue
from records.mongo.policies import gdpr_policy
from records.mongo.sweep import Action
from records.policy import DateRules
from records.policy_document import policy_digest
from runtime import metrics
from runtime.order_topic import order_topic_retention
from runtime.process import build, finish_unless, sleep_unless, told
from runtime.settings import Settings

log = structlog.get_logger(__name__)

Result = TypeVar("Result")

_LOOK_SECONDS: Final = 60.0
_UNLIMITED: Final = -1


class Attester:
    """Writes the day's attestation into the outbox, for the worker that leads."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._dates = DateRules.of(**settings.retention.date_numbers())

    async def run(self, stepping_down: asyncio.Event) -> None:
        """Looks every minute whether the day (UTC) has its own yet; never fails the leader."""
        while not stepping_down.is_set():
            try:
                await finish_unless(stepping_down, self.attest_if_due())
            except Exception as error:  # noqa: BLE001 - whatever it is, erasing on time goes on
                log.warning("the day has no attestation yet, trying again", error=told(error))
            await sleep_unless(stepping_down, _LOOK_SECONDS)

    async def attest_if_due(self) -> bool:
        """Whether this call has written it. Raises StoreUnavailable, StoreError."""
        if not await attestation_due(self._database):
            return False
        standing = await self._standing(await mongo_time(self._database))
        policy = await gdpr_policy(self._database)
        stamp = Stamp(build(), policy.version, policy_digest(policy, self._dates))
        time = await attest(self._database, standing, stamp)
        if time is None:
            return False
        metrics.LAST_ATTESTATION.set(time.timestamp())
        log.info("the day is attested")
        return True

    async def _standing(self, now: datetime) -> Standing:
        database, settings = self._database, self._settings
        counts, oldest = dict[Action, int](), dict[Action, datetime]()
        for action in ORDER:
            if since := await _if_known("oldest overdue", oldest_overdue(database, action, now)):
                oldest[action] = since
            if late := await _if_known("overdue", overdue(database, action, now, MAX_COUNTED)):
                counts[action] = late.count
        reasons = await _if_known("quarantine", quarantined(database))
        depth = {} if reasons is None else {name: _sum(reasons, name) for name in ("entries", "sealed")}
        return Standing(
            settings.retention.ledger_days,
            settings.audit.retention_days,
            counts,
            oldest,
            **depth,
            oplog_hours=await _if_known("oplog", oplog_hours(database)),
            order_topic_seconds=_whole(await _if_known("order topic", order_topic_retention(settings.kafka))),
        )


async def _if_known(what: str, asking: Awaitable[Result]) -> Result | None:
    """The answer, or None: a day without an attestation would tell less than one that leaves it out."""
    try:
        return await asking
    except Exception as error:  # noqa: BLE001 - whatever it is, the others are still to be had
        log.warning("the attestation leaves it out", what=what, error=told(error))
        return None


def _sum(reasons: dict[str, dict[str, int]], name: str) -> int:
    return sum(each[name] for each in reasons.values())


def _whole(seconds: float | None) -> int | None:
    if seconds is None:
        return None
    return _UNLIMITED if math.isinf(seconds) else math.ceil(seconds)
