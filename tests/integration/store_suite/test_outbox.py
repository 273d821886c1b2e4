"""The outbox: erasures leave by number, whatever the clocks say, and an entry goes when it is told to."""

from datetime import datetime

from records.mongo.client import Database, Session
from records.mongo.outbox import append, backlog, remove, unsent
from records.mongo.transaction import in_transaction
from tests.integration.store_suite.data import NOW, STAMP


async def add(database: Database, time: datetime, n: int | None = None) -> None:
    async def body(session: Session) -> None:
        await append(database, session, "any", time, [[n]], STAMP, n)

    await in_transaction(database, body)


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(NOW.timestamp() + seconds, NOW.tzinfo)


async def names(database: Database, limit: int = 100) -> list[str]:
    """`n1` for an erasure's number, `+5` for another entry's second."""
    return [
        f"n{entry['n']}" if "n" in entry else f"{(entry['time'] - NOW).total_seconds():+.0f}"
        for entry in await unsent(database, limit)
    ]


async def test_erasures_leave_by_number_and_others_by_time(database: Database) -> None:
    for n in (3, 1, 2):
        await add(database, at(10 * n), n)
    for seconds in (35, 5, 25, 15):
        await add(database, at(seconds))
    assert await names(database) == ["+5", "n1", "+15", "n2", "+25", "n3", "+35"]


async def test_a_clock_that_steps_back_changes_no_order_of_numbers(database: Database) -> None:
    for n, seconds in ((1, 50), (2, 10), (3, 60), (4, -40)):
        await add(database, at(seconds), n)
    for seconds in (0, 55):
        await add(database, at(seconds))
    order = await names(database)
    assert [name for name in order if name.startswith("n")] == ["n1", "n2", "n3", "n4"]
    assert [name for name in order if not name.startswith("n")] == ["+0", "+55"]


async def test_a_limit_never_skips_a_smaller_number(database: Database) -> None:
    for n in (5, 4, 3, 2, 1):
        await add(database, at(-n), n)
        await add(database, at(n))
    sent: list[str] = []
    for _ in range(5):
        entries = await unsent(database, 2)
        sent += [f"n{entry['n']}" for entry in entries if "n" in entry]
        for entry in entries:
            await remove(database, [entry["_id"]])
    assert sent == ["n1", "n2", "n3", "n4", "n5"]
    assert await unsent(database, 2) == []


async def test_the_backlog_tells_how_many_wait_and_since_when(database: Database) -> None:
    assert await backlog(database) == (0, None)
    await add(database, at(20), 1)
    await add(database, at(10))
    assert await backlog(database) == (2, at(10))
