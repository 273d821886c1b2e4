"""The lease: one worker leads, by MongoDB's clock, and a paused one can change nothing afterwards."""

import asyncio
import time
from datetime import timedelta

import pytest

from records.mongo.client import Database, Session
from records.mongo.errors import LeaseLost, StoreUnavailable
from records.mongo.lease import Lease, SequenceLost
from records.mongo.lifecycle import SWEEP, note_sweep
from records.mongo.sweep import Action, postpone_oldest, sweep
from records.mongo.transaction import in_transaction
from tests.integration.store_suite.data import (
    CLEANUP_DUE,
    MakeLease,
    all_records,
    outbox_entries,
    prepared,
    store_all,
    sweep_context,
)

SHORT = 0.3


async def until_acquired(lease: Lease) -> None:
    async with asyncio.timeout(5):
        while not await lease.acquire():  # noqa: ASYNC110 (nothing tells when a lease runs out)
            await asyncio.sleep(0.02)


async def test_one_worker_leads(make_lease: MakeLease) -> None:
    leases = [await make_lease(f"worker {number}") for number in range(5)]
    assert sum(await asyncio.gather(*(lease.acquire() for lease in leases))) == 1


async def test_the_leader_renews_its_lease(make_lease: MakeLease) -> None:
    first, second = await make_lease("first", SHORT), await make_lease("second", SHORT)
    assert await first.acquire()
    for _ in range(4):
        await asyncio.sleep(SHORT / 2)
        assert await first.acquire()
        assert not await second.acquire()


async def test_another_worker_takes_over_once_the_lease_ran_out(make_lease: MakeLease) -> None:
    first, second = await make_lease("first", SHORT), await make_lease("second")
    assert await first.acquire()
    assert not await second.acquire()
    await until_acquired(second)
    assert not await first.acquire()


async def test_a_released_lease_is_free_at_once(make_lease: MakeLease) -> None:
    first, second = await make_lease("first"), await make_lease("second")
    assert await first.acquire()
    await second.release()
    assert not await second.acquire()
    await first.release()
    assert await second.acquire()
    await first.release()
    assert not await first.acquire()


async def test_a_takeover_goes_on_with_the_next_number(database: Database, make_lease: MakeLease) -> None:
    await store_all(database, prepared(1, CLEANUP_DUE), prepared(2, CLEANUP_DUE))
    for owner in ("first", "second"):
        lease = await make_lease(owner)
        assert await lease.acquire()
        await sweep(sweep_context(database, lease), Action.ANONYMIZE, 1)
        await lease.release()
    assert [entry["n"] for entry in await outbox_entries(database)] == [1, 2]


async def test_a_paused_leader_changes_nothing_after_a_takeover(
    database: Database, make_lease: MakeLease
) -> None:
    paused, next_one = await make_lease("paused", SHORT), await make_lease("next one")
    await store_all(database, prepared(1, CLEANUP_DUE))
    assert await paused.acquire()
    await until_acquired(next_one)
    before = await all_records(database)
    with pytest.raises(LeaseLost):
        await sweep(sweep_context(database, paused), Action.ANONYMIZE, 10)
    with pytest.raises(LeaseLost):
        await postpone_oldest(sweep_context(database, paused), Action.ANONYMIZE, timedelta(days=1))
    with pytest.raises(LeaseLost):
        await note_sweep(database, paused)
    assert await all_records(database) == before
    assert await outbox_entries(database) == []
    assert await database.state.find_one({"_id": SWEEP}) is None
    assert len(await sweep(sweep_context(database, next_one), Action.ANONYMIZE, 10)) == 1


async def test_a_leader_paused_in_the_middle_of_a_sweep_blocks_nobody_and_changes_nothing(
    database: Database, make_lease: MakeLease
) -> None:
    paused, next_one = await make_lease("paused", SHORT), await make_lease("next one")
    assert await paused.acquire()
    waits: list[float] = []

    async def body(session: Session) -> None:
        await paused.fence(session)
        await database.records.insert_one({"_id": "of the paused one"}, session=session)
        started = time.monotonic()
        await until_acquired(next_one)
        waits.append(time.monotonic() - started)

    with pytest.raises(LeaseLost):
        await in_transaction(database, body, session=paused.session)
    assert len(waits) == 1
    assert waits[0] < SHORT + 2
    assert await all_records(database) == {}
    async with database.session() as session:
        assert (await in_transaction(database, next_one.fence, session=session)).n == 1


async def test_a_former_leader_whose_session_was_ended_leads_again(
    database: Database, make_lease: MakeLease
) -> None:
    await store_all(database, *(prepared(number, CLEANUP_DUE) for number in range(3)))
    first, second = await make_lease("first", SHORT), await make_lease("second", SHORT)
    for lease in (first, second, first):
        await until_acquired(lease)
        assert len(await sweep(sweep_context(database, lease), Action.ANONYMIZE, 1)) == 1
    assert [entry["n"] for entry in await outbox_entries(database)] == [1, 2, 3]


async def test_a_number_is_taken_only_by_what_commits(database: Database, make_lease: MakeLease) -> None:
    lease = await make_lease("leader")
    assert await lease.acquire()

    async def body(session: Session) -> None:
        await lease.fence(session)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await in_transaction(database, body, session=lease.session)
    assert (await in_transaction(database, lease.fence, session=lease.session)).n == 1


async def test_a_number_that_went_back_is_never_handed_out_again(
    database: Database, make_lease: MakeLease
) -> None:
    await store_all(database, *(prepared(number, CLEANUP_DUE) for number in range(3)))
    leader, standby = await make_lease("leader"), await make_lease("standby")
    assert await leader.acquire()
    for _ in range(2):
        assert len(await sweep(sweep_context(database, leader), Action.ANONYMIZE, 1)) == 1
    assert not await standby.acquire()
    await database.state.update_one({"_id": "lease"}, {"$set": {"n": 1}})
    with pytest.raises(SequenceLost):
        await sweep(sweep_context(database, leader), Action.ANONYMIZE, 1)
    assert [entry["n"] for entry in await outbox_entries(database)] == [1, 2]
    for lease in (leader, standby):
        with pytest.raises(StoreUnavailable):
            await lease.acquire()
        with pytest.raises(SequenceLost):
            await lease.acquire()


async def test_a_lease_document_that_somebody_removed_lets_nobody_begin_again_at_one(
    database: Database, make_lease: MakeLease
) -> None:
    await store_all(database, *(prepared(number, CLEANUP_DUE) for number in range(3)))
    leader, standby = await make_lease("leader"), await make_lease("standby")
    assert await leader.acquire()
    assert len(await sweep(sweep_context(database, leader), Action.ANONYMIZE, 1)) == 1
    assert not await standby.acquire()
    await database.state.delete_one({"_id": "lease"})
    with pytest.raises(LeaseLost):
        await sweep(sweep_context(database, leader), Action.ANONYMIZE, 1)
    for lease in (standby, leader):
        with pytest.raises(StoreUnavailable):
            await lease.acquire()
        with pytest.raises(SequenceLost):
            await lease.acquire()
    assert [entry["n"] for entry in await outbox_entries(database)] == [1]


async def test_one_look_that_is_behind_is_not_believed(database: Database, make_lease: MakeLease) -> None:
    lease = await make_lease("leader")
    assert await lease.acquire()
    await database.state.update_one({"_id": "lease"}, {"$set": {"n": 7}})
    assert await lease.acquire()
    await database.state.update_one({"_id": "lease"}, {"$set": {"n": 6}})
    with pytest.raises(StoreUnavailable):
        await lease.acquire()
    await database.state.update_one({"_id": "lease"}, {"$set": {"n": 7}})
    assert await lease.acquire()


async def test_an_owner_of_any_name_leads(database: Database, make_lease: MakeLease) -> None:
    assert await (await make_lease("$expires")).acquire()
    stored = await database.state.find_one({"_id": "lease"})
    assert stored is not None
    assert stored["owner"] == "$expires"
