"""Applying a changed policy: every record once, announced, beside sweeps and ingest, and to the end."""

import asyncio
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta

import pytest

from records.mongo import recompute as recompute_module
from records.mongo.client import Database, settle
from records.mongo.ingest import store
from records.mongo.policies import change_policy, gdpr_policy
from records.mongo.recompute import Batch, NeverSettled, PlanOutdated, Recompute, Waiting
from records.mongo.sweep import Action, SweepContext, sweep
from records.policy import GdprPolicy
from records.policy_document import policy_digest
from tests.integration.store_suite import data
from tests.integration.store_suite.data import DAY, LIVE, NOW, Failing, all_records, prepared, store_all
from tests.integration.store_suite.recomputing import (
    ACTOR,
    AT_ONCE,
    RULES,
    SHORTER,
    audited,
    below,
    confirmed,
    run,
    totals,
)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recompute_module, "BATCH", 7)


async def test_every_record_gets_the_dates_of_the_policy_in_force_and_each_batch_is_announced(
    database: Database,
) -> None:
    old = [prepared(number, NOW - 15 * DAY) for number in range(5)]
    new = [prepared(number) for number in range(5, 20)]
    await store_all(database, *old, *new)

    batches = await run(database, await confirmed(database))

    assert [batch.records for batch in batches if isinstance(batch, Batch)] == [7, 7, 6]
    assert await totals(database) == (20, 20, 0, 5)
    assert {event["actor"] for event in await audited(database)} == {ACTOR}
    for record in (await all_records(database)).values():
        assert record["gdprCleanupDate"] == record["created"] + 10 * DAY
        assert record["deletionDate"] == record["created"] + 30 * DAY
        assert (record["policyVersion"], record["version"]) == (4, 2)
        assert record["lastModified"] >= NOW
    (digest,) = {entry["policyDigest"] async for entry in database.outbox.find()}
    assert digest == policy_digest(SHORTER, RULES)


async def test_what_has_passed_what_a_sender_set_and_what_comes_out_equal(database: Database) -> None:
    masked = prepared(1, data.CLEANUP_DUE)
    gone = prepared(2, data.DELETION_DUE)
    sent = prepared(3, LIVE, gdprCleanupDate=(NOW + DAY).isoformat())
    anonymized = prepared(4, data.CLEANUP_DUE)
    equal = prepared(5)
    await store_all(database, masked, gone, sent, anonymized, equal)
    await database.records.update_one({"_id": anonymized.id}, {"$set": {"anonymized": True}})
    before = await all_records(database)
    longer = GdprPolicy(30, 200, version=4)
    await database.records.update_one({"_id": equal.id}, {"$set": {"deletionDate": LIVE + 230 * DAY}})

    await run(database, await confirmed(database, longer))
    after = await all_records(database)

    for untouched in (gone, sent):
        assert after[untouched.id] == before[untouched.id]
    for passed in (masked, anonymized):
        assert after[passed.id]["gdprCleanupDate"] == before[passed.id]["gdprCleanupDate"]
        assert after[passed.id]["deletionDate"] == before[passed.id]["gdprCleanupDate"] + 200 * DAY
        assert after[passed.id]["version"] == 2
    assert (after[equal.id]["version"], after[equal.id]["lastModified"]) == (1, LIVE)
    assert after[equal.id]["policyVersion"] == 4
    assert await totals(database) == (3, 0, 2, 0)


async def test_recomputing_twice_is_recomputing_once(database: Database) -> None:
    await store_all(database, *(prepared(number) for number in range(10)))
    given = await confirmed(database)
    await run(database, given)
    before = await all_records(database)

    assert await run(database, given) == []
    assert await all_records(database) == before
    assert (await totals(database))[0] == 10


async def test_one_that_ends_between_batches_is_ended_by_another_run(database: Database) -> None:
    await store_all(database, *(prepared(number) for number in range(30)))
    given = await confirmed(database)
    async with aclosing(Recompute(database, given, AT_ONCE).run()) as steps:
        assert isinstance(await anext(steps), Batch)
        assert isinstance(await anext(steps), Batch)
    assert len(await below(database)) == 16

    await run(database, given)

    assert await below(database) == []
    assert {record["version"] for record in (await all_records(database)).values()} == {2}
    assert await totals(database) == (30, 30, 0, 0)


async def test_a_policy_that_changes_meanwhile_stops_it(database: Database) -> None:
    await store_all(database, *(prepared(number) for number in range(10)))
    given = await confirmed(database)
    steps = Recompute(database, given, AT_ONCE).run()
    async with aclosing(steps):
        await anext(steps)
        for days in (11, 10):  # and back: the version alone differs
            current = await gdpr_policy(database)
            await change_policy(database, replace(current, retention_time=days), ACTOR, "1", RULES)
        with pytest.raises(PlanOutdated):
            await anext(steps)
    assert len(await below(database)) == 3
    with pytest.raises(PlanOutdated):
        await run(database, given)
    assert (await totals(database))[0] == 7


async def test_a_record_that_is_stored_by_the_policy_before_is_found_once_that_cannot_be_any_more(
    database: Database,
) -> None:
    given = await confirmed(database)
    waited, late = 0, [prepared(number) for number in range(3)]
    async for step in Recompute(database, given, timedelta(seconds=1)).run():
        if isinstance(step, Waiting):
            waited += 1
            await store(database, late, NOW)
    assert waited == 1
    assert await below(database) == []
    assert (await totals(database))[0] == 3


async def test_it_ends_with_an_error_when_somebody_stores_by_an_old_policy_for_ever(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recompute_module, "_MAX_PASSES", 3)
    given = await confirmed(database)
    await store_all(database, prepared(0))

    async def stored_by_an_old_policy() -> None:
        number = 0
        async for _ in Recompute(database, given, AT_ONCE).run():
            number += 1
            await store_all(database, prepared(number))

    with pytest.raises(NeverSettled):
        await stored_by_an_old_policy()


async def test_a_record_that_somebody_has_broken_stops_nothing(database: Database) -> None:
    await store_all(database, *(prepared(number) for number in range(10)))
    broken = [prepared(1).id, prepared(2).id]
    for identifier, change in zip(broken, ({"version": "one"}, {"created": None}), strict=True):
        await database.records.update_one({"_id": identifier}, {"$set": change})
    await run(database, await confirmed(database))
    assert sorted(await below(database)) == sorted(broken)


async def test_beside_sweeps_and_ingest_each_record_is_moved_once_and_none_is_revived(
    context: SweepContext,
) -> None:
    database = context.database
    due = [prepared(number, data.CLEANUP_DUE) for number in range(60)]
    gone = [prepared(number, data.DELETION_DUE) for number in range(60, 100)]
    live = [prepared(number) for number in range(100, 160)]
    await store_all(database, *due, *gone, *live)
    given = await confirmed(database)

    async def sweeps() -> None:
        for action in (Action.DELETE, Action.ANONYMIZE):
            while await sweep(context, action, 5):
                pass

    async def ingest() -> None:
        for number in range(160, 220, 6):
            await store(database, [prepared(n) for n in range(number, number + 6)], NOW)

    async with asyncio.timeout(60):
        await asyncio.gather(run(database, given, timedelta(seconds=1)), sweeps(), ingest())
    await run(database, given)

    left = await all_records(database)
    assert set(left) == {record.id for record in due + live} | {prepared(n).id for n in range(160, 220)}
    for record in due:
        assert left[record.id]["anonymized"]
        assert left[record.id]["gdprCleanupDate"] == data.CLEANUP_DUE + 30 * DAY
        assert left[record.id]["deletionDate"] == data.CLEANUP_DUE + 50 * DAY
        assert left[record.id]["version"] == 3
    assert {left[record.id]["version"] for record in live} == {2}
    assert await below(database) == []
    assert await totals(database) == (180, 180, 0, 0)
    assert await database.ledger.count_documents({}) == 40


async def test_a_batch_that_meets_others_is_tried_again(database: Database) -> None:
    """Another writer holds a record of the batch until a while later."""
    await store_all(database, *(prepared(number) for number in range(5)))
    given = await confirmed(database)
    async with database.session() as session:
        await settle(session.start_transaction())
        await database.records.update_one(
            {"_id": prepared(1).id}, {"$set": {"facilityRef": "x"}}, session=session
        )
        running = asyncio.create_task(run(database, given))
        await asyncio.sleep(0.3)
        await session.commit_transaction()
    async with asyncio.timeout(30):
        await running
    assert await below(database) == []
    assert await totals(database) == (5, 5, 0, 0)


async def test_mongodb_that_is_busy_for_a_while_is_waited_for(breakable: Database, failing: Failing) -> None:
    await store_all(breakable, *(prepared(number) for number in range(20)))
    given = await confirmed(breakable)
    with failing("update", {"times": 2}, errorCode=11602):
        await run(breakable, given)
    assert await below(breakable) == []
    assert await totals(breakable) == (20, 20, 0, 0)
