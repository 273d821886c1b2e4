"""Whoever comes to an entry of the quarantine at the same time: it ends once."""

import asyncio
from collections import Counter

from records.mongo.client import Database
from records.mongo.ingest import Stored, store
from records.mongo.quarantine import quarantine
from records.mongo.quarantine_acts import drop
from records.mongo.quarantine_replay import Fate, replay
from records.mongo.sweep import Action, SweepContext, sweep
from records.quarantine import DropGrounds
from tests.integration.store_suite.data import (
    DAY,
    KEY,
    LEDGER_TIME,
    NOW,
    STAMP,
    all_records,
    outbox_entries,
    prepared,
    raw_event,
    refused,
)
from tests.integration.store_suite.replays import ACT, accepted, entry_id, put, rows


async def test_while_all_happens_at_once_each_entry_ends_once_and_no_order_is_created_twice(
    context: SweepContext,
) -> None:
    """Two replays, somebody who drops, the consumer that has the events again, and the sweep."""
    database, numbers = context.database, range(120)
    await put(database, *numbers, due=NOW + DAY)
    created: list[Stored | Fate] = []

    async def replays() -> None:
        for start in range(0, 120, 10):
            batch = [accepted(number) for number in numbers[start : start + 10]]
            created.extend(became.fate for became in await replay(database, batch, ACT))

    async def drops() -> None:
        for number in numbers[60:]:
            await drop(database, [entry_id(number)], DropGrounds.SENT_AGAIN, ACT, LEDGER_TIME)

    async def sweeps() -> None:
        for number in numbers[::3]:
            due = {"_id": entry_id(number), "due": {"$exists": True}}
            await database.quarantine.update_one(due, {"$set": {"due": NOW}})
            await sweep(context, Action.ERASE_QUARANTINED, 3)

    async def consumes() -> None:
        for number in numbers[::5]:
            created.extend(outcome.stored for outcome in await store(database, [prepared(number)], NOW))
            await quarantine(database, [refused(raw_event(60 + number // 2))], KEY, STAMP, NOW, LEDGER_TIME)

    await asyncio.gather(replays(), replays(), drops(), sweeps(), consumes())
    await replays()
    await check_each_ended_once(database, set(numbers[::5]))
    assert created.count(Fate.CREATED) + created.count(Stored.CREATED) == len(await all_records(database))


async def check_each_ended_once(database: Database, consumed: set[int]) -> None:
    """What came back by a redelivery after its replay is a second entry, and ended as well."""
    entries = await outbox_entries(database)
    facts = [(each["kind"], item[2]) for each in entries for item in each["items"]]
    began = Counter(range(120)) + Counter(offset for kind, offset in facts if kind == "quarantined")
    assert Counter(offset for kind, offset in facts if kind != "quarantined") == began
    replayed = {offset for kind, offset in facts if kind == "quarantine.replayed"}
    assert set(await all_records(database)) == {prepared(offset).id for offset in replayed | consumed}
    assert all("sealed" not in row for row in (await rows(database)).values())
    numbered = [each["n"] for each in entries if "n" in each]
    assert numbered == list(range(1, len(numbered) + 1))
    assert {kind for kind, _ in facts} >= {"quarantine.replayed", "quarantine.dropped", "quarantine.erased"}
