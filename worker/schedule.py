"""When to sweep: APScheduler triggers, and a wall clock that is set back cannot silence it."""

import asyncio
from typing import Final

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from records.mongo.errors import LeaseLost
from worker.sweeper import Sweeper

_MISSED_TRIGGERS: Final = 3


async def sweep_on_schedule(sweeper: Sweeper, interval_seconds: float, stepping_down: asyncio.Event) -> None:
    """Sweeps at every trigger until `stepping_down`, or until the lease is lost.

    The job only sets an event, so it can neither hang nor fail. When no trigger comes for three
    intervals of the monotonic clock, the sweep starts all the same: after a clock was set back by an
    hour the scheduler would be silent for that hour.
    """
    due = asyncio.Event()
    due.set()
    scheduler = AsyncIOScheduler(timezone="UTC")
    scheduler.add_job(
        _set, "interval", args=[due], seconds=interval_seconds, coalesce=True, max_instances=1,
        misfire_grace_time=None,
    )  # fmt: skip
    scheduler.start()
    try:
        while not stepping_down.is_set():
            if await _triggered(due, stepping_down, _MISSED_TRIGGERS * interval_seconds):
                due.clear()
                await sweeper.sweep_all(stepping_down)
    except LeaseLost:
        return
    finally:
        scheduler.shutdown(wait=False)


async def _set(due: asyncio.Event) -> None:
    due.set()


async def _triggered(due: asyncio.Event, stepping_down: asyncio.Event, longest: float) -> bool:
    """True when it is time to sweep, False when it is time to stop."""
    waits = [asyncio.create_task(event.wait()) for event in (due, stepping_down)]
    await asyncio.wait(waits, timeout=longest, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    return not stepping_down.is_set()
