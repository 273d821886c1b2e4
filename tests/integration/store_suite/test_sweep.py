"""The sweep: oldest first, never early, one transaction with ledger and outbox, numbers without a gap."""

from datetime import timedelta
from typing import Any

import pytest

from records.mask import mask
from records.mongo.client import Database
from records.mongo.errors import StoreError
from records.mongo.sweep import (
    NEVER_ANONYMIZED,
    Action,
    PostConditionFailed,
    SweepContext,
    failed_alone,
    next_due,
    oldest_due,
    overdue,
    postpone,
    sweep,
)
from tests.integration.store_suite.data import (
    CLEANUP_DUE,
    DAY,
    DELETION_DUE,
    LEDGER_TIME,
    LIVE,
    NOW,
    STAMP,
    MakeLease,
    all_records,
    outbox_entries,
    prepared,
    store_all,
    sweep_context,
)

CREATED_OF = {Action.ANONYMIZE: CLEANUP_DUE, Action.DELETE: DELETION_DUE}
MILLISECOND = timedelta(milliseconds=1)
both_actions = pytest.mark.parametrize("action", CREATED_OF)


async def taken(database: Database) -> list[int]:
    return [entry["n"] for entry in await outbox_entries(database)]


async def number_handed_out(database: Database) -> Any:
    return (await database.state.find_one({"_id": "lease"}) or {})["n"]


async def test_anonymization_leaves_what_the_mask_shows(context: SweepContext) -> None:
    database = context.database
    await store_all(database, *(prepared(number, CLEANUP_DUE) for number in range(60)))
    expected = {key: mask(record) for key, record in (await all_records(database)).items()}
    assert sorted(await sweep(context, Action.ANONYMIZE, 100)) == sorted(expected)
    assert await all_records(database) == expected


async def test_anonymization_is_announced_with_what_was_done(context: SweepContext) -> None:
    record = prepared(1, CLEANUP_DUE)
    await store_all(context.database, record)
    await sweep(context, Action.ANONYMIZE, 10)
    (entry,) = await outbox_entries(context.database)
    assert entry == {
        "_id": entry["_id"],
        "kind": "anonymized",
        "time": entry["time"],
        "template": 1,
        "build": STAMP.build,
        "policyVersion": STAMP.policy_version,
        "policyDigest": STAMP.policy_digest,
        "items": [[record.id, 2, record.gdpr_cleanup_date, []]],
        "n": 1,
    }
    assert NOW <= entry["time"] <= NOW + 600 * timedelta(seconds=1)


async def test_deletion_leaves_the_bare_id_in_the_ledger(context: SweepContext) -> None:
    database, gone, stays = context.database, prepared(1, DELETION_DUE), prepared(2, LIVE)
    await store_all(database, gone, stays)
    assert await sweep(context, Action.DELETE, 10) == [gone.id]
    assert list(await all_records(database)) == [stays.id]
    (left,) = await database.ledger.find().to_list(None)
    (entry,) = await outbox_entries(database)
    assert left == {"_id": gone.id, "expiresAt": entry["time"] + LEDGER_TIME}


async def test_deletion_says_when_a_record_was_never_anonymized(context: SweepContext) -> None:
    database, never, before = context.database, prepared(1, DELETION_DUE), prepared(2, DELETION_DUE - DAY)
    await store_all(database, never, before)
    await database.records.update_one({"_id": before.id}, {"$set": {"anonymized": True, "version": 2}})
    await sweep(context, Action.DELETE, 10)
    (entry,) = await outbox_entries(database)
    deletion = prepared(1, DELETION_DUE).gdpr_cleanup_date + 180 * DAY
    assert entry["kind"] == "deleted"
    assert entry["items"] == [
        [before.id, 2, deletion - DAY, []],
        [never.id, 1, deletion, [NEVER_ANONYMIZED]],
    ]


async def test_deletion_of_an_id_that_is_in_the_ledger_already_succeeds(context: SweepContext) -> None:
    record = prepared(1, DELETION_DUE)
    await store_all(context.database, record)
    await context.database.ledger.insert_one({"_id": record.id, "expiresAt": NOW + DAY})
    assert await sweep(context, Action.DELETE, 10) == [record.id]


async def test_a_record_past_its_deletion_date_is_deleted_and_not_anonymized(context: SweepContext) -> None:
    record = prepared(1, DELETION_DUE)
    await store_all(context.database, record)
    assert await sweep(context, Action.ANONYMIZE, 10) == []
    assert await sweep(context, Action.DELETE, 10) == [record.id]


async def test_an_anonymized_record_is_not_anonymized_twice(context: SweepContext) -> None:
    await store_all(context.database, prepared(1, CLEANUP_DUE))
    assert len(await sweep(context, Action.ANONYMIZE, 10)) == 1
    before = await all_records(context.database)
    assert await sweep(context, Action.ANONYMIZE, 10) == []
    assert await all_records(context.database) == before


@both_actions
async def test_the_oldest_due_go_first_and_no_more_than_the_limit(
    context: SweepContext, action: Action
) -> None:
    newest_first = [prepared(number, CREATED_OF[action] - number * DAY) for number in range(7)]
    await store_all(context.database, *newest_first)
    oldest_first = [record.id for record in reversed(newest_first)]
    steps = [await sweep(context, action, 3) for _ in range(4)]
    assert steps == [oldest_first[:3], oldest_first[3:6], oldest_first[6:], []]


@both_actions
async def test_numbers_have_no_gap_and_nothing_due_takes_none(context: SweepContext, action: Action) -> None:
    database = context.database
    assert await sweep(context, action, 10) == []
    assert await number_handed_out(database) == 0
    await store_all(database, *(prepared(number, CREATED_OF[action]) for number in range(5)))
    for _ in range(4):
        await sweep(context, action, 2)
        await sweep(context, Action.ERASE_QUARANTINED, 2)
    assert await taken(database) == [1, 2, 3]
    assert await number_handed_out(database) == 3


@both_actions
async def test_nothing_is_erased_before_the_cutoff(context: SweepContext, action: Action) -> None:
    database, record = context.database, prepared(1, LIVE)
    await store_all(database, record)
    due = {Action.ANONYMIZE: LIVE + 30 * DAY, Action.DELETE: LIVE + 210 * DAY}[action]
    early = sweep_context(database, context.lease, due - MILLISECOND)
    assert await sweep(early, action, 10) == []
    assert await sweep(sweep_context(database, context.lease, due), action, 10) == [record.id]


async def test_a_cutoff_that_refuses_stops_the_sweep(context: SweepContext) -> None:
    await store_all(context.database, prepared(1, CLEANUP_DUE))
    before = await all_records(context.database)
    refusing = SweepContext(context.database, context.lease, STAMP, LEDGER_TIME, lambda _: 1 / 0)  # type: ignore[arg-type,return-value]
    with pytest.raises(ZeroDivisionError):
        await sweep(refusing, Action.ANONYMIZE, 10)
    assert await all_records(context.database) == before
    assert await number_handed_out(context.database) == 0


async def test_what_the_table_does_not_keep_rolls_the_batch_back(context: SweepContext) -> None:
    database = context.database
    await store_all(database, prepared(1, CLEANUP_DUE), prepared(2, CLEANUP_DUE))
    where = {"_id": prepared(2).id}
    await database.records.update_one(where, {"$set": {"facilityRef": {"name": "Erika Mustermann"}}})
    before = await all_records(database)
    with pytest.raises(PostConditionFailed, match=r"^anonymization would leave /facilityRef$"):
        await sweep(context, Action.ANONYMIZE, 10)
    assert await all_records(database) == before
    assert await taken(database) == []
    assert await number_handed_out(database) == 0


async def test_a_change_that_mongodb_refuses_rolls_the_batch_back(context: SweepContext) -> None:
    database = context.database
    await store_all(database, prepared(1, CLEANUP_DUE), prepared(2, CLEANUP_DUE))
    await database.records.update_one({"_id": prepared(2).id}, {"$set": {"version": "one"}})
    before = await all_records(database)
    with pytest.raises(StoreError):
        await sweep(context, Action.ANONYMIZE, 10)
    assert await all_records(database) == before
    assert await number_handed_out(database) == 0


@both_actions
async def test_a_postponed_record_waits_for_its_time_and_stays_overdue(
    context: SweepContext, action: Action
) -> None:
    database, record = context.database, prepared(1, CREATED_OF[action])
    await store_all(database, record, prepared(2, LIVE))
    await postpone(database, action, record.id, NOW + MILLISECOND)
    assert await sweep(context, action, 10) == []
    assert await oldest_due(context, action) is None
    figure = await overdue(database, action, NOW)
    assert (figure.count, figure.oldest) == (1, NOW - DAY)
    later = sweep_context(database, context.lease, NOW + MILLISECOND)
    assert await oldest_due(later, action) == record.id
    assert await sweep(later, action, 10) == [record.id]
    assert (await overdue(database, action, NOW)).count == 0


async def test_what_is_overdue_is_counted_for_the_action_that_will_take_it(context: SweepContext) -> None:
    database = context.database
    await store_all(database, prepared(1, CLEANUP_DUE), prepared(2, DELETION_DUE), prepared(3, LIVE))
    assert {(await overdue(database, action, NOW)).count for action in CREATED_OF} == {1}
    for action in CREATED_OF:
        await sweep(context, action, 10)
        assert (await overdue(database, action, NOW)).count == 0


async def test_records_that_failed_alone_are_counted_until_they_are_erased(context: SweepContext) -> None:
    database = context.database
    await store_all(database, prepared(1, CLEANUP_DUE), prepared(2, DELETION_DUE))
    await postpone(database, Action.ANONYMIZE, prepared(1).id, NOW)
    await postpone(database, Action.DELETE, prepared(2).id, NOW)
    assert await failed_alone(database) == 2
    await sweep(context, Action.ANONYMIZE, 10)
    assert await failed_alone(database) == 1
    await sweep(context, Action.DELETE, 10)
    assert await failed_alone(database) == 0


@both_actions
async def test_the_earliest_date_to_come_is_known(database: Database, action: Action) -> None:
    assert await next_due(database, action, NOW) is None
    await store_all(database, prepared(1, LIVE), prepared(2, LIVE - DAY), prepared(3, DELETION_DUE))
    days = {Action.ANONYMIZE: 28, Action.DELETE: 208}[action]
    assert await next_due(database, action, NOW) == NOW + days * DAY


@both_actions
async def test_two_sweepers_of_one_leader_share_no_record(
    context: SweepContext, make_lease: MakeLease, action: Action
) -> None:
    database = context.database
    await store_all(database, *(prepared(number, CREATED_OF[action]) for number in range(30)))
    twin = sweep_context(database, await make_lease("leader"))
    done: list[str] = []
    for _ in range(3):
        done += await sweep(context, action, 5)
        done += await sweep(twin, action, 5)
    assert len(set(done)) == len(done) == 30
    assert await taken(database) == [1, 2, 3, 4, 5, 6]
