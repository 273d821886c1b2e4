"""Who leads does the duties, and whoever loses the lease stops them; with a lease that a test grants."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from records.mongo.errors import StoreError, StoreUnavailable
from records.mongo.lease import Lease, SequenceLost
from runtime.errors import UserError
from worker import leader
from worker.leader import Duty, lead_or_stand_by

LEASE_SECONDS = 0.03
DEADLINE = 5.0


class GrantedLease(Lease):
    """A lease in memory: granted or not, or MongoDB is away."""

    def __init__(self) -> None:
        self.granted = True
        self.trouble: StoreError | SequenceLost | None = None
        self.held = False
        self.asked = 0

    async def acquire(self) -> bool:
        self.asked += 1
        if self.trouble:
            raise self.trouble
        self.held = self.granted
        return self.granted

    async def release(self) -> None:
        if self.trouble:
            raise self.trouble
        self.held = False


class Watch:
    """A duty that says whether it runs, and ends when it is told to."""

    def __init__(self) -> None:
        self.running = False
        self.runs = 0
        self.fault: Exception | None = None
        self.hurry = asyncio.Event()

    async def __call__(self, stepping_down: asyncio.Event) -> None:
        self.running, self.runs = True, self.runs + 1
        told = [asyncio.create_task(event.wait()) for event in (stepping_down, self.hurry)]
        try:
            await asyncio.wait(told, return_when=asyncio.FIRST_COMPLETED)
            if self.fault:
                raise self.fault
        finally:
            self.running = False
            for task in told:
                task.cancel()


@asynccontextmanager
async def worker(lease: Lease, *duties: Duty) -> AsyncIterator["asyncio.Task[None]"]:
    """A worker that is told to stop at the end, and must."""
    stopping = asyncio.Event()
    task = asyncio.create_task(lead_or_stand_by(lease, LEASE_SECONDS, list(duties), stopping))
    yield task
    stopping.set()
    async with asyncio.timeout(DEADLINE):
        await task


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not condition():  # noqa: ASYNC110 (what is waited for has no event of its own)
            await asyncio.sleep(0.001)


async def test_who_holds_the_lease_does_all_duties_and_lets_go_of_it_at_the_end() -> None:
    lease, duties = GrantedLease(), [Watch(), Watch()]

    async with worker(lease, *duties):
        await until(lambda: all(duty.running for duty in duties))
        assert lease.held

    assert not lease.held
    assert [(duty.running, duty.runs) for duty in duties] == [(False, 1), (False, 1)]


async def test_who_does_not_hold_the_lease_does_nothing() -> None:
    lease, duty = GrantedLease(), Watch()
    lease.granted = False

    async with worker(lease, duty):
        await until(lambda: lease.asked > 0)
        await asyncio.sleep(2 * LEASE_SECONDS)

    assert duty.runs == 0


async def test_a_standby_takes_over_once_the_lease_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leader, "_STANDBY_SECONDS", 0.01)
    lease, duty = GrantedLease(), Watch()
    lease.granted = False

    async with worker(lease, duty):
        await until(lambda: lease.asked > 1)
        lease.granted = True
        await until(lambda: duty.running)


async def test_the_lease_is_renewed_while_a_duty_takes_long() -> None:
    lease, duty = GrantedLease(), Watch()

    async with worker(lease, duty):
        await until(lambda: lease.asked >= 5)
        assert (duty.running, duty.runs) == (True, 1)


async def test_who_loses_the_lease_stops_its_duties() -> None:
    lease, duty = GrantedLease(), Watch()

    async with worker(lease, duty):
        await until(lambda: duty.running)
        lease.granted = False
        await until(lambda: not duty.running)

    assert duty.runs == 1


async def test_while_mongodb_is_away_the_duties_go_on_since_each_write_is_fenced_anyway() -> None:
    lease, duty = GrantedLease(), Watch()

    async with worker(lease, duty):
        await until(lambda: duty.running)
        lease.trouble = StoreUnavailable("away")
        asked = lease.asked
        await until(lambda: lease.asked > asked + 3)
        assert duty.running

    assert duty.runs == 1


async def test_a_worker_that_cannot_read_the_lease_stands_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leader, "_STANDBY_SECONDS", 0.01)
    lease, duty = GrantedLease(), Watch()
    lease.trouble = StoreUnavailable("away")

    async with worker(lease, duty):
        await until(lambda: lease.asked > 2)
        assert duty.runs == 0
        lease.trouble = None
        await until(lambda: duty.running)


async def test_a_duty_that_fails_ends_the_process_after_the_others_stopped_and_the_lease_is_free() -> None:
    lease, faulty, other = GrantedLease(), Watch(), Watch()
    faulty.fault = RuntimeError("a fault in the duty")

    task = asyncio.create_task(lead_or_stand_by(lease, LEASE_SECONDS, [faulty, other], asyncio.Event()))
    await until(lambda: faulty.running and other.running)
    faulty.hurry.set()

    with pytest.raises(RuntimeError, match="a fault in the duty"):
        async with asyncio.timeout(DEADLINE):
            await task
    assert (other.running, lease.held) == (False, False)


async def test_a_duty_that_ends_by_itself_makes_the_worker_step_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leader, "_STANDBY_SECONDS", 0.01)
    lease, ending, other = GrantedLease(), Watch(), Watch()

    async with worker(lease, ending, other):
        await until(lambda: other.running)
        ending.hurry.set()
        await until(lambda: other.runs > 1)


async def test_a_duty_that_does_not_stop_in_time_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leader, "_STEP_DOWN_SECONDS", 0.02)
    lease, ended = GrantedLease(), asyncio.Event()

    async def deaf(_stepping_down: asyncio.Event) -> None:
        try:
            await asyncio.sleep(DEADLINE)
        finally:
            ended.set()

    async with worker(lease, deaf):
        await until(lambda: lease.asked > 1)

    assert ended.is_set()
    assert not lease.held


async def test_a_worker_that_is_cancelled_leaves_no_duty_behind() -> None:
    lease, duty = GrantedLease(), Watch()
    task = asyncio.create_task(lead_or_stand_by(lease, LEASE_SECONDS, [duty], asyncio.Event()))
    await until(lambda: duty.running)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert (duty.running, lease.held) == (False, False)


@pytest.mark.parametrize("leads", [False, True])
async def test_a_number_that_went_back_ends_the_process_with_a_line_for_people(*, leads: bool) -> None:
    lease, duty = GrantedLease(), Watch()
    lease.trouble = None if leads else SequenceLost()
    task = asyncio.create_task(lead_or_stand_by(lease, LEASE_SECONDS, [duty], asyncio.Event()))
    if leads:
        await until(lambda: duty.running)
        lease.trouble = SequenceLost()

    with pytest.raises(UserError, match="went back in the database: start this process anew"):
        async with asyncio.timeout(DEADLINE):
            await task
    assert not duty.running
