"""Passes over what is due: oldest first, in steps, and one bad record never blocks the others."""

import asyncio
import time
from collections import Counter
from datetime import timedelta
from enum import Enum, auto
from typing import Final

import structlog

from records.mongo.client import Database
from records.mongo.errors import LeaseLost, StoreError, StoreForbidden, StoreUnavailable
from records.mongo.lease import Lease, SequenceLost
from records.mongo.lifecycle import note_sweep
from records.mongo.outbox import Stamp
from records.mongo.policies import CachedPolicy
from records.mongo.sweep import Action, SweepContext, Watermark, pass_over_oldest, postpone_oldest, sweep
from records.policy import DateRules
from records.policy_document import policy_digest
from runtime import metrics
from runtime.process import told
from worker.batch_size import BatchSize
from worker.clock import Clock, ClockStopped
from worker.in_time import ended_in_time

log = structlog.get_logger(__name__)

RETRY_AFTER: Final = timedelta(minutes=5)
"""A record that failed alone is tried again after this; it stays in the overdue figure all the while."""
PASS_SECONDS: Final = 15.0
"""While there is a backlog a new pass begins so often, from the oldest on; each counts as a success."""
HUNG_SECONDS: Final = 120.0
"""Every call within a pass has a deadline, and they add up to less: a pass that lasts longer has a fault."""
ORDER: Final = (Action.DELETE, Action.ANONYMIZE, Action.ERASE_QUARANTINED)


class _Pass(Enum):
    """What a pass came to."""

    DONE = auto()
    MORE = auto()
    FAILED = auto()


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
        self._trouble = self._postponed = False

    async def sweep_all(self, stopping: asyncio.Event) -> bool:
        """Pass after pass until nothing is due; True when all of it succeeded.

        Raises LeaseLost, SequenceLost, and Hung when a pass does not end.
        """
        while True:  # bounded by what is due: each pass erases or postpones, or is the last
            came_to = await ended_in_time(self._pass(stopping), HUNG_SECONDS, "a sweep")
            if came_to is not _Pass.MORE:
                return came_to is _Pass.DONE

    async def _pass(self, stopping: asyncio.Event) -> _Pass:
        started = time.perf_counter()
        try:
            done, came_to = await self._exhaust(stopping, started + PASS_SECONDS)
            if came_to is not _Pass.FAILED:
                await note_sweep(self._database, self._lease)
                metrics.SWEEP_LAST_SUCCESS.set_to_current_time()
        except ClockStopped as stopped:
            log.critical("sweeps are stopped", reason=str(stopped))
            metrics.CLOCK_STOPPED.set(1)
            return _Pass.FAILED
        except LeaseLost:
            raise
        except StoreError as error:
            self._interrupted(error)
            return _Pass.FAILED
        metrics.CLOCK_STOPPED.set(0)
        if done:
            log.info("swept", seconds=round(time.perf_counter() - started, 3), **done)
        return came_to

    def _interrupted(self, error: StoreError) -> None:
        log.warning("sweep interrupted, trying again", error=str(error))
        metrics.SWEEP_FAILURES.inc()
        self._trouble = True

    async def _exhaust(self, stopping: asyncio.Event, until: float) -> tuple[Counter[str], _Pass]:
        """Steps of each action in turn, so that none waits for another's backlog or for its trouble.

        Bounded by the time, and since a record is changed or postponed in each step.
        """
        done, self._trouble, self._postponed = Counter[str](), False, False
        due = {action: Watermark() for action in ORDER}
        while due and not stopping.is_set():
            for action, watermark in list(due.items()):
                try:
                    changed = await self._try(action, watermark)
                except LeaseLost:
                    raise
                except StoreError as error:
                    self._interrupted(error)
                    changed = 0
                if changed == 0:
                    del due[action]
                done[action] += changed or 0
            if due and time.perf_counter() > until:
                return +done, self._came_to(done, _Pass.MORE)
        return +done, self._came_to(done, _Pass.DONE)

    def _came_to(self, done: Counter[str], otherwise: _Pass) -> _Pass:
        """A pass that has only postponed is no success: whatever was to blame may be everybody's fault."""
        useless = self._postponed and not done.total()
        return _Pass.FAILED if self._trouble or useless else otherwise

    async def _try(self, action: Action, watermark: Watermark) -> int | None:
        """How many a step changed; None when it failed and was made smaller. Raises what waiting mends."""
        context = await self._context()
        try:
            return await self._step(context, action, watermark)
        except (LeaseLost, SequenceLost, ClockStopped, StoreForbidden):
            raise  # no record is to blame
        except StoreUnavailable as error:
            await self._halve_or_pass_over(context, action, watermark, error)
            return None
        except Exception as error:  # noqa: BLE001 - whatever a record does to us, it blocks no other
            await self._halve_or_postpone(context, action, watermark, error)
            return None

    async def _step(self, context: SweepContext, action: Action, watermark: Watermark) -> int:
        started = time.perf_counter()
        ids = await sweep(context, action, self._sizes[action].now, watermark)
        seconds = time.perf_counter() - started
        if ids:
            self._sizes[action].done(seconds)
            metrics.SWEEP_SECONDS.observe(seconds)
            metrics.SWEEP_RECORDS.labels(action.name.lower()).inc(len(ids))
        return len(ids)

    async def _halve_or_pass_over(
        self, context: SweepContext, action: Action, watermark: Watermark, error: StoreUnavailable
    ) -> None:
        """Raises the error where it may be everybody's: a batch may have been too much for the deadline.

        A single record that somebody's transaction holds is left to the next pass, and the others go on.
        """
        size = self._sizes[action]
        if size.now > 1 or not await pass_over_oldest(context, action, watermark):
            size.failed()
            raise error
        self._interrupted(error)

    async def _halve_or_postpone(
        self, context: SweepContext, action: Action, watermark: Watermark, error: Exception
    ) -> None:
        metrics.SWEEP_FAILURES.inc()
        size = self._sizes[action]
        if size.now > 1:
            log.warning("a batch failed, halving it", action=action, size=size.now, error=told(error))
            size.failed()
            return
        self._postponed = True
        identifier = await postpone_oldest(context, action, RETRY_AFTER, watermark)
        if identifier is None:  # no record is to blame
            raise StoreError(f"{action} fails though nothing is due: {told(error)}")
        log.critical("a record cannot be erased", action=action, record=identifier, error=told(error))

    async def _context(self) -> SweepContext:
        policy = await self._policy.get()
        stamp = Stamp(self._build, policy.version, policy_digest(policy, self._dates))
        return SweepContext(self._database, self._lease, stamp, self._ledger_time, self._clock.cutoff)
