"""What is remembered of partitions, and what is passed over: announced once, in the same transaction."""

import asyncio

import pytest

from records.mongo import outbox
from records.mongo.client import Database
from records.mongo.errors import StoreError
from records.mongo.quarantine_acts import Act
from records.mongo.quarantine_skips import Range, skip, skipped_until
from records.mongo.read_positions import pass_over, remember, remembered
from records.quarantine import Position, SkipGrounds
from records.read_positions import Cause, Found, GoOn, Lost, Remembered
from tests.integration.store_suite.data import LEDGER_TIME, NOW, STAMP, outbox_entries

PLACE = ("orders", 3)
ACT = Act("5f1e578d1ca982d2a636924b631770b9", NOW, STAMP)
RANGE = Range(Position("orders", 3, 50, 7), 58, "a")
LOST = GoOn(50, Lost(40, 50, Cause.RETENTION))


async def announced(database: Database) -> list[list[object]]:
    return [item for entry in await outbox_entries(database) for item in entry["items"]]


async def test_what_was_lost_is_announced_once_however_often_and_by_however_many(database: Database) -> None:
    found = Found("a", 50, 90, 40)
    both = await asyncio.gather(*(pass_over(database, PLACE, found, STAMP) for _ in range(2)))
    assert sorted(each.lost is None for each in both) == [False, True]
    assert await pass_over(database, PLACE, found, STAMP) == GoOn(50)
    assert await announced(database) == [["orders", 3, 40, 50, "RETENTION"]]
    assert await remembered(database, "orders") == {3: Remembered("a", 50, 90)}


async def test_nothing_is_remembered_of_a_loss_that_could_not_be_announced(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise StoreError("no")

    with monkeypatch.context() as broken:
        broken.setattr(outbox, "append", refuse)
        with pytest.raises(StoreError):
            await pass_over(database, PLACE, Found("a", 50, 90, 40), STAMP)
    assert await remembered(database, "orders") == {}
    assert await pass_over(database, PLACE, Found("a", 50, 90, 40), STAMP) == LOST


async def test_what_is_remembered_only_grows_and_stays_when_the_topic_is_another(database: Database) -> None:
    await pass_over(database, PLACE, Found("a", 0, 90, 40), STAMP)
    for committed, end in ((60, 95), (50, 70), (None, 99), (200, 99)):
        await remember(database, "orders", {3: Found("a", 0, end, committed)})
    await remember(database, "orders", {3: Found("b", 0, 500, 400), 4: Found("a", 0, 9, 9)})
    await remember(database, "orders", {})
    assert await remembered(database, "orders") == {3: Remembered("a", 60, 99)}
    assert await announced(database) == []


async def test_topics_are_not_taken_for_each_other(database: Database) -> None:
    for topic in ("orders", "orders-2", "orders.x", "order"):
        await pass_over(database, (topic, 3), Found(topic, 0, 90, 40), STAMP)
    assert await remembered(database, "orders") == {3: Remembered("orders", 40, 90)}


async def test_a_range_is_stepped_over_and_announced_once(database: Database) -> None:
    both = await asyncio.gather(
        *(skip(database, RANGE, SkipGrounds.DAMAGED, ACT, LEDGER_TIME) for _ in range(2))
    )
    assert sorted(both) == [False, True]
    assert await announced(database) == [["orders", 3, 50, "UNREADABLE", 58, "DAMAGED", ACT.actor]]
    assert await skipped_until(database, "orders", 3, 50, "a") == 58


@pytest.mark.parametrize(
    ("partition", "offset", "topic_id"), [(3, 5, "a"), (3, 500, "a"), (30, 50, "a"), (3, 50, "b")]
)
async def test_only_that_very_record_is_stepped_over(
    database: Database, partition: int, offset: int, topic_id: str
) -> None:
    await skip(database, RANGE, SkipGrounds.DAMAGED, ACT, LEDGER_TIME)
    assert await skipped_until(database, "orders", partition, offset, topic_id) is None
