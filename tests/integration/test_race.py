"""Replays race deletions: whatever a replay sees, an erased order never comes back.

The same race against a way in that looks into the ledger before its transaction, or that has none,
brings orders back, which shows that this race would find it.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any, Final

import bson
import pytest
from bson.raw_bson import RawBSONDocument
from pymongo.errors import BulkWriteError

from records.mongo.client import Database, Session, open_database
from records.mongo.indexes import build_indexes
from records.mongo.ingest import store
from records.mongo.lease import Lease
from records.mongo.outbox import Stamp
from records.mongo.sweep import Action, SweepContext, sweep
from records.mongo.transaction import in_transaction
from records.record import PreparedRecord

SECONDS: Final = 30.0 if os.environ.get("CI") == "true" else 10.0
LONGEST_SECONDS: Final = 30.0
REPLAYERS: Final = 4
BATCH, IN_PLAY, AT_ONCE = 20, 60, 5
ENOUGH: Final = 200
DUE: Final = datetime(2025, 1, 1, tzinfo=UTC)
STAMP: Final = Stamp("1.2.3", 1, f"sha256:{'0' * 64}")

Way = Callable[[Database, Sequence[PreparedRecord], datetime], Awaitable[Any]]


def expired(number: int) -> PreparedRecord:
    """A record that the sweep may delete at once."""
    identifier = f"{number:08d}-0000-8000-8000-000000000000"
    document = {"_id": identifier, "version": 1, "anonymized": False, "contentDigest": b"same"}
    dates = {"gdprCleanupDate": DUE, "deletionDate": DUE}
    return PreparedRecord(identifier, b"same", DUE, bson.encode(document | dates))


@dataclass
class Race:
    """What is replayed now: the records in play; and what came of it so far."""

    in_play: dict[str, PreparedRecord] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    deleted_again: set[str] = field(default_factory=set)
    replays: int = 0
    numbers: Iterator[int] = field(default_factory=count)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def fill(self) -> None:
        """An erased record stays in play a while: what brings it back is a replay that is under way."""
        erased = [identifier for identifier in self.in_play if identifier in self.deleted]
        for identifier in erased[: -IN_PLAY // 3] if len(erased) > IN_PLAY // 3 else []:
            del self.in_play[identifier]
        while len(self.in_play) < IN_PLAY:
            record = expired(next(self.numbers))
            self.in_play[record.id] = record

    def swept(self, ids: Sequence[str]) -> None:
        """A record that is deleted a second time had come back."""
        self.deleted_again |= self.deleted.intersection(ids)
        self.deleted.update(ids)
        self.fill()
        if self.deleted_again:
            self.over.set()


async def replay(database: Database, way: Way, race: Race, seed: int) -> None:
    rng = Random(seed)
    try:
        while not race.over.is_set():
            batch = rng.sample(list(race.in_play.values()), BATCH)
            await way(database, batch, datetime.now(UTC))
            race.replays += 1
    finally:  # also for the sweeper: on Python 3.11 the driver can swallow its one cancellation
        race.over.set()


async def delete(database: Database, race: Race) -> None:
    """The one sweeper; goes on after the race until nothing is left."""
    async with database.session() as session:
        lease = Lease(database, session, "sweeper", seconds=600)
        assert await lease.acquire()
        context = SweepContext(database, lease, STAMP, timedelta(days=400), lambda now: now)
        while True:
            ended = race.over.is_set()
            ids = await sweep(context, Action.DELETE, AT_ONCE)
            race.swept(ids)
            if ended and not ids:
                return


async def run(uri: str, name: str, way: Way, seconds: float) -> Race:
    """The race, every replayer with a client of its own, for so many seconds or until a record is back."""
    race = Race()
    race.fill()
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
        clients = [await stack.enter_async_context(open_database(uri, name)) for _ in range(REPLAYERS + 1)]
        await build_indexes(clients[0])
        tasks.create_task(delete(clients.pop(), race))
        for seed, database in enumerate(clients):
            tasks.create_task(replay(database, way, race, seed))
        with suppress(TimeoutError):
            await asyncio.wait_for(race.over.wait(), seconds)
        race.over.set()
    return race


@pytest.fixture
async def database(mongo_uri: str, fresh_database: str) -> AsyncIterator[Database]:
    async with open_database(mongo_uri, fresh_database) as database:
        yield database


async def test_an_erased_order_never_comes_back(
    mongo_uri: str, fresh_database: str, database: Database
) -> None:
    race = await run(mongo_uri, fresh_database, store, SECONDS)
    assert race.replays > ENOUGH
    assert len(race.deleted) > ENOUGH
    assert race.deleted_again == set()
    assert await database.records.count_documents({}) == 0
    in_ledger = {row["_id"] async for row in database.ledger.find({}, {"_id": 1})}
    assert in_ledger == race.deleted


async def look_first(database: Database, batch: Sequence[PreparedRecord], now: datetime) -> None:
    """A way in that is wrong: between its look into the ledger and its snapshot a deletion may commit."""
    ids = [record.id for record in batch]
    erased = {row["_id"] async for row in database.ledger.find({"_id": {"$in": ids}})}

    async def body(session: Session) -> None:
        found = database.records.find({"_id": {"$in": ids}}, {"_id": 1}, session=session)
        there = erased | {row["_id"] async for row in found}
        new = [RawBSONDocument(record.document) for record in batch if record.id not in there]
        if new:
            await database.records.insert_many(new, session=session)

    await in_transaction(database, body)


async def without_transaction(database: Database, batch: Sequence[PreparedRecord], now: datetime) -> None:
    """A way in that is wrong: the same look and the same insert, and nothing that makes them one."""
    ids = [record.id for record in batch]
    there = {row["_id"] async for row in database.ledger.find({"_id": {"$in": ids}})}
    there |= {row["_id"] async for row in database.records.find({"_id": {"$in": ids}}, {"_id": 1})}
    new = [RawBSONDocument(record.document) for record in batch if record.id not in there]
    if new:
        with suppress(BulkWriteError):  # another replay was first
            await database.records.insert_many(new, ordered=False)


@pytest.mark.parametrize("way", [look_first, without_transaction])
async def test_the_race_would_find_a_way_in_that_brings_orders_back(
    mongo_uri: str, fresh_database: str, way: Way
) -> None:
    race = await run(mongo_uri, fresh_database, way, LONGEST_SECONDS)
    assert race.deleted_again != set()
