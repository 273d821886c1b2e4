"""Replay: an entry leaves in the transaction that stores its order, or it stays; nothing in between."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from records.mongo import outbox, quarantine_replay
from records.mongo.client import Database
from records.mongo.errors import StoreError
from records.mongo.ingest import Outcome, Stored, store
from records.mongo.quarantine_replay import Fate, replay
from records.mongo.sweep import Action, SweepContext, sweep
from records.reasons import Reason
from tests.integration.store_suite.data import (
    DAY,
    LIVE,
    NOW,
    all_records,
    erase,
    other,
    outbox_entries,
    prepared,
    store_all,
)
from tests.integration.store_suite.replays import (
    ACT,
    ACTOR,
    accepted,
    entry_id,
    fates,
    items,
    put,
    refused_again,
    rows,
)


def announcement(
    number: int, outcome: str, reason: str = "NOT_JSON", pointer: str = "/lineItems/0/*"
) -> list[Any]:
    return ["orders", 2, number, reason, pointer, outcome, ACTOR]


async def test_what_is_stored_leaves_the_quarantine_and_is_announced(database: Database) -> None:
    await put(database, 1, 2)
    assert await fates(database, accepted(1)) == [Fate.CREATED]
    assert set(await all_records(database)) == {prepared(1).id}
    assert set(await rows(database)) == {entry_id(2)}
    assert await items(database) == [announcement(1, "CREATED")]


async def test_an_order_that_is_there_already_is_unchanged_and_its_entry_leaves(database: Database) -> None:
    await store_all(database, prepared(1))
    await put(database, 1)
    before = await all_records(database)
    assert await fates(database, accepted(1)) == [Fate.UNCHANGED]
    assert await all_records(database) == before
    assert await rows(database) == {}
    assert await items(database) == [announcement(1, "UNCHANGED")]


async def test_an_erased_order_is_not_stored_again_and_nothing_of_it_is_kept(database: Database) -> None:
    await erase(database, prepared(1).id)
    await put(database, 1)
    assert await fates(database, accepted(1)) == [Fate.ERASED]
    assert await all_records(database) == {}
    assert await rows(database) == {}
    assert await items(database) == [announcement(1, "ERASED")]


async def test_the_other_content_of_an_order_that_was_erased_meanwhile_is_never_stored(
    context: SweepContext,
) -> None:
    database = context.database
    await store_all(database, prepared(1))
    await put(database, 1, reason=Reason.CONFLICT)
    assert await fates(database, accepted(1, other(1))) == [Fate.REFUSED]
    past = {"gdprCleanupDate": NOW - 2 * DAY, "deletionDate": NOW - DAY}
    await database.records.update_one({"_id": prepared(1).id}, {"$set": past})
    await sweep(context, Action.DELETE, 10)
    assert await fates(database, accepted(1, other(1))) == [Fate.ERASED]
    assert await all_records(database) == {}
    assert await rows(database) == {}


async def test_a_conflict_stays_with_its_reason_and_no_longer_than_the_stored_order(
    database: Database,
) -> None:
    stored = prepared(1)
    await store_all(database, stored)
    await put(database, 1, due=NOW + 300 * DAY)
    before = (await rows(database))[entry_id(1)]
    (became,) = await replay(database, [accepted(1, other(1))], ACT)
    assert (became.fate, became.refused and became.refused.reason) == (Fate.REFUSED, Reason.CONFLICT)
    changed = {"reason": "CONFLICT", "pointer": "", "recordId": stored.id, "due": stored.gdpr_cleanup_date}
    assert (await rows(database))[entry_id(1)] == {**before, **changed}
    assert await items(database) == [announcement(1, "REFUSED", "CONFLICT", "")]


async def test_a_conflict_lengthens_no_life(database: Database) -> None:
    await store_all(database, prepared(1))
    await put(database, 1, due=NOW + DAY)
    await fates(database, accepted(1, other(1)))
    assert (await rows(database))[entry_id(1)]["due"] == NOW + DAY


async def test_what_is_refused_again_stays_with_the_reason_of_now(database: Database) -> None:
    await put(database, 1)
    before = (await rows(database))[entry_id(1)]
    assert await fates(database, refused_again(1, record_id="an order")) == [Fate.REFUSED]
    changed = {"reason": "WRONG_TYPE", "pointer": "/payload", "recordId": "an order"}
    assert (await rows(database))[entry_id(1)] == {**before, **changed}
    assert await items(database) == [announcement(1, "REFUSED", "WRONG_TYPE", "/payload")]


async def test_the_same_refusal_again_is_no_news(database: Database) -> None:
    await put(database, 1)
    await fates(database, refused_again(1))
    before = await rows(database)
    assert await fates(database, refused_again(1)) == [Fate.REFUSED]
    assert await rows(database) == before
    assert len(await items(database)) == 1


async def test_doing_it_again_changes_and_announces_nothing(database: Database) -> None:
    await store_all(database, prepared(3))
    await put(database, 1, 2, 3, 4)
    batch = [accepted(1), refused_again(2), accepted(3), accepted(4, other(3))]
    assert await fates(database, *batch) == [Fate.CREATED, Fate.REFUSED, Fate.UNCHANGED, Fate.REFUSED]
    before = await all_records(database), await rows(database), await outbox_entries(database)
    assert await fates(database, *batch) == [Fate.GONE, Fate.REFUSED, Fate.GONE, Fate.REFUSED]
    assert (await all_records(database), await rows(database), await outbox_entries(database)) == before


async def test_what_is_due_is_not_brought_back_before_the_sweep_came_by(context: SweepContext) -> None:
    database = context.database
    await put(database, 1, due=NOW)
    assert await fates(database, accepted(1), refused_again(2)) == [Fate.GONE, Fate.GONE]
    assert await all_records(database) == {}
    assert await sweep(context, Action.ERASE_QUARANTINED, 10) == [entry_id(1)]
    assert await fates(database, accepted(1)) == [Fate.GONE]
    assert await all_records(database) == {}


async def test_of_two_entries_of_one_order_the_first_is_stored(database: Database) -> None:
    await put(database, 1, 2, 3)
    batch = [accepted(1), accepted(2, prepared(1)), accepted(3, other(1))]
    assert await fates(database, *batch) == [Fate.CREATED, Fate.UNCHANGED, Fate.REFUSED]
    assert set(await rows(database)) == {entry_id(3)}


async def test_dry_nothing_is_written_and_the_same_is_said(database: Database) -> None:
    await store_all(database, prepared(2))
    await erase(database, prepared(3).id)
    await put(database, 1, 2, 3, 4, 5)
    batch = [accepted(1), accepted(2), accepted(3), accepted(4, other(2)), refused_again(5), accepted(6)]
    before = await all_records(database), await rows(database)
    said = await fates(database, *batch, dry=True)
    assert (await all_records(database), await rows(database)) == before
    assert await outbox_entries(database) == []
    assert await fates(database, *batch) == said
    assert said == [Fate.CREATED, Fate.UNCHANGED, Fate.ERASED, Fate.REFUSED, Fate.REFUSED, Fate.GONE]


async def test_a_replayed_entry_takes_no_number_and_is_not_erased_again(context: SweepContext) -> None:
    database = context.database
    await put(database, 1, 2, due=NOW + DAY)
    await fates(database, accepted(1), refused_again(2))
    await database.quarantine.update_many({}, {"$set": {"due": NOW}})
    assert await sweep(context, Action.ERASE_QUARANTINED, 10) == [entry_id(2)]
    numbered = [(each["n"], each["items"]) for each in await outbox_entries(database) if "n" in each]
    assert numbered == [(1, [["orders", 2, 2, "WRONG_TYPE", NOW]])]


async def test_a_redelivery_of_a_replayed_event_is_unchanged(database: Database) -> None:
    await put(database, 1)
    await fates(database, accepted(1))
    assert await store(database, [prepared(1, NOW)], NOW) == [Outcome(Stored.UNCHANGED)]
    assert (await all_records(database))[prepared(1).id]["created"] == LIVE


Step = Callable[..., Awaitable[Any]]


def breaking(after: Step | None) -> Step:
    """Does what it stands for, and fails then; or fails at once."""

    async def broken(*given: Any, **named: Any) -> None:
        if after is not None:
            await after(*given, **named)
        raise StoreError("killed here")

    return broken


@pytest.mark.parametrize(
    ("module", "step", "does_it"),
    [
        (quarantine_replay, "store_part", False),
        (quarantine_replay, "store_part", True),
        (outbox, "append", False),
        (outbox, "append", True),
        (quarantine_replay, "_write", True),
    ],
)
async def test_a_failure_between_any_two_steps_changes_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch, module: Any, step: str, *, does_it: bool
) -> None:
    await put(database, 1, 2, 3)
    batch = [accepted(1), accepted(2), refused_again(3)]
    before = await rows(database)
    with monkeypatch.context() as patch:
        patch.setattr(module, step, breaking(getattr(module, step) if does_it else None))
        with pytest.raises(StoreError, match="killed here"):
            await replay(database, batch, ACT)
    assert (await all_records(database), await rows(database)) == ({}, before)
    assert await outbox_entries(database) == []
    assert await fates(database, *batch) == [Fate.CREATED, Fate.CREATED, Fate.REFUSED]


async def test_a_batch_is_split_by_what_a_transaction_holds(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = range(11)
    await put(database, *numbers)
    monkeypatch.setattr(quarantine_replay, "MAX_RECORDS", 10)
    assert set(await fates(database, *(accepted(number) for number in numbers))) == {Fate.CREATED}
    assert await database.quarantine.count_documents({}) == 0
    sizes = [len(each["items"]) for each in await outbox_entries(database)]
    assert sorted(sizes) == [1, 10]
