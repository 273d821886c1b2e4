"""Odd events among 499 good ones, with a real MongoDB: the good ones are stored, whatever the odd are."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast
from uuid import uuid4

import pytest
import pytest_asyncio
from aiokafka import ConsumerRecord

from local.samples.broken import BROKEN, HARMLESS, broken_event, harmless_event
from local.samples.events import SampleEvent, sample_events
from records.keys import RecordKeys
from records.mongo.client import Database, Document, open_database
from records.mongo.indexes import build_indexes
from records.policy import DateRules
from records.quarantine import MAX_SEALED_BYTES, QuarantineKey
from records.reasons import Reason
from service.ingest import Event, Ingest
from tests.event_corpus import OddEvent, entries, events_of
from tests.integration.store_suite.data import empty

pytestmark = pytest.mark.asyncio(loop_scope="module")

AT: Final = datetime.now(UTC)
GOOD: Final = 499
TOPIC: Final = "order-completed"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def standing(mongo_uri: str) -> AsyncIterator[Database]:
    """Making its indexes takes longer than a test."""
    name = f"test_{uuid4().hex[:12]}"
    async with open_database(mongo_uri, name) as database:
        await build_indexes(database, search=False)
        yield database
        await database.client.drop_database(name)


@pytest_asyncio.fixture(loop_scope="module")
async def database(standing: Database) -> AsyncIterator[Database]:
    yield standing
    await empty(standing)


@pytest.fixture(scope="module")
def good() -> list[SampleEvent]:
    return [labelled.event for labelled in sample_events(3, GOOD, at=AT)]


def record(offset: int, event: SampleEvent, age_days: int = 0) -> Event:
    sent = int((AT - timedelta(days=age_days)).timestamp() * 1000)
    value = event.value
    made = ConsumerRecord(TOPIC, 0, offset, sent, 0, event.key, value, None, 0, 0, event.headers)
    return cast("Event", made)


def ingest_on(database: Database) -> Ingest:
    keys, quarantine_key = RecordKeys.derive(bytes(32)), QuarantineKey.derive(bytes(32))
    return Ingest(database, keys, quarantine_key, DateRules(), timedelta(days=400), "1.2.3")


def chosen(name: str, number: int) -> OddEvent:
    """One event of an entry; every form has its turn among the entries."""
    odd = list(events_of(entries()[name], number, AT))
    return odd[len(name) % len(odd)]


async def take(database: Database, good: list[SampleEvent], odd: SampleEvent, age_days: int = 0) -> int:
    """Takes all 500 as one batch, and returns the odd one's offset: not the same for all."""
    place = len(odd.value or b"") * 7 % GOOD
    events = [record(offset, event) for offset, event in enumerate([*good[:place], odd, *good[place:]])]
    events[place] = record(place, odd, age_days)
    await ingest_on(database).take(events)
    return place


def entry_of(found: Document) -> tuple[int, str, str, bool]:
    return found["offset"], found["reason"], found["pointer"], "sealed" in found


def expected(offset: int, name: str, odd: OddEvent) -> tuple[int, str, str, bool]:
    """What is kept of a refused event: what is too old, or too large for a document, is not kept itself."""
    reason = entries()[name].expect
    kept = reason != Reason.TOO_OLD and len(odd.event.value or b"") <= MAX_SEALED_BYTES
    return offset, reason, odd.pointer, kept


async def announced(database: Database) -> list[list[Any]]:
    """The pointers that wait for the audit topic."""
    return [item for entry in await database.outbox.find().to_list() for item in entry["items"]]


async def test_all_odd_events_at_once_harm_none_of_499_good_ones(
    database: Database, good: list[SampleEvent]
) -> None:
    odd = {offset: (name, chosen(name, offset)) for offset, name in enumerate(entries(), GOOD)}
    ages = {offset: entries()[name].age_days for offset, (name, _) in odd.items()}
    batch = [record(offset, event) for offset, event in enumerate(good)]
    batch += [record(offset, event, ages[offset]) for offset, (_, (event, _)) in odd.items()]

    await ingest_on(database).take(sorted(batch, key=lambda event: event.offset * 37 % len(batch)))

    refused = [
        expected(offset, name, event)
        for offset, (name, event) in odd.items()
        if entries()[name].expect not in {"accepted", "skipped"}
    ]
    accepted = [name for name, _ in odd.values() if entries()[name].expect == "accepted"]
    assert await database.records.count_documents({}) == GOOD + len(accepted)
    assert [
        entry_of(found) for found in await database.quarantine.find().sort("offset", 1).to_list()
    ] == refused
    assert sorted(await announced(database)) == [
        [TOPIC, 0, offset, reason, pointer] for offset, reason, pointer, _ in refused
    ]


@pytest.mark.faults
@pytest.mark.parametrize("name", entries())
async def test_an_odd_event_harms_none_of_499_good_ones(
    database: Database, good: list[SampleEvent], name: str
) -> None:
    expect, odd = entries()[name].expect, chosen(name, 1)

    offset = await take(database, good, odd.event, entries()[name].age_days)

    refused = [] if expect in {"accepted", "skipped"} else [expected(offset, name, odd)]
    assert await database.records.count_documents({}) == GOOD + (expect == "accepted")
    assert [entry_of(found) for found in await database.quarantine.find().to_list()] == refused
    assert await announced(database) == [[TOPIC, 0, *rest[:3]] for rest in refused]


@pytest.mark.faults
@pytest.mark.parametrize("kind", [*BROKEN, *HARMLESS])
async def test_a_sample_of_any_kind_harms_none_of_499_good_ones(
    database: Database, good: list[SampleEvent], kind: str
) -> None:
    broken = kind in BROKEN
    event = (broken_event if broken else harmless_event)(kind, 9, len(kind), at=AT)

    offset = await take(database, good, event)

    refused = [(offset, BROKEN[kind].reason)] if broken else []
    assert await database.records.count_documents({}) == GOOD + (not broken)
    assert [entry_of(found)[:2] for found in await database.quarantine.find().to_list()] == refused
