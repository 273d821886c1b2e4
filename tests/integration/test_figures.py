"""How erasure stands, as `work` and as `serve` count it: both say the same, from the database alone."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from records.mongo.client import Database, open_database
from records.mongo.indexes import build_indexes
from records.mongo.quarantine import quarantine
from records.mongo.sweep import Action
from runtime import metrics
from runtime.metrics import REGISTRY
from service.figures import count_overdue
from tests.integration.store_suite.data import (
    CLEANUP_DUE,
    DAY,
    DELETION_DUE,
    KEY,
    LEDGER_TIME,
    LIVE,
    NOW,
    STAMP,
    prepared,
    raw_event,
    refused,
    store_all,
)
from worker.figures import measure

NAMES = [action.name.lower() for action in Action]
Figures = dict[str, dict[str, float | None]]


@pytest.fixture
async def database(mongo_uri: str, fresh_database: str) -> AsyncIterator[Database]:
    async with open_database(mongo_uri, fresh_database) as database:
        await build_indexes(database)
        yield database


def figures() -> Figures:
    names = ("overdue", "oldest_overdue_seconds", "due_next_day")
    return {
        name: {a: REGISTRY.get_sample_value(f"order_records_{name}", {"action": a}) for a in NAMES}
        for name in names
    }


def forget() -> None:
    for gauge in (metrics.OVERDUE, metrics.OLDEST_OVERDUE_SECONDS, metrics.DUE_NEXT_DAY):
        gauge.clear()


async def some_of_everything(database: Database) -> None:
    """Two overdue of each, one of them failed before; three that are due within the day, one just after."""
    hours = (timedelta(hours=1), timedelta(hours=23), DAY, DAY + timedelta(milliseconds=1))
    for first, due, days in ((0, CLEANUP_DUE, 30), (10, DELETION_DUE, 210)):
        coming = [prepared(first + i, NOW + wait - days * DAY) for i, wait in enumerate(hours)]
        late = [prepared(first + 5, due), prepared(first + 6, due - DAY)]
        await store_all(database, *coming, *late)
        await database.records.update_one({"_id": late[0].id}, {"$set": {"sweepRetryAt": NOW + DAY}})
    await database.records.update_many(
        {"deletionDate": {"$lte": NOW + 2 * DAY}}, {"$set": {"anonymized": True}}
    )
    events = [refused(raw_event(number), due=NOW + hours[0]) for number in range(4)]
    await quarantine(database, events, KEY, STAMP, NOW, LEDGER_TIME)


async def test_work_and_serve_count_the_same_what_failed_included(database: Database) -> None:
    await some_of_everything(database)
    two_days = (2 * DAY).total_seconds()
    forget()
    await measure(database, NOW, LEDGER_TIME)
    by_work = figures()
    forget()
    await count_overdue(database, NOW)
    assert figures() == by_work
    assert by_work == {
        "overdue": dict(zip(NAMES, (2, 2, 0), strict=True)),
        "oldest_overdue_seconds": dict(zip(NAMES, (two_days, two_days, 0), strict=True)),
        "due_next_day": dict(zip(NAMES, (3, 3, 4), strict=True)),
    }
    assert REGISTRY.get_sample_value("order_records_sweep_failed_records") == 2


async def test_the_ledgers_size_age_and_next_expiry_are_known(database: Database) -> None:
    names = ("entries", "oldest_seconds", "next_expiry_timestamp_seconds")

    def ledger() -> list[float | None]:
        return [REGISTRY.get_sample_value(f"order_records_ledger_{name}") for name in names]

    await measure(database, NOW, LEDGER_TIME)
    assert ledger() == [0, 0, 0]
    expiries = [NOW + LEDGER_TIME - days * DAY for days in (3, 40, 1)]
    await database.ledger.insert_many([{"_id": str(i), "expiresAt": at} for i, at in enumerate(expiries)])
    await measure(database, NOW, LEDGER_TIME)
    assert ledger() == [3, (40 * DAY).total_seconds(), min(expiries).timestamp()]


async def test_the_age_of_the_oldest_is_told_although_counting_fails(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store_all(database, prepared(1, CLEANUP_DUE), prepared(2, LIVE))

    async def too_long(*_: object) -> int:
        raise TimeoutError

    for place in ("worker", "service"):
        monkeypatch.setattr(f"{place}.figures.counts", too_long)
        forget()
        with pytest.raises(TimeoutError):
            await (measure(database, NOW, LEDGER_TIME) if place == "worker" else count_overdue(database, NOW))
        assert figures()["oldest_overdue_seconds"]["anonymize"] == DAY.total_seconds()
