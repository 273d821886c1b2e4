"""How long a leader may act without asking: never longer than nobody else can lead."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from records.clock import since_boot
from records.mongo.client import Database
from records.mongo.lease import Lease

SECONDS = 60.0


class Machine:
    """The clock of a machine that a test may let sleep."""

    def __init__(self) -> None:
        self.slept = timedelta()

    def __call__(self) -> timedelta:
        return since_boot() + self.slept


Make = Callable[[str, Machine], Lease]


@pytest.fixture
async def make(database: Database) -> AsyncIterator[Make]:
    async with AsyncExitStack() as stack:
        sessions = [await stack.enter_async_context(database.session()) for _ in range(2)]

        def lease(owner: str, machine: Machine) -> Lease:
            return Lease(database, sessions.pop(), owner, SECONDS, machine)

        yield lease


async def test_a_lease_lasts_from_before_it_was_asked_for_and_a_renewal_prolongs_it(make: Make) -> None:
    machine = Machine()
    lease = make("leader", machine)
    assert not lease.lasts()
    assert await lease.acquire()
    assert lease.lasts()
    machine.slept = timedelta(seconds=SECONDS)
    assert not lease.lasts()
    assert await lease.acquire()
    assert lease.lasts()
    machine.slept *= 2
    assert not lease.lasts()


async def test_the_time_that_mongodb_took_to_answer_is_not_given_twice(
    make: Make, monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    machine = Machine()
    lease = make("leader", machine)
    assert await lease.acquire()
    update = type(database.state).update_one

    async def slow(*arguments: object, **options: object) -> object:
        machine.slept += timedelta(seconds=SECONDS)
        return await update(*arguments, **options)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(type(database.state), "update_one", slow)
    assert await lease.acquire()
    assert not lease.lasts()


async def test_who_has_let_go_or_finds_another_one_leading_leads_no_more(
    make: Make, database: Database
) -> None:
    paused, heir = make("paused", Machine()), make("heir", Machine())
    assert await paused.acquire()
    await paused.release()
    assert not paused.lasts()
    assert await paused.acquire()
    await database.state.update_one({"_id": "lease"}, [{"$set": {"expires": {"$subtract": ["$$NOW", 1]}}}])
    assert await heir.acquire()
    assert paused.lasts(), "its own clock cannot know: another one's write has ended it"
    assert not await paused.acquire()
    assert not paused.lasts()


async def test_what_was_begun_before_another_one_led_is_over_though_that_one_has_let_go(make: Make) -> None:
    machine = Machine()
    paused, heir = make("paused", machine), make("heir", machine)
    assert await paused.acquire()
    await paused.release()
    assert await paused.acquire()
    async with asyncio.timeout(5):
        await _let_run_out(paused)
    assert await heir.acquire()
    await heir.release()
    machine.slept = timedelta(seconds=2 * SECONDS)
    assert not await paused.acquire()
    assert not paused.lasts()
    assert await paused.acquire()
    assert paused.lasts()


async def _let_run_out(lease: Lease) -> None:
    state = lease._database.state
    await state.update_one({"_id": "lease"}, [{"$set": {"expires": {"$subtract": ["$$NOW", 1]}}}])
