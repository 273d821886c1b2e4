"""Passes over what is due: oldest first, in steps, and one bad record never blocks the others."""

import asyncio
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from records.mongo.client import Database
from records.mongo.errors import LeaseLost, StoreError, StoreUnavailable
from records.mongo.lease import Lease
from records.mongo.lifecycle import note_sweep
from records.mongo.outbox import Stamp, backlog
from records.mongo.policies import CachedPolicy
from records.mongo.sweep import Action, SweepContext, failed_alone, oldest_due, overdue, postpone, sweep
from records.policy import DateRules
from records.policy_document import policy_digest
from runtime import metrics
from worker.batch_size import BatchSize
from worker.clock import Clock, ClockStopped

log = structlog.get_logger(__name__)

RETRY_AFTER: Final = timedelta(minutes=5)
"""A record that failed alone is tried again after this; it stays in the overdue figure all the while."""
ORDER: Final = (Action.DELETE, Action.ANONYMIZE, Action.ERASE_QUARANTINED)


class Sweeper:
    """Does everything that is due, for the worker that leads."""

    def __init__(
        self,
        database: Database,
        lease: Lease,
        dates: DateRules,
        ledger_time: timedelta,
        build: str,
        batch_size: int,
        clock: Clock,
    ) -> None:
        self._database = database
        self._lease = lease
        self._dates = dates
        self._ledger_time = ledger_time
        self._build = build
        self._clock = clock
        self._sizes = {action: BatchSize(batch_size) for action in ORDER}
        self._policy = CachedPolicy(database)

    async def sweep_all(self, stopping: asyncio.Event) -> bool:
        """One pass, until nothing is due; True when all of it succeeded. Raises LeaseLost."""
        started = time.perf_counter()
        try:
            done = await self._exhaust(stopping)
            await note_sweep(self._database)
        except ClockStopped as stopped:
            log.critical("sweeps are stopped", reason=str(stopped))
            metrics.CLOCK_STOPPED.set(1)
            return False
        except StoreUnavailable as error:
            log.warning("sweep interrupted, trying again", error=str(error))
            metrics.SWEEP_FAILURES.inc()
            return False
        metrics.CLOCK_STOPPED.set(0)
        metrics.SWEEP_LAST_SUCCESS.set_to_current_time()
        if done:
            log.info("swept", seconds=round(time.perf_counter() - started, 3), **done)
        return True

    async def _exhaust(self, stopping: asyncio.Event) -> Counter[str]:
        """Steps of each action in turn, so that none waits for another's backlog, until nothing is due.

        Bounded, since a record is changed or postponed in each step.
        """
        done, due = Counter[str](), list(ORDER)
        while due and not stopping.is_set():
            for action in list(due):
                changed = await self._try(action)
                if changed == 0:
                    due.remove(action)
                done[action] += changed or 0
        return +done

    async def _try(self, action: Action) -> int | None:
        """How many a step changed; None when it failed and was made smaller. Raises what waiting mends."""
        context = await self._context()
        try:
            return await self._step(context, action)
        except LeaseLost:
            raise
        except StoreUnavailable:
            self._sizes[action].failed()  # it may have been too much for the deadline
            raise
        except StoreError as error:
            await self._halve_or_postpone(context, action, error)
            return None

    async def _step(self, context: SweepContext, action: Action) -> int:
        started = time.perf_counter()
        ids = await sweep(context, action, self._sizes[action].now)
        seconds = time.perf_counter() - started
        if ids:
            self._sizes[action].done(seconds)
            metrics.SWEEP_SECONDS.observe(seconds)
            metrics.SWEEP_RECORDS.labels(action.name.lower()).inc(len(ids))
        return len(ids)

    async def _halve_or_postpone(self, context: SweepContext, action: Action, error: StoreError) -> None:
        metrics.SWEEP_FAILURES.inc()
        size = self._sizes[action]
        if size.now > 1:
            log.warning("a batch failed, halving it", action=action, size=size.now, error=str(error))
            size.failed()
            return
        identifier = await oldest_due(context, action)
        if identifier is not None:
            log.critical("a record cannot be erased", action=action, record=identifier, error=str(error))
            await postpone(self._database, action, identifier, datetime.now(UTC) + RETRY_AFTER)

    async def _context(self) -> SweepContext:
        policy = await self._policy.get()
        stamp = Stamp(self._build, policy.version, policy_digest(policy, self._dates))
        return SweepContext(self._database, self._lease, stamp, self._ledger_time, self._clock.cutoff)


async def measure(database: Database) -> None:
    """Sets what MongoDB knows, whoever leads: overdue, failed, unsent. Raises StoreUnavailable."""
    now = datetime.now(UTC)
    for action in ORDER:
        figure = await overdue(database, action, now)
        metrics.set_overdue(action.name.lower(), figure.count, figure.oldest, now)
    metrics.SWEEP_FAILED_RECORDS.set(await failed_alone(database))
    entries, oldest = await backlog(database)
    metrics.OUTBOX_ENTRIES.set(entries)
    metrics.OUTBOX_OLDEST_SECONDS.set(max(0.0, (now - oldest).total_seconds()) if oldest else 0.0)
