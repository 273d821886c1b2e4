"""Reading a quarantined event and giving it up: announced in the same transaction, or not done at all."""

import asyncio
from typing import Any

import pytest

from records.mongo import outbox, quarantine_acts
from records.mongo.client import Database, Document
from records.mongo.errors import StoreError
from records.mongo.quarantine import quarantine
from records.mongo.quarantine_acts import Act, Dropped, drop, show
from records.mongo.sweep import Action, SweepContext, sweep
from records.quarantine import CannotOpen, DropGrounds, QuarantineKey, ShowGrounds
from tests.integration.store_suite.data import (
    DAY,
    KEY,
    LEDGER_TIME,
    NOW,
    STAMP,
    outbox_entries,
    raw_event,
    refused,
)

ACTOR = "5f1e578d1ca982d2a636924b631770b9"
ACT = Act(ACTOR, NOW, STAMP)
SEVEN, EIGHT = raw_event(7), raw_event(8)
ID, OTHER = SEVEN.position.entry_id, EIGHT.position.entry_id
INCIDENT, SENT_AGAIN = ShowGrounds.INCIDENT, DropGrounds.SENT_AGAIN


@pytest.fixture
async def filled(database: Database) -> Database:
    """Two entries, and an empty outbox."""
    await quarantine(database, [refused(SEVEN), refused(EIGHT)], KEY, STAMP, NOW, LEDGER_TIME)
    await database.outbox.delete_many({})
    return database


async def rows(database: Database) -> dict[str, Document]:
    return {row["_id"]: row async for row in database.quarantine.find()}


async def announced(database: Database) -> list[tuple[str, Any]]:
    return [(each["kind"], each["items"]) for each in await outbox_entries(database)]


async def refuse(*_: object, **__: object) -> None:
    raise StoreError("no")


async def test_showing_gives_the_event_as_it_came_and_says_so(filled: Database) -> None:
    assert await show(filled, ID, KEY, INCIDENT, ACT) == SEVEN
    assert await announced(filled) == [
        ("quarantine.shown", [["orders", 2, 7, "NOT_JSON", "INCIDENT", ACTOR]])
    ]


async def test_showing_changes_nothing_and_each_time_is_announced(filled: Database) -> None:
    before = await rows(filled)
    await show(filled, ID, KEY, INCIDENT, ACT)
    await show(filled, ID, KEY, ShowGrounds.PUBLISHER_SUPPORT, ACT)
    assert await rows(filled) == before
    grounds = [items[0][4] for _, items in await announced(filled)]
    assert sorted(grounds) == ["INCIDENT", "PUBLISHER_SUPPORT"]


async def test_nothing_is_shown_that_cannot_be_announced(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "append", refuse)
    with pytest.raises(StoreError):
        await show(filled, ID, KEY, INCIDENT, ACT)


async def test_what_is_due_or_bare_or_unknown_is_not_shown_and_nothing_announced(filled: Database) -> None:
    due = Act(ACTOR, NOW + 30 * DAY, STAMP)
    assert await show(filled, ID, KEY, INCIDENT, due) is None
    assert await show(filled, "orders/2/9/1", KEY, INCIDENT, ACT) is None
    await drop(filled, [ID], SENT_AGAIN, ACT, LEDGER_TIME)
    await filled.outbox.delete_many({})
    assert await show(filled, ID, KEY, INCIDENT, ACT) is None
    assert await announced(filled) == []


async def test_with_another_key_nothing_is_shown_and_nothing_announced(filled: Database) -> None:
    with pytest.raises(CannotOpen, match="another key"):
        await show(filled, ID, QuarantineKey.derive(bytes([1] * 32)), INCIDENT, ACT)
    assert await announced(filled) == []


async def test_dropping_leaves_the_bare_entry_and_says_so(filled: Database) -> None:
    before = await rows(filled)
    assert await drop(filled, [ID], SENT_AGAIN, ACT, LEDGER_TIME) == [Dropped.DROPPED]
    after = await rows(filled)
    bare = {name: before[ID][name] for name in before[ID].keys() - {"sealed", "keyId", "due"}}
    assert after == {
        ID: {**bare, "dropped": "SENT_AGAIN", "expiresAt": NOW + LEDGER_TIME},
        OTHER: before[OTHER],
    }
    assert await announced(filled) == [
        ("quarantine.dropped", [["orders", 2, 7, "NOT_JSON", "SENT_AGAIN", ACTOR]])
    ]


async def test_a_redelivery_does_not_bring_a_dropped_event_back(filled: Database) -> None:
    await drop(filled, [ID], SENT_AGAIN, ACT, LEDGER_TIME)
    before = await rows(filled)
    assert await quarantine(filled, [refused(SEVEN)], KEY, STAMP, NOW, LEDGER_TIME) == 0
    assert await rows(filled) == before


async def test_dropping_again_changes_and_announces_nothing(filled: Database) -> None:
    await drop(filled, [ID], SENT_AGAIN, ACT, LEDGER_TIME)
    before = await rows(filled)
    again = await drop(filled, [ID, OTHER, "orders/2/9/1"], DropGrounds.NOT_AN_ORDER, ACT, LEDGER_TIME)
    assert again == [Dropped.ALREADY_BARE, Dropped.DROPPED, Dropped.UNKNOWN]
    assert (await rows(filled))[ID] == before[ID]
    assert [items for _, items in await announced(filled)][1:] == [
        [["orders", 2, 8, "NOT_JSON", "NOT_AN_ORDER", ACTOR]]
    ]


async def test_nothing_is_dropped_that_cannot_be_announced(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await rows(filled)
    with monkeypatch.context() as patch:
        patch.setattr(outbox, "append", refuse)
        with pytest.raises(StoreError):
            await drop(filled, [ID], SENT_AGAIN, ACT, LEDGER_TIME)
    assert await rows(filled) == before


async def test_a_dropped_entry_is_not_erased_again_and_takes_no_number(context: SweepContext) -> None:
    database = context.database
    await quarantine(database, [refused(SEVEN, due=NOW + DAY)], KEY, STAMP, NOW, LEDGER_TIME)
    await drop(database, [ID], SENT_AGAIN, ACT, LEDGER_TIME)
    assert await sweep(context, Action.ERASE_QUARANTINED, 10) == []
    assert [each["kind"] for each in await outbox_entries(database) if "n" in each] == []


async def test_one_that_was_postponed_keeps_nothing_of_it(filled: Database) -> None:
    await filled.quarantine.update_one({"_id": ID}, {"$set": {"sweepRetryAt": NOW}})
    await drop(filled, [ID], SENT_AGAIN, ACT, LEDGER_TIME)
    assert "sweepRetryAt" not in (await rows(filled))[ID]


async def test_of_two_who_drop_at_once_one_does(filled: Database) -> None:
    both = await asyncio.gather(*(drop(filled, [ID], SENT_AGAIN, ACT, LEDGER_TIME) for _ in range(2)))
    assert sorted(result for (result,) in both) == [Dropped.ALREADY_BARE, Dropped.DROPPED]
    assert len(await announced(filled)) == 1


def test_as_many_are_changed_as_were_chosen() -> None:
    with pytest.raises(StoreError, match="1 changed of 2"):
        quarantine_acts.require_all(1, 2)
