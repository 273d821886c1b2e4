"""When to sweep: on time whatever the wall clock does, and again after whatever a sweep did."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta, tzinfo

import pytest
from apscheduler.schedulers import base
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers import interval

from records.mongo.errors import LeaseLost
from worker.in_time import Hung, ended_in_time
from worker.schedule import sweep_on_schedule

INTERVAL = 0.1
DEADLINE = 5.0
HOUR = timedelta(hours=1)


class Watched:
    """Counts sweeps; each does what the test says, if it says anything."""

    def __init__(self, act: Callable[[int], object] = lambda _: None) -> None:
        self.sweeps = 0
        self._act = act

    async def sweep_all(self, stopping: asyncio.Event) -> bool:
        self.sweeps += 1
        self._act(self.sweeps)
        return not stopping.is_set()


class Wall(datetime):
    """The machine's clock as the scheduler reads it; a test sets it back or ahead."""

    shift = timedelta()

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "Wall":
        shifted = datetime.now(tz) + cls.shift
        return cls.fromtimestamp(shifted.timestamp(), tz)


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> type[Wall]:
    monkeypatch.setattr(Wall, "shift", timedelta())
    for module in (base, interval):
        monkeypatch.setattr(module, "datetime", Wall)
    return Wall


@asynccontextmanager
async def scheduled(sweeper: Watched) -> AsyncIterator["asyncio.Task[None]"]:
    stepping_down = asyncio.Event()
    task = asyncio.create_task(sweep_on_schedule(sweeper, INTERVAL, stepping_down))
    yield task
    stepping_down.set()
    await asyncio.wait_for(task, DEADLINE)


async def until_more(sweeper: Watched, more: int) -> None:
    wanted = sweeper.sweeps + more
    async with asyncio.timeout(DEADLINE):
        while sweeper.sweeps < wanted:  # noqa: ASYNC110 (a sweep has no event of its own)
            await asyncio.sleep(0.005)


async def test_it_sweeps_at_once_and_then_at_every_interval() -> None:
    sweeper = Watched()
    async with scheduled(sweeper):
        await until_more(sweeper, 4)


async def test_sweeps_go_on_when_the_wall_clock_is_set_back_by_an_hour(wall: type[Wall]) -> None:
    sweeper = Watched()
    async with scheduled(sweeper):
        await until_more(sweeper, 2)
        wall.shift = -HOUR
        await until_more(sweeper, 4)


async def test_the_scheduler_alone_would_be_silent_for_that_hour(wall: type[Wall]) -> None:
    """What the test before shows would be nothing, if its clock moved nobody."""
    ticks: list[float] = []

    async def tick() -> None:
        ticks.append(time.monotonic())

    scheduler = AsyncIOScheduler(timezone="UTC")
    scheduler.add_job(tick, "interval", seconds=INTERVAL, misfire_grace_time=None)
    scheduler.start()
    try:
        async with asyncio.timeout(DEADLINE):
            while len(ticks) < 2:  # noqa: ASYNC110 (the list fills by itself)
                await asyncio.sleep(0.005)
        wall.shift = -HOUR
        await asyncio.sleep(2 * INTERVAL)
        before = len(ticks)
        await asyncio.sleep(5 * INTERVAL)
        assert len(ticks) == before
    finally:
        scheduler.shutdown(wait=False)


async def test_a_wall_clock_that_is_set_ahead_by_a_year_floods_nobody_with_sweeps(wall: type[Wall]) -> None:
    sweeper = Watched()
    async with scheduled(sweeper):
        await until_more(sweeper, 2)
        wall.shift = 365 * 24 * HOUR  # 315 million intervals: to look at each would take minutes
        before, started = sweeper.sweeps, time.monotonic()
        await until_more(sweeper, 3)
        assert sweeper.sweeps - before <= 3 + (time.monotonic() - started) / INTERVAL


async def test_after_the_loop_was_blocked_for_many_intervals_the_next_sweep_comes() -> None:
    sweeper = Watched(lambda number: time.sleep(8 * INTERVAL) if number == 2 else None)
    async with scheduled(sweeper):
        await until_more(sweeper, 4)


async def test_a_sweep_that_fails_ends_the_duty_so_that_a_new_process_begins() -> None:
    def fail(_: int) -> None:
        raise RuntimeError("a fault")

    with pytest.raises(RuntimeError, match="a fault"):
        await asyncio.wait_for(sweep_on_schedule(Watched(fail), INTERVAL, asyncio.Event()), DEADLINE)


async def test_who_lost_the_lease_stops_sweeping() -> None:
    def lost(_: int) -> None:
        raise LeaseLost("another worker leads")

    sweeper = Watched(lost)
    await asyncio.wait_for(sweep_on_schedule(sweeper, INTERVAL, asyncio.Event()), DEADLINE)
    assert sweeper.sweeps == 1


async def deaf(ended: asyncio.Event) -> None:
    """Hears its first cancellation and goes on, as a driver in trouble does."""
    try:
        await asyncio.sleep(DEADLINE)
    except asyncio.CancelledError:
        await asyncio.sleep(DEADLINE)
    finally:
        ended.set()


async def test_what_hangs_is_given_up_although_it_does_not_heed_its_cancellation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("worker.in_time._CANCEL_SECONDS", 0.05)
    ended = asyncio.Event()
    with pytest.raises(Hung, match=r"^a sweep did not end within 0\.05 s$"):
        await asyncio.wait_for(ended_in_time(deaf(ended), 0.05, "a sweep"), DEADLINE)
    assert not ended.is_set()
    (left,) = asyncio.all_tasks() - {asyncio.current_task()}
    left.cancel()
    await asyncio.wait({left})


async def test_what_ends_in_time_gives_its_result_or_its_error() -> None:
    async def work(result: int) -> int:
        return 1 // result

    assert await ended_in_time(work(1), DEADLINE, "it") == 1
    with pytest.raises(ZeroDivisionError):
        await ended_in_time(work(0), DEADLINE, "it")


async def test_whoever_is_cancelled_leaves_no_work_behind() -> None:
    running = asyncio.Event()

    async def work() -> None:
        running.set()
        await asyncio.sleep(DEADLINE)

    task = asyncio.create_task(ended_in_time(work(), DEADLINE, "it"))
    await asyncio.wait_for(running.wait(), DEADLINE)
    task.cancel()
    await asyncio.wait({task}, timeout=DEADLINE)
    assert asyncio.all_tasks() == {asyncio.current_task()}
