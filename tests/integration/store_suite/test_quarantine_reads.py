"""What people see of the quarantine without opening it: all of it, in order, and nothing that is due."""

from datetime import UTC, datetime, timedelta

import pytest

from records.mongo import quarantine_reads
from records.mongo.client import Database, Document
from records.mongo.quarantine import quarantine
from records.mongo.quarantine_reads import (
    Entry,
    Selection,
    State,
    counted,
    entries_of_record,
    entry,
    kept_documents,
    listed,
    named_documents,
    some_are_of_unknown_orders,
)
from records.quarantine import Position, QuarantinedEvent, RawEvent
from records.reasons import Reason
from tests.integration.store_suite.data import DAY, KEY, LEDGER_TIME, NOW, STAMP, refused

FIRST = 1_700_000_000_000
EVERYTHING = Selection()


def at(time: int, offset: int, topic: str = "orders", value: bytes = b"{broken") -> RawEvent:
    return RawEvent(Position(topic, 2, offset, FIRST + time), b"key", value, [])


async def put(database: Database, *events: QuarantinedEvent) -> None:
    await quarantine(database, events, KEY, STAMP, NOW, LEDGER_TIME)


async def pages(
    database: Database, selection: Selection = EVERYTHING, size: int = 100
) -> list[list[Document]]:
    return [page async for page in kept_documents(database, selection, NOW, size)]


async def named(
    database: Database, ids: list[str], now: datetime = NOW, size: int = 100
) -> list[dict[str, Document | None]]:
    return [page async for page in named_documents(database, ids, now, size)]


def offsets(entries: list[Entry]) -> list[int]:
    return [each.position.offset for each in entries]


async def test_an_entry_says_where_why_and_until_when(database: Database) -> None:
    await put(database, refused(at(5, 7), record_id="an order"))
    expected = Entry(
        position=Position("orders", 2, 7, FIRST + 5),
        reason="NOT_JSON",
        pointer="/lineItems/0/*",
        state=State.KEPT,
        arrived=NOW,
        due=NOW + 30 * DAY,
        record_id="an order",
    )
    assert await entry(database, "orders/2/7/1700000000005", NOW) == expected
    assert await listed(database, EVERYTHING, NOW, 10) == [expected]
    assert expected.time == datetime(2023, 11, 14, 22, 13, 20, 5000, tzinfo=UTC)
    assert await entry(database, "orders/2/7/1", NOW) is None


async def test_the_newest_come_first_and_no_more_than_asked_for(database: Database) -> None:
    await put(database, *(refused(at(time, offset)) for time, offset in ((3, 10), (1, 9), (2, 30), (2, 4))))
    assert offsets(await listed(database, EVERYTHING, NOW, 10)) == [10, 4, 30, 9]
    assert offsets(await listed(database, EVERYTHING, NOW, 2)) == [10, 4]


@pytest.mark.parametrize(
    ("selection", "found"),
    [
        (Selection(reason="CONFLICT"), [2]),
        (Selection(topic="others"), [3]),
        (Selection(reason="CONFLICT", topic="others"), []),
        (Selection(since=datetime.fromtimestamp(FIRST / 1000 + 0.002, UTC)), [3, 2]),
        (Selection(until=datetime.fromtimestamp(FIRST / 1000 + 0.002, UTC)), [1]),
        (EVERYTHING, [3, 2, 1]),
    ],
)
async def test_filters_leave_only_what_they_say(
    database: Database, selection: Selection, found: list[int]
) -> None:
    await put(
        database,
        refused(at(1, 1)),
        refused(at(2, 2), reason=Reason.CONFLICT),
        refused(at(3, 3, "others")),
    )
    assert offsets(await listed(database, selection, NOW, 10)) == found
    assert await counted(database, selection, NOW) == len(found)
    assert [row["offset"] for page in await pages(database, selection) for row in page] == found[::-1]


async def test_what_is_due_counts_as_erased_before_the_sweep_came_by(database: Database) -> None:
    await put(database, refused(at(1, 1), due=NOW + DAY), refused(at(2, 2), due=None))
    later = NOW + DAY
    assert await listed(database, EVERYTHING, later, 10) == []
    assert await counted(database, EVERYTHING, later) == 0
    identifier = at(1, 1).position.entry_id
    assert await named(database, [identifier], later) == [{identifier: None}]
    assert [page async for page in kept_documents(database, EVERYTHING, later)] == []
    bare = await listed(database, EVERYTHING, later, 10, kept_only=False)
    assert [each.state for each in bare] == [State.BARE] * 2
    assert await counted(database, EVERYTHING, later, kept_only=False) == 2


async def test_an_entry_without_a_time_or_one_beyond_the_calendar_is_listed(database: Database) -> None:
    await put(database, refused(at(-FIRST - 1, 1)), refused(at(2**62, 2)))
    assert [each.time for each in await listed(database, EVERYTHING, NOW, 10)] == [None, None]


async def test_pages_go_by_the_time_on_the_topic_whatever_the_size(database: Database) -> None:
    await put(database, *(refused(at(offset // 3, offset)) for offset in range(12, 0, -1)))
    whole = [row["_id"] for page in await pages(database) for row in page]
    assert len(whole) == 12
    for size in (1, 2, 3, 5, 11, 12):
        found = await pages(database, size=size)
        assert [row["_id"] for page in found for row in page] == whole
        assert {len(page) for page in found[:-1]} <= {size}


async def test_a_page_ends_with_its_bytes(database: Database) -> None:
    await put(database, *(refused(at(offset, offset, value=bytes(5 * 2**20))) for offset in range(5)))
    assert [len(page) for page in await pages(database)] == [3, 2]


async def test_named_entries_come_in_the_pages_and_the_order_in_which_they_were_asked_for(
    database: Database,
) -> None:
    events = [at(offset, offset, value=bytes(5 * 2**20)) for offset in range(5)]
    await put(database, *map(refused, events[:4]))
    ids = [event.position.entry_id for event in reversed(events)]
    assert [list(page) for page in await named(database, ids)] == [ids[:4], ids[4:]]
    assert [list(page) for page in await named(database, ids, size=2)] == [ids[:2], ids[2:4], ids[4:]]


async def test_pages_end_while_new_entries_arrive(database: Database) -> None:
    await put(database, *(refused(at(offset, offset)) for offset in range(3)))
    seen: list[int] = []
    async for page in kept_documents(database, EVERYTHING, NOW, 1):
        seen += [row["offset"] for row in page]
        await put(database, refused(at(100 + len(seen), 100 + len(seen))))
    assert seen == [0, 1, 2]


async def test_entries_are_found_by_their_order(database: Database) -> None:
    await put(database, refused(at(1, 1), record_id="one"), refused(at(2, 2), record_id="two"))
    assert offsets(await entries_of_record(database, "two", NOW)) == [2]
    assert await entries_of_record(database, "three", NOW) == []


async def test_of_an_order_with_many_entries_those_with_content_come_first_and_the_newest_of_them(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine_reads, "MAX_OF_RECORD", 3)
    dues = {1: NOW + DAY, 2: None, 3: NOW + 3 * DAY, 4: None, 5: NOW + 2 * DAY}
    for offset, due in dues.items():
        await put(database, refused(at(offset, offset), due=due, record_id="one"))
    assert offsets(await entries_of_record(database, "one", NOW)) == [3, 5, 1, 4]


async def test_it_is_known_whether_orders_are_unknown(database: Database) -> None:
    await put(database, refused(at(1, 1), record_id="one"), refused(at(2, 2), due=None))
    assert not await some_are_of_unknown_orders(database, NOW)
    await put(database, refused(at(3, 3)))
    assert await some_are_of_unknown_orders(database, NOW)
    assert not await some_are_of_unknown_orders(database, NOW + timedelta(days=31))


async def test_a_page_holds_the_content(database: Database) -> None:
    await put(database, refused(at(1, 1)))
    ((document,),) = await pages(database)
    identifier = at(1, 1).position.entry_id
    assert await named(database, [identifier]) == [{identifier: document}]
    assert document["sealed"]


def test_no_listing_asks_for_content() -> None:
    assert quarantine_reads.FACTS == {"sealed": 0}
