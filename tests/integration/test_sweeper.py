"""Passes over what is due: a record that cannot be erased alarms, waits, and blocks no other."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from bson import Int64

from records.mongo import anonymize as anonymize_module
from records.mongo.client import Database, Document, open_database
from records.mongo.diagnosis import last_sweep
from records.mongo.errors import LeaseLost, StoreForbidden
from records.mongo.indexes import build_indexes
from records.mongo.lease import Lease
from records.mongo.mask import anonymize_pipeline
from records.mongo.overdue import overdue
from records.mongo.quarantine import quarantine
from records.mongo.sweep import Action
from records.policy import DateRules
from runtime.metrics import REGISTRY
from tests.integration.store_suite.data import (
    CLEANUP_DUE,
    DAY,
    DELETION_DUE,
    KEY,
    LEDGER_TIME,
    LIVE,
    NOW,
    STAMP,
    outbox_entries,
    prepared,
    raw_event,
    refused,
    store_all,
)
from worker import sweeper as sweeper_module
from worker.clock import Clock
from worker.figures import measure
from worker.in_time import Hung
from worker.sweeper import RETRY_AFTER, Sweeper

BATCH_SIZE: Final = 8
RECORDS: Final = 20
BAD: Final = 11
SKEW: Final = timedelta(seconds=1)
"""What MongoDB's clock may be apart from the test's."""


@pytest.fixture
async def database(mongo_uri: str, fresh_database: str) -> AsyncIterator[Database]:
    async with open_database(mongo_uri, fresh_database) as database:
        await build_indexes(database)
        yield database


@pytest.fixture
async def sweeper(database: Database) -> AsyncIterator[Sweeper]:
    async with database.session() as session:
        lease = Lease(database, session, "leader", seconds=60)
        assert await lease.acquire()
        yield Sweeper(database, lease, DateRules(), LEDGER_TIME, "1.2.3", BATCH_SIZE, Clock())


async def one_pass_without_figures(sweeper: Sweeper) -> bool:
    return await asyncio.wait_for(sweeper.sweep_all(asyncio.Event()), 30)


async def one_pass(sweeper: Sweeper) -> bool:
    done = await one_pass_without_figures(sweeper)
    await measure(sweeper._database, datetime.now(UTC), LEDGER_TIME)
    return done


def figure(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"order_records_{name}", labels) or 0.0


def failed_records() -> float:
    return figure("sweep_failed_records")


async def spoil(database: Database, change: Document, number: int = BAD) -> str:
    """Makes a record that no sweep can change; returns its id."""
    identifier = prepared(number).id
    await database.records.update_one({"_id": identifier}, change)
    return identifier


async def found(database: Database, identifier: str) -> Document:
    record = await database.records.find_one({"_id": identifier})
    assert record is not None
    return record


async def test_one_pass_does_everything_that_is_due(database: Database, sweeper: Sweeper) -> None:
    for first, created in ((0, LIVE), (100, CLEANUP_DUE), (200, DELETION_DUE)):
        await store_all(database, *(prepared(first + number, created) for number in range(RECORDS)))
    await quarantine(database, [refused(raw_event(1), due=NOW)], KEY, STAMP, NOW, LEDGER_TIME)
    before = {action: figure("sweep_records_total", action=action.name.lower()) for action in Action}
    assert await one_pass(sweeper)
    done = {a: figure("sweep_records_total", action=a.name.lower()) - before[a] for a in Action}
    assert done == {Action.ANONYMIZE: RECORDS, Action.DELETE: RECORDS, Action.ERASE_QUARANTINED: 1}
    assert await database.records.count_documents({"anonymized": True}) == RECORDS
    assert await database.records.count_documents({}) == 2 * RECORDS
    assert await database.ledger.count_documents({}) == RECORDS
    numbers = [entry["n"] for entry in await outbox_entries(database) if "n" in entry]
    assert numbers == list(range(1, len(numbers) + 1))


BAD_FOR_ANONYMIZATION: Final = {
    "refused by MongoDB": {"$set": {"version": "one"}},
    "of a version beyond all numbers": {"$set": {"version": Int64(2**63 - 1)}},
    "without a version": {"$unset": {"version": ""}},
    "with a null version": {"$set": {"version": None}},
}


@pytest.mark.parametrize("how", BAD_FOR_ANONYMIZATION.values(), ids=BAD_FOR_ANONYMIZATION)
async def test_a_record_that_cannot_be_anonymized_blocks_no_other(
    database: Database, sweeper: Sweeper, how: Document
) -> None:
    await store_all(database, *(prepared(number, CLEANUP_DUE - number * DAY) for number in range(RECORDS)))
    identifier = await spoil(database, how)
    before, began = await found(database, identifier), datetime.now(UTC)
    await one_pass(sweeper)
    assert await database.records.count_documents({"anonymized": True}) == RECORDS - 1
    left = await found(database, identifier)
    retry_at = left.pop("sweepRetryAt")
    assert left == before
    assert began + RETRY_AFTER - SKEW <= retry_at <= datetime.now(UTC) + RETRY_AFTER + SKEW
    assert failed_records() == 1


async def test_a_record_that_would_keep_more_than_the_table_blocks_no_other(
    database: Database, sweeper: Sweeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a fault in the one compilation of the table would make it."""
    await store_all(database, *(prepared(number, CLEANUP_DUE - number * DAY) for number in range(RECORDS)))
    identifier = await spoil(database, {"$set": {"nickname": "Erika Mustermann"}})
    before = await found(database, identifier)
    act = anonymize_pipeline()[0]["$replaceWith"]
    monkeypatch.setattr(anonymize_module, "_PIPELINE", [{"$replaceWith": {**act, "nickname": "$nickname"}}])
    await one_pass(sweeper)
    assert await database.records.count_documents({"anonymized": True}) == RECORDS - 1
    left = await found(database, identifier)
    del left["sweepRetryAt"]
    assert left == before
    assert failed_records() == 1
    assert figure("overdue", action="anonymize") == 1


BAD_FOR_DELETION: Final = {
    "without a version": {"$unset": {"version": ""}},
    "without its flag": {"$unset": {"anonymized": ""}},
}


@pytest.mark.parametrize("how", BAD_FOR_DELETION.values(), ids=BAD_FOR_DELETION)
async def test_a_record_of_another_build_does_not_keep_others_from_being_deleted(
    database: Database, sweeper: Sweeper, how: Document
) -> None:
    await store_all(database, *(prepared(number, DELETION_DUE) for number in range(RECORDS)))
    await spoil(database, how)
    await one_pass(sweeper)
    assert await database.records.count_documents({"_id": {"$ne": prepared(BAD).id}}) == 0


async def test_several_bad_records_are_each_left_out_alone(database: Database, sweeper: Sweeper) -> None:
    await store_all(database, *(prepared(number, CLEANUP_DUE) for number in range(RECORDS)))
    bad = {await spoil(database, {"$set": {"version": "one"}}, number) for number in (0, 1, 7, 19)}
    await one_pass(sweeper)
    left_out = database.records.find({"sweepRetryAt": {"$exists": True}}, {"_id": 1})
    assert {row["_id"] async for row in left_out} == bad
    assert await database.records.count_documents({"anonymized": True}) == RECORDS - len(bad)
    assert failed_records() == len(bad)


async def test_a_record_that_waits_stays_in_the_overdue_figure(database: Database, sweeper: Sweeper) -> None:
    await store_all(database, *(prepared(number, CLEANUP_DUE) for number in range(3)))
    await spoil(database, {"$set": {"version": "one"}}, 1)
    await one_pass(sweeper)
    assert figure("overdue", action="anonymize") == 1
    assert figure("oldest_overdue_seconds", action="anonymize") >= DAY.total_seconds()
    assert (await overdue(database, Action.ANONYMIZE, NOW)).oldest == NOW - DAY


async def retry_now(database: Database, **mended: Any) -> None:
    """Makes the waiting time pass, and mends what was bad."""
    await database.records.update_many(
        {"sweepRetryAt": {"$exists": True}}, {"$set": {"sweepRetryAt": datetime.now(UTC), **mended}}
    )


async def test_a_mended_record_is_erased_at_its_next_try(database: Database, sweeper: Sweeper) -> None:
    await store_all(database, *(prepared(number, CLEANUP_DUE) for number in range(3)))
    identifier = await spoil(database, {"$set": {"version": "one"}}, 1)
    await one_pass(sweeper)
    await retry_now(database, version=1)
    assert await one_pass(sweeper)
    mended = await found(database, identifier)
    assert mended["anonymized"] is True
    assert "sweepRetryAt" not in mended


async def test_the_figure_of_failed_records_counts_each_once_and_falls_again(
    database: Database, sweeper: Sweeper
) -> None:
    await store_all(database, *(prepared(number, CLEANUP_DUE) for number in range(3)))
    await spoil(database, {"$set": {"version": "one"}}, 1)
    for _ in range(3):
        await one_pass(sweeper)
        assert failed_records() == 1
        await retry_now(database)
    await retry_now(database, version=1)
    await one_pass(sweeper)
    assert failed_records() == 0


async def test_a_backlog_takes_several_passes_without_a_pause_and_each_counts_as_a_success(
    database: Database, sweeper: Sweeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeper_module, "PASS_SECONDS", 0.0)
    await store_all(database, *(prepared(number, CLEANUP_DUE) for number in range(3 * BATCH_SIZE)))
    assert await one_pass(sweeper)
    assert await database.records.count_documents({"anonymized": False}) == 0
    first = await last_sweep(database)
    assert first is not None
    assert await one_pass(sweeper)
    assert (await last_sweep(database) or first) > first


async def test_trouble_with_one_action_keeps_no_other_from_going_on(
    database: Database, sweeper: Sweeper
) -> None:
    await store_all(database, prepared(1, CLEANUP_DUE), prepared(2, DELETION_DUE))
    await database.records.drop_index("deletion_due")
    before = figure("sweep_failures_total")
    await one_pass_without_figures(sweeper)
    assert await database.records.count_documents({"anonymized": True}) == 1
    assert figure("sweep_failures_total") > before


async def test_a_paused_sweeper_that_wakes_up_marks_nothing(database: Database, sweeper: Sweeper) -> None:
    await store_all(database, prepared(1, CLEANUP_DUE))
    identifier = await spoil(database, {"$set": {"version": "one"}}, 1)
    before = await found(database, identifier)
    async with database.session() as session:
        await database.state.update_one({"_id": "lease"}, {"$set": {"expires": NOW - DAY}})
        assert await Lease(database, session, "the next", seconds=60).acquire()
        with pytest.raises(LeaseLost):
            await one_pass_without_figures(sweeper)
    assert await found(database, identifier) == before
    assert await last_sweep(database) is None


async def test_a_sweep_that_hangs_is_given_up_so_that_another_process_can_go_on(
    sweeper: Sweeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(*_: object) -> list[str]:
        await asyncio.sleep(60)
        return []

    monkeypatch.setattr(sweeper_module, "sweep", hang)
    monkeypatch.setattr(sweeper_module, "HUNG_SECONDS", 0.1)
    with pytest.raises(Hung, match="a sweep did not end"):
        await one_pass_without_figures(sweeper)


async def test_what_nobody_thought_of_is_tried_again_and_ends_no_process(
    database: Database, sweeper: Sweeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def faulty(*_: object) -> list[str]:
        raise ZeroDivisionError

    await store_all(database, *(prepared(number, CLEANUP_DUE) for number in range(3)))
    with monkeypatch.context() as patched:
        patched.setattr(sweeper_module, "sweep", faulty)
        assert not await one_pass(sweeper)
        assert figure("overdue", action="anonymize") == failed_records() == 3
    await retry_now(database)
    assert await one_pass(sweeper)
    assert await database.records.count_documents({"anonymized": True}) == 3


async def test_a_right_that_is_missing_blames_no_record_and_is_no_success(
    database: Database, sweeper: Sweeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store_all(database, *(prepared(number, CLEANUP_DUE) for number in range(RECORDS)))

    async def refused_by_mongodb(*_: Any) -> list[str]:
        raise StoreForbidden("OperationFailure 13")

    with monkeypatch.context() as patched:
        patched.setattr(sweeper_module, "sweep", refused_by_mongodb)
        assert not await one_pass(sweeper)
    assert await database.records.count_documents({"sweepRetryAt": {"$exists": True}}) == 0
    assert await last_sweep(database) is None
    assert await one_pass(sweeper)
    assert await database.records.count_documents({"anonymized": True}) == RECORDS


async def test_a_pass_that_only_postponed_is_no_success(database: Database, sweeper: Sweeper) -> None:
    await store_all(database, prepared(BAD, CLEANUP_DUE))
    await spoil(database, {"$unset": {"version": ""}})
    assert not await one_pass(sweeper)
    assert await last_sweep(database) is None
    assert failed_records() == 1


@pytest.mark.faults
async def test_a_record_that_somebodys_transaction_holds_keeps_no_other_from_being_erased(
    database: Database, sweeper: Sweeper
) -> None:
    await store_all(database, *(prepared(number, CLEANUP_DUE + number * SKEW) for number in range(3)))
    sweeper._sizes[Action.ANONYMIZE].now = 1
    async with database.session() as session:
        await session.start_transaction()
        held = {"_id": prepared(1).id}
        await database.records.update_one(held, {"$set": {"held": 1}}, session=session)
        assert not await one_pass(sweeper)  # two at once were too much
        assert not await one_pass(sweeper)
        await session.abort_transaction()
    left = await database.records.find({"anonymized": False}).to_list()
    assert [record["_id"] for record in left] == [prepared(1).id]
    assert await one_pass(sweeper)
    assert await database.records.count_documents({"anonymized": True}) == 3
