"""When to sweep: APScheduler triggers, and a wall clock that is set back cannot silence it."""

import asyncio
from datetime import datetime, timedelta
from typing import Final, Protocol

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from records.mongo.errors import LeaseLost

_MISSED_TRIGGERS: Final = 1.5


class Sweeps(Protocol):
    """Who erases what is due."""

    async def sweep_all(self, stopping: asyncio.Event) -> bool:
        """Until nothing is due; True when all of it succeeded. Raises LeaseLost."""


class _Every(BaseTrigger):  # type: ignore[misc]  # the library has no types
    """A trigger by the interval, for which runs that were missed are one.

    APScheduler's own lists each of them before it coalesces: after a clock leapt ahead by a year that takes
    minutes, and hundreds of megabytes.
    """

    def __init__(self, interval: timedelta) -> None:
        self._interval = interval

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """The first time is now."""
        if previous_fire_time is None:
            return now
        due = previous_fire_time + self._interval
        return due if due > now else now + self._interval


async def sweep_on_schedule(sweeper: Sweeps, interval_seconds: float, stepping_down: asyncio.Event) -> None:
    """Sweeps at every trigger until `stepping_down`, or until the lease is lost.

    The job only sets an event, so it can neither hang nor fail. When no trigger comes for one and a half
    intervals of the monotonic clock, the sweep starts all the same: after a clock was set back by an
    hour the scheduler would be silent for that hour. A trigger that comes while a sweep runs is kept.
    """
    due = asyncio.Event()
    due.set()
    scheduler = AsyncIOScheduler(timezone="UTC")
    trigger = _Every(timedelta(seconds=interval_seconds))
    scheduler.add_job(_set, trigger, args=[due], coalesce=True, max_instances=1, misfire_grace_time=None)
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
