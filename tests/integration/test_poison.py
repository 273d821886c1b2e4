"""Events that stopped everything once: by the size of their headers, and by a clock that was wrong."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from aiokafka import ConsumerRecord

from local.samples.events import sample_events
from records.clock import ClockUntrusted
from records.keys import RecordKeys
from records.mongo.client import Database, open_database
from records.mongo.clock import CheckedClock
from records.mongo.errors import StoreError
from records.mongo.indexes import build_indexes
from records.policy import DateRules
from records.quarantine import MAX_SEALED_BYTES, QuarantineKey
from runtime.metrics import REGISTRY
from service.ingest import Event, Ingest
from service.persistent import Persistent

MIB = 2**20
DAY = timedelta(days=1)


@pytest.fixture
async def database(mongo_uri: str, fresh_database: str) -> AsyncIterator[Database]:
    async with open_database(mongo_uri, fresh_database) as database:
        await build_indexes(database)
        yield database


def ingest_on(database: Database, clock_error: timedelta = 0 * DAY) -> Ingest:
    keys, quarantine_key = RecordKeys.derive(bytes(32)), QuarantineKey.derive(bytes(32))
    ingest = Ingest(database, keys, quarantine_key, DateRules(), 400 * DAY, "1.2.3")
    ingest._clock = CheckedClock(database, lambda: datetime.now(UTC) + clock_error)
    return ingest


def event(offset: int, value: bytes | None, headers: Any = ()) -> Event:
    now = int(datetime.now(UTC).timestamp() * 1000)
    return cast("Event", ConsumerRecord("orders", 0, offset, now, 0, b"k", value, None, 1, 0, headers))


def orders(count: int) -> list[Event]:
    labelled = sample_events(7, count, at=datetime.now(UTC))
    return [event(n, each.event.value, each.event.headers) for n, each in enumerate(labelled)]


async def test_events_that_are_all_header_go_to_quarantine(database: Database) -> None:
    header = (("x", bytes(MIB)),)
    await ingest_on(database).take([event(n, b"", header) for n in range(300)])
    assert await database.quarantine.count_documents({"sealed": {"$exists": True}}) == 300
    assert REGISTRY.get_sample_value("order_records_refusal_surge") == 1


async def test_an_event_that_nobody_can_hold_leaves_its_entry(database: Database) -> None:
    header = (("x", bytes(MAX_SEALED_BYTES)),)
    await ingest_on(database).take([event(0, b"", header), event(1, b"")])
    entries = await database.quarantine.find().sort("offset", 1).to_list(None)
    assert ["sealed" in entry for entry in entries] == [False, True]


@pytest.mark.parametrize("wrong_by", [370 * DAY, -370 * DAY, timedelta(seconds=40)])
async def test_by_a_wrong_clock_nothing_is_judged(database: Database, wrong_by: timedelta) -> None:
    with pytest.raises(ClockUntrusted):
        await ingest_on(database, wrong_by).take(orders(3))
    assert await database.records.count_documents({}) == 0
    assert await database.quarantine.count_documents({}) == 0


async def test_a_clock_that_leaps_is_looked_at_at_once(database: Database) -> None:
    ingest = ingest_on(database)
    error = 0 * DAY
    ingest._clock = CheckedClock(database, lambda: datetime.now(UTC) + error)
    await ingest.take(orders(1))
    error = 370 * DAY
    with pytest.raises(ClockUntrusted):
        await ingest.take(orders(3))
    error = 0 * DAY
    await ingest.take(orders(3))
    assert await database.records.count_documents({}) == 3


async def test_an_event_is_set_aside_with_its_content_and_an_erased_order_is_not(database: Database) -> None:
    ingest = ingest_on(database)
    first, second = orders(2)
    await ingest.take([second])
    (record,) = await database.records.find().to_list(None)
    await database.ledger.insert_one({"_id": record["_id"]})
    await ingest.set_aside(first)
    await ingest.set_aside(second)
    (entry,) = await database.quarantine.find().to_list(None)
    assert (entry["reason"], entry["offset"], "sealed" in entry) == ("UNSTORABLE", 0, True)


async def refuse(database: Database, allowed: dict[str, Any]) -> None:
    """From now on MongoDB stores only such records."""
    await database.records.database.command("collMod", "records", validator=allowed)


async def take_again_and_again(persistent: Persistent, events: list[Event], times: int) -> int:
    """How many of the tries failed."""
    failed = 0
    for _ in range(times):
        try:
            await persistent.take(events)
        except StoreError:
            failed += 1
    return failed


@pytest.mark.parametrize("repeated", [0, 1, 5])
async def test_when_mongodb_stores_no_order_at_all_no_event_is_blamed(
    database: Database, repeated: int
) -> None:
    ingest, batch = ingest_on(database), orders(6)
    await ingest.take(batch[:repeated])
    await refuse(database, {"nobody": {"$exists": True}})

    assert await take_again_and_again(Persistent(ingest), batch, 9) == 9
    assert await database.quarantine.count_documents({}) == 0

    await refuse(database, {})
    await Persistent(ingest).take(batch)
    assert await database.records.count_documents({}) == 6


async def test_events_that_mongodb_refuses_go_alone_even_when_no_good_one_is_among_them(
    database: Database,
) -> None:
    ingest, batch = ingest_on(database), orders(3)
    await refuse(database, {"tenantOrderRecordId": {"$exists": False}})

    assert await take_again_and_again(Persistent(ingest), batch, 4) == 3

    assert await database.quarantine.count_documents({"reason": "UNSTORABLE"}) == 3
    assert await database.records.count_documents({}) == 0
