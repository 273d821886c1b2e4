"""What `serve` looks at beside its requests: whether erasure keeps up, and whether its clock is right."""

import asyncio
from contextlib import suppress
from datetime import datetime
from typing import Final

import structlog

from records.clock import ClockUntrusted
from records.mongo.client import Database
from records.mongo.errors import StoreError
from records.mongo.overdue import counts, oldest_overdue
from records.mongo.sweep import Action
from runtime import metrics
from runtime.pace import Pace
from runtime.process import sleep_unless, told
from service.api.clock import Clock

log = structlog.get_logger(__name__)

_LOOK_SECONDS: Final = 15.0
_PATIENCE_SECONDS: Final = 5.0
"""Requests wait behind a look at MongoDB's clock, so this one may not take long."""
_COUNT_SECONDS: Final = 20.0


async def watch(database: Database, clock: Clock, stopping: asyncio.Event) -> None:
    """Looks every 15 s until `stopping`, less often when counting takes long: a worker that stands still
    cannot hide itself (design section 8).

    While MongoDB is away the figures stay as they are. The clock is asked so that its gauge is right even
    when no order comes.
    """
    pace = Pace(_LOOK_SECONDS)
    while not stopping.is_set():
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                now = await clock.latest()
                with suppress(ClockUntrusted):  # the clock has said so
                    await clock.now()
            with pace.looking():
                async with asyncio.timeout(_COUNT_SECONDS):
                    await count_overdue(database, now)
        except (StoreError, TimeoutError) as error:
            log.warning("the figures are stale", error=told(error))
        except Exception:
            log.exception("the figures are stale")  # nothing in here may end for good, nor end the API
        await sleep_unless(stopping, pace.pause())


async def count_overdue(database: Database, now: datetime) -> None:
    """Sets what is past its date at this time (UTC), and what falls due within a day: first the oldest,
    which is known at once. Raises StoreUnavailable, StoreError.
    """
    for action in Action:
        oldest = await oldest_overdue(database, action, now)
        metrics.set_oldest_overdue(action.name.lower(), oldest, now)
    for action in Action:
        try:
            metrics.set_counts(action.name.lower(), *await counts(database, action, now))
        except StoreError as error:  # too many to be counted in time: the others are told all the same
            log.warning("the figures are stale", action=action, error=told(error))
