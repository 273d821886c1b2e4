"""The sweep: oldest first, never early, one transaction with ledger and outbox, numbers without a gap."""

from datetime import timedelta
from typing import Any

import pytest

from records.mask import mask
from records.mongo import anonymize as anonymize_module
from records.mongo.anonymize import PostConditionFailed
from records.mongo.client import Database
from records.mongo.errors import StoreError
from records.mongo.overdue import due_within, failed_alone, next_due, overdue
from records.mongo.sweep import (
    NEVER_ANONYMIZED,
    Action,
    SweepContext,
    Watermark,
    postpone_oldest,
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
DATE_OF = {Action.ANONYMIZE: "gdprCleanupDate", Action.DELETE: "deletionDate"}
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


async def test_a_member_that_the_table_does_not_know_goes_wherever_a_newer_version_wrote_it(
    context: SweepContext,
) -> None:
    database, record = context.database, prepared(1, CLEANUP_DUE)
    await store_all(database, record)
    members = ("nickname", "consumer.nickname", "lineItems.0.nickname", "pricing.total.nickname")
    newer = {member: {"of": "Erika Mustermann"} for member in members}
    await database.records.update_one({"_id": record.id}, {"$set": newer})
    before = (await all_records(database))[record.id]
    assert await sweep(context, Action.ANONYMIZE, 10) == [record.id]
    left = (await all_records(database))[record.id]
    assert left == mask(before)
    assert "nickname" not in repr(left)
    assert len(await outbox_entries(database)) == 1


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


async def test_an_object_in_the_place_of_a_kept_value_goes_and_the_record_is_announced_once(
    context: SweepContext,
) -> None:
    database, odd = context.database, prepared(2).id
    await store_all(database, prepared(1, CLEANUP_DUE), prepared(2, CLEANUP_DUE))
    overgrown = {"facilityRef": {"name": "Erika Mustermann"}, "lineItems.0.article.title": ["Erika"]}
    await database.records.update_one({"_id": odd}, {"$set": overgrown})
    expected = {key: mask(record) for key, record in (await all_records(database)).items()}
    assert len(await sweep(context, Action.ANONYMIZE, 10)) == 2
    assert await all_records(database) == expected
    assert "Erika" not in repr(expected)
    assert "facilityRef" not in expected[odd]
    (entry,) = await outbox_entries(database)
    assert sorted(item[:2] for item in entry["items"]) == sorted([[prepared(1).id, 2], [odd, 2]])


@pytest.mark.parametrize(
    ("pipelines", "change", "told"),
    [
        (("_PIPELINE",), {"nickname": "Erika"}, r"^anonymization would leave /\*$"),
        (("_PIPELINE", "_SCALARS"), {"facilityRef": {"name": "Erika"}}, "an object or a list"),
    ],
    ids=["a member too many", "an object in the place of a value"],
)
async def test_what_the_table_does_not_keep_rolls_the_batch_back(
    context: SweepContext,
    monkeypatch: pytest.MonkeyPatch,
    pipelines: tuple[str, ...],
    change: dict[str, Any],
    told: str,
) -> None:
    """As a fault in a compilation of the table would leave it."""
    database = context.database
    await store_all(database, prepared(1, CLEANUP_DUE), prepared(2, CLEANUP_DUE))
    await database.records.update_one({"_id": prepared(2).id}, {"$set": change})
    for pipeline in pipelines:
        (stage,) = getattr(anonymize_module, pipeline)
        faulty = {**stage["$replaceWith"], **{name: f"${name}" for name in change}}
        monkeypatch.setattr(anonymize_module, pipeline, [{"$replaceWith": faulty}])
    before = await all_records(database)
    with pytest.raises(PostConditionFailed, match=told):
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
    assert await postpone_oldest(context, action, DAY) == record.id
    assert await sweep(context, action, 10) == []
    assert await postpone_oldest(context, action, DAY) is None
    figure = await overdue(database, action, NOW)
    assert (figure.count, figure.oldest) == (1, NOW - DAY)
    later = sweep_context(database, context.lease, NOW + 2 * DAY)
    assert await sweep(later, action, 10) == [record.id]
    assert (await overdue(database, action, NOW)).count == 0


@both_actions
async def test_the_one_that_is_postponed_is_the_one_that_a_sweep_of_one_would_take(
    context: SweepContext, action: Action
) -> None:
    records = [prepared(number, CREATED_OF[action] - number * DAY) for number in range(3)]
    await store_all(context.database, *records)
    assert await postpone_oldest(context, action, DAY) == records[2].id
    assert await sweep(context, action, 1) == [records[1].id]
    assert await taken(context.database) == [1]


async def test_what_is_overdue_is_counted_for_the_action_that_will_take_it(context: SweepContext) -> None:
    database = context.database
    await store_all(database, prepared(1, CLEANUP_DUE), prepared(2, DELETION_DUE), prepared(3, LIVE))
    assert {(await overdue(database, action, NOW)).count for action in CREATED_OF} == {1}
    for action in CREATED_OF:
        await sweep(context, action, 10)
        assert (await overdue(database, action, NOW)).count == 0


async def test_records_that_failed_alone_are_counted_until_they_are_erased(context: SweepContext) -> None:
    database, later = context.database, sweep_context(context.database, context.lease, NOW + 2 * DAY)
    await store_all(database, prepared(1, CLEANUP_DUE), prepared(2, DELETION_DUE))
    for action in CREATED_OF:
        await postpone_oldest(context, action, DAY)
    assert await failed_alone(database) == 2
    await sweep(later, Action.ANONYMIZE, 10)
    assert await failed_alone(database) == 1
    await sweep(later, Action.DELETE, 10)
    assert await failed_alone(database) == 0


async def test_what_falls_due_within_a_span_is_counted_from_now_on(database: Database) -> None:
    due_at = [NOW - MILLISECOND, NOW, NOW + MILLISECOND, NOW + DAY, NOW + DAY + MILLISECOND]
    for first, days, action in ((0, 30, Action.ANONYMIZE), (10, 210, Action.DELETE)):
        await store_all(database, *(prepared(first + i, at - days * DAY) for i, at in enumerate(due_at)))
        assert await due_within(database, action, NOW, DAY) == 2
        assert await due_within(database, action, NOW, DAY, at_most=1) == 1
    assert await due_within(database, Action.ERASE_QUARANTINED, NOW, DAY) == 0


async def test_counting_ends_where_it_is_told_to(database: Database) -> None:
    await store_all(database, *(prepared(number, CLEANUP_DUE) for number in range(5)))
    figure = await overdue(database, Action.ANONYMIZE, NOW, at_most=3)
    assert (figure.count, figure.oldest) == (3, NOW - DAY)


@both_actions
async def test_a_pass_goes_on_from_its_watermark_and_skips_none_of_the_same_date(
    context: SweepContext, action: Action
) -> None:
    records = [prepared(number, CREATED_OF[action] - number // 4 * DAY) for number in range(12)]
    await store_all(context.database, *records)
    mark, done = Watermark(), list[str]()
    while ids := await sweep(context, action, 3, mark):
        done += ids
    assert sorted(done) == sorted(record.id for record in records)
    assert mark.reached == NOW - DAY


@both_actions
async def test_what_comes_in_behind_the_watermark_or_is_moved_there_is_for_the_next_pass(
    context: SweepContext, action: Action
) -> None:
    database, created, date = context.database, CREATED_OF[action], DATE_OF[action]
    await store_all(database, prepared(1, created), prepared(2, LIVE))
    mark = Watermark()
    assert await sweep(context, action, 10, mark) == [prepared(1).id]
    late, moved = prepared(3, created - DAY), prepared(2).id
    await store_all(database, late)
    await database.records.update_one({"_id": moved}, {"$set": {date: NOW - 3 * DAY}})
    assert await sweep(context, action, 10, mark) == []
    assert await sweep(context, action, 10, Watermark()) == [moved, late.id]


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
