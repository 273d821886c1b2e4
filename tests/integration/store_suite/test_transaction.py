"""The one transaction loop: all or nothing, exactly one effect, and an end within its deadline."""

import asyncio
import os
import signal
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import psutil
import pytest

from records.mongo.client import Database, Driver, Session, open_database
from records.mongo.errors import StoreError, StoreUnavailable
from records.mongo.ingest import Stored, store
from records.mongo.transaction import in_transaction
from tests.integration.store_suite.data import NOW, Failing, all_records, prepared, store_all
from tests.parts import StartMongod

DEADLINE: Final = 1.0
GRACE: Final = 3.0
ATTEMPTS: Final = 3
CANARY: Final = "Erika-Mustermann"


def inserts(database: Database, *ids: str) -> tuple[Callable[[Session], Awaitable[int]], list[int]]:
    """A body that inserts these ids, and the list of its runs."""
    runs: list[int] = []

    async def body(session: Session) -> int:
        runs.append(len(runs) + 1)
        for identifier in ids:
            await database.records.insert_one({"_id": identifier, "name": CANARY}, session=session)
        return runs[-1]

    return body, runs


@asynccontextmanager
async def ends_in_time(deadline: float = DEADLINE) -> AsyncIterator[None]:
    started = time.monotonic()
    with pytest.raises(StoreUnavailable):
        yield
    assert time.monotonic() - started < deadline + GRACE


async def test_what_the_body_returns_is_the_result(database: Database) -> None:
    body, runs = inserts(database, "a", "b")
    assert await in_transaction(database, body) == 1
    assert runs == [1]
    assert set(await all_records(database)) == {"a", "b"}


async def test_an_error_in_the_body_aborts_everything_and_passes_through(database: Database) -> None:
    insert, _ = inserts(database, "a", "b")

    async def body(session: Session) -> None:
        await insert(session)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await in_transaction(database, body)
    assert await all_records(database) == {}


async def test_a_cancelled_caller_leaves_nothing_behind(database: Database) -> None:
    insert, runs = inserts(database, "a")

    async def body(session: Session) -> None:
        await insert(session)
        await asyncio.sleep(60)

    task = asyncio.create_task(in_transaction(database, body))
    async with asyncio.timeout(5):
        while not runs:  # noqa: ASYNC110 (a list tells nobody)
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(store_all(database, prepared(1)), 2)
    await asyncio.wait_for(database.records.insert_one({"_id": "a"}), 2)  # nobody holds its lock


async def test_two_that_write_the_same_document_both_succeed(database: Database) -> None:
    await database.state.insert_one({"_id": "counter", "count": 0})

    async def body(session: Session) -> None:
        counter = await database.state.find_one({"_id": "counter"}, session=session)
        assert counter is not None
        await asyncio.sleep(0.02)
        await database.state.update_one(
            {"_id": "counter"}, {"$set": {"count": counter["count"] + 1}}, session=session
        )

    await asyncio.gather(*(in_transaction(database, body) for _ in range(4)))
    assert await database.state.find_one() == {"_id": "counter", "count": 4}


async def test_a_write_conflict_is_tried_again(breakable: Database, failing: Failing) -> None:
    body, runs = inserts(breakable, "a", "b")
    how = {"errorCode": 112, "errorLabels": ["TransientTransactionError"]}
    with failing("insert", {"times": 2}, **how):
        assert await in_transaction(breakable, body) == 3
    assert runs == [1, 2, 3]
    assert set(await all_records(breakable)) == {"a", "b"}


async def test_a_transaction_lost_before_its_commit_is_tried_again(
    breakable: Database, failing: Failing
) -> None:
    body, runs = inserts(breakable, "a")
    how = {"errorCode": 251, "errorLabels": ["TransientTransactionError"]}
    with failing("commitTransaction", {"times": 1}, **how):
        assert await in_transaction(breakable, body) == 2
    assert runs == [1, 2]
    assert set(await all_records(breakable)) == {"a"}


UNKNOWN: Final[list[dict[str, Any]]] = [
    {"closeConnection": True},
    {"errorCode": 262, "errorLabels": ["RetryableWriteError"]},
    {"writeConcernError": {"code": 262, "errmsg": "took too long"}},
    {"writeConcernError": {"code": 64, "errmsg": "waiting for replication timed out"}},
]


@pytest.mark.parametrize("how", UNKNOWN, ids=["lost", "refused", "committed", "not yet replicated"])
async def test_a_commit_of_unknown_outcome_has_exactly_one_effect(
    breakable: Database, failing: Failing, how: dict[str, Any]
) -> None:
    await breakable.state.insert_one({"_id": "counter", "count": 0})
    runs: list[int] = []

    async def body(session: Session) -> None:
        runs.append(1)
        increment = {"$inc": {"count": 1}}
        await breakable.state.update_one({"_id": "counter"}, increment, session=session)

    with failing("commitTransaction", {"times": 3}, **how):
        await in_transaction(breakable, body)
    assert len(runs) == 1
    assert await breakable.state.find_one() == {"_id": "counter", "count": 1}


async def test_a_commit_that_stays_unknown_ends_at_the_deadline(
    breakable: Database, failing: Failing
) -> None:
    committed = {"writeConcernError": {"code": 262, "errmsg": "took too long"}}
    with failing("commitTransaction", "alwaysOn", **committed):
        for number in range(ATTEMPTS):  # what a driver does with a cancellation depends on the moment
            body, runs = inserts(breakable, str(number))
            async with ends_in_time(0.2):
                await in_transaction(breakable, body, 0.2)
            assert len(runs) == 1
    assert len(await all_records(breakable)) == ATTEMPTS


async def test_storing_again_after_an_unknown_commit_stores_once(
    breakable: Database, failing: Failing
) -> None:
    batch = [prepared(number) for number in range(5)]
    with failing("commitTransaction", {"times": 3}, closeConnection=True):
        first = await store(breakable, batch, NOW)
    again = await store(breakable, batch, NOW)
    assert {outcome.stored for outcome in first} == {Stored.CREATED}
    assert {outcome.stored for outcome in again} == {Stored.UNCHANGED}
    assert await breakable.records.count_documents({}) == 5


async def test_a_body_that_hangs_ends_at_the_deadline(database: Database) -> None:
    insert, _ = inserts(database, "a")

    async def body(session: Session) -> None:
        await insert(session)
        await asyncio.sleep(60)

    async with ends_in_time():
        await in_transaction(database, body, DEADLINE)
    assert await all_records(database) == {}
    await asyncio.wait_for(database.records.insert_one({"_id": "a"}), 2)  # nobody holds its lock


async def test_a_session_of_the_callers_can_be_used_again_after_a_deadline(database: Database) -> None:
    insert, _ = inserts(database, "a")

    async def body(session: Session) -> None:
        await insert(session)
        await asyncio.sleep(60)

    async with database.session() as session:
        async with ends_in_time(0.3):
            await in_transaction(database, body, 0.3, session)
        assert await in_transaction(database, insert, session=session) == 2
    assert set(await all_records(database)) == {"a"}


async def test_a_server_that_hangs_or_is_gone_ends_at_the_deadline_and_is_found_again(
    own_mongod: StartMongod, driver: Driver
) -> None:
    server = await own_mongod()
    async with open_database(server.uri, "shop", driver) as database:
        await store_all(database, prepared(1))
        assert server.pid
        os.kill(server.pid, signal.SIGSTOP)
        while psutil.Process(server.pid).status() != psutil.STATUS_STOPPED:  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.01)
        await assert_unavailable_in_time(database)
        await server.stop(kill=True)
        await assert_unavailable_in_time(database)
        await server.restart()
        await store_all(database, prepared(2))
        assert set(await all_records(database)) == {prepared(1).id, prepared(2).id}


async def assert_unavailable_in_time(database: Database) -> None:
    """The transaction ends in time, and the loop keeps turning meanwhile."""
    body, _ = inserts(database, "never")
    turning = asyncio.create_task(longest_stall())
    async with ends_in_time():
        await in_transaction(database, body, DEADLINE)
    turning.cancel()
    assert await turning < 0.5


async def longest_stall() -> float:
    """How long the event loop stood still at most, in seconds; ends when cancelled."""
    longest, last = 0.0, time.monotonic()
    try:
        while True:
            await asyncio.sleep(0.01)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
    except asyncio.CancelledError:
        return max(longest, time.monotonic() - last)


async def test_a_duplicate_in_the_body_surfaces_at_once(database: Database) -> None:
    await database.records.insert_one({"_id": "there"})
    body, runs = inserts(database, "new", "there")
    started = time.monotonic()
    with pytest.raises(StoreError) as failure:
        await in_transaction(database, body)
    assert not isinstance(failure.value, StoreUnavailable)
    assert time.monotonic() - started < 2
    assert runs == [1]
    assert set(await all_records(database)) == {"there"}


async def test_the_text_of_an_error_holds_nothing_of_a_document(database: Database) -> None:
    await database.records.insert_one({"_id": CANARY})
    await database.state.database.drop_collection("strict")
    await database.state.database.create_collection("strict", validator={"age": {"$gt": 18}})
    strict = database.state.database["strict"]
    bodies: list[Callable[[Session], Awaitable[Any]]] = [
        lambda session: database.records.insert_one({"_id": CANARY}, session=session),
        lambda session: database.records.insert_many([{"_id": "x"}, {"_id": CANARY}], session=session),
        lambda session: strict.insert_one({"age": 3, "name": CANARY}, session=session),
        lambda session: database.records.update_one({}, {CANARY: {"name": CANARY}}, session=session),
        lambda session: database.records.find_one({"$where": CANARY}, session=session),
    ]
    for body in bodies:
        with pytest.raises(Exception) as failure:  # noqa: PT011 (whichever, it names nobody)
            await in_transaction(database, body)
        assert CANARY not in "".join(traceback.format_exception(failure.value))
