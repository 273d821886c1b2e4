"""What `serve` looks at beside its requests: whether erasure keeps up, and whether its clock is right."""

import asyncio
from datetime import datetime
from typing import Final

import structlog

from records.clock import ClockUntrusted
from records.mongo.client import Database
from records.mongo.errors import StoreError
from records.mongo.sweep import Action, overdue
from runtime import metrics
from runtime.process import sleep_unless, told
from service.api.clock import Clock

log = structlog.get_logger(__name__)

_LOOK_SECONDS: Final = 15.0
_PATIENCE_SECONDS: Final = 5.0
"""Requests wait behind a look at MongoDB's clock, so this one may not take long."""


async def watch(database: Database, clock: Clock, stopping: asyncio.Event) -> None:
    """Looks every 15 s until `stopping`: a worker that stands still cannot hide itself (design section 8).

    While MongoDB is away the figures stay as they are. The clock is asked so that its gauge is right even
    when no order comes.
    """
    while not stopping.is_set():
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await count_overdue(database, await clock.latest())
                await clock.now()
        except ClockUntrusted:
            pass  # the clock has said so
        except (StoreError, TimeoutError) as error:
            log.warning("the figures are stale", error=told(error))
        except Exception:
            log.exception("the figures are stale")  # nothing in here may end for good, nor end the API
        await sleep_unless(stopping, _LOOK_SECONDS)


async def count_overdue(database: Database, now: datetime) -> None:
    """Sets what is past its date at this time (UTC). Raises StoreUnavailable, StoreError."""
    for action in Action:
        figure = await overdue(database, action, now)
        metrics.set_overdue(action.name.lower(), figure.count, figure.oldest, now)
