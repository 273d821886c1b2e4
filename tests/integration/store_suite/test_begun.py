"""Another trail is begun in one transaction: the settings that are bound, its first event, and the number."""

from typing import Final

import pytest

from audit.templates import expand
from records.mongo import outbox
from records.mongo.begun import (
    Before,
    BeginGrounds,
    Beginning,
    Begun,
    TrailMoved,
    TrailUsed,
    Variables,
    begin_trail,
)
from records.mongo.client import Database, Document, Session
from records.mongo.errors import LeaseLost
from records.mongo.judgement import Trail, stand
from records.mongo.lease import Lease
from records.mongo.restored import Ahead, TrailAhead, service
from records.mongo.signed import raise_signed
from records.mongo.state import bind, bound_settings
from records.mongo.transaction import in_transaction
from records.policy import DateRules
from tests.integration.store_suite.data import NOW, STAMP, MakeLease
from tests.running_restore import refused

NAMES: Final = Variables("ORDER_RECORDS_AUDIT__LOG_NAME", "ORDER_RECORDS_KAFKA__AUDIT_TOPIC")
OLD, NEW, NEWER = Trail("audit", "log"), Trail("audit-2", "log-2"), Trail("audit-3", "log-3")
SIGNED: Final = (41, bytes(32))
ACTOR: Final = "ab" * 16


def beginning(before: Trail = OLD, trail: Trail = NEW) -> Beginning:
    return Beginning(before, trail, BeginGrounds.GAP, ACTOR, "1.2.3", DateRules())


@pytest.fixture
async def lease(database: Database, make_lease: MakeLease) -> Lease:
    """Of a database that has taken eight numbers, of which the last two and another act still wait."""
    await bind(database, NAMES.values(OLD))
    await raise_signed(database, OLD.log_name, None, SIGNED)
    lease = await make_lease("verb")
    assert await lease.acquire()
    await database.state.update_one({"_id": "lease"}, {"$set": {"n": 8}})

    async def body(session: Session) -> None:
        for n in (7, 8):
            await outbox.append(database, session, "anonymized", NOW, [[f"{n}", 2, NOW, []]], STAMP, n)
        await outbox.append(database, session, "policy.changed", NOW, [[1, 1, True, "a"]], STAMP)

    await in_transaction(database, body)
    return lease


async def waiting(database: Database) -> list[Document]:
    return await outbox.unsent(database, 10)


async def test_the_first_event_goes_before_all_that_waits_and_numbers_go_on_after_the_last_sent(
    database: Database, lease: Lease
) -> None:
    assert await begin_trail(database, lease, NAMES, beginning()) == Begun(Before(OLD, SIGNED), 6)
    entries = await waiting(database)
    assert [(each["kind"], each.get("n")) for each in entries] == [
        ("trail.begun", None),
        ("anonymized", 7),
        ("anonymized", 8),
        ("policy.changed", None),
    ]
    first = entries[0]
    assert first["time"] < NOW < first["at"]
    assert first["items"] == [["GAP", 6, "log", "audit", 41, "A" * 43 + "=", ACTOR]]
    assert first["at"].isoformat()[:19] in expand(first, "log-2")[0].value.decode()
    assert await bound_settings(database) == NAMES.values(NEW)
    assert not (await stand(database)).sent


async def test_its_time_is_its_place_where_nothing_waits(database: Database, lease: Lease) -> None:
    await database.outbox.delete_many({})
    assert (await begin_trail(database, lease, NAMES, beginning())).last_n == 8
    (first,) = await waiting(database)
    assert first["time"] == first["at"]


async def test_of_a_trail_of_which_nothing_was_sent_nobody_hears(database: Database, lease: Lease) -> None:
    await begin_trail(database, lease, NAMES, beginning())
    assert await begin_trail(database, lease, NAMES, beginning(NEW, NEWER)) == Begun(Before(OLD, SIGNED), 6)
    entries = await waiting(database)
    assert [each["kind"] for each in entries].count("trail.begun") == 1
    assert (entries[0]["logName"], entries[0]["items"][0][2]) == ("log-3", "log")


async def test_one_of_which_something_was_sent_is_the_one_before(database: Database, lease: Lease) -> None:
    await begin_trail(database, lease, NAMES, beginning())
    entries = await waiting(database)
    await outbox.remove(database, [each["_id"] for each in entries[:2]])
    assert await begin_trail(database, lease, NAMES, beginning(NEW, NEWER)) == Begun(Before(NEW, None), 7)


async def test_what_was_signed_is_what_is_stored_when_it_is_begun(database: Database, lease: Lease) -> None:
    wanted, more = beginning(), (43, bytes([1]) * 32)
    assert await raise_signed(database, OLD.log_name, SIGNED, more)
    assert (await begin_trail(database, lease, NAMES, wanted)).before.signed == more


@pytest.mark.parametrize("sent", [True, False])
@pytest.mark.parametrize(
    ("again", "variables"),
    [
        (Trail("audit-4", "log"), NAMES.log_name),
        (Trail("audit", "log-4"), NAMES.topic),
        (Trail("audit", "log-2"), f"{NAMES.log_name}, {NAMES.topic}"),
        (Trail("audit-4", "log-3"), NAMES.log_name),
    ],
)
async def test_no_name_and_no_topic_is_that_of_two_trails(
    database: Database,
    lease: Lease,
    again: Trail,
    variables: str,
    sent: bool,  # noqa: FBT001 - a row
) -> None:
    for before, trail in ((OLD, NEW), (NEW, NEWER)):
        await begin_trail(database, lease, NAMES, beginning(before, trail))
        if sent:
            await database.outbox.delete_many({})
    there = await database.outbox.count_documents({})
    with pytest.raises(TrailUsed, match=f"^{variables}: a trail of this database had it before"):
        await begin_trail(database, lease, NAMES, beginning(NEWER, again))
    assert await bound_settings(database) == NAMES.values(NEWER)
    assert await database.outbox.count_documents({}) == there
    await begin_trail(database, lease, NAMES, beginning(NEWER, Trail("audit-4", "log-4")))


async def test_it_is_begun_once(database: Database, lease: Lease) -> None:
    await begin_trail(database, lease, NAMES, beginning())
    with pytest.raises(TrailMoved):
        await begin_trail(database, lease, NAMES, beginning())
    assert len(await waiting(database)) == 4


async def test_a_new_database_that_was_refused_is_so_no_more(database: Database, lease: Lease) -> None:
    await refused(database, Ahead("FRESH_DATABASE", "audit", 9, 3, 0, 0), "log")
    await begin_trail(database, lease, NAMES, beginning())
    assert (await service(database)).ahead is None


async def test_a_database_that_was_put_back_keeps_its_trail(database: Database, lease: Lease) -> None:
    await refused(database, Ahead("AHEAD", "audit", 9, 3, 7, 2), "log")
    with pytest.raises(TrailAhead):
        await begin_trail(database, lease, NAMES, beginning())
    assert await bound_settings(database) == NAMES.values(OLD)
    assert len(await waiting(database)) == 3


async def test_nothing_is_begun_while_another_one_leads(
    database: Database, lease: Lease, make_lease: MakeLease
) -> None:
    await lease.release()
    assert await (await make_lease("worker")).acquire()
    with pytest.raises(LeaseLost):
        await begin_trail(database, lease, NAMES, beginning())
    assert await bound_settings(database) == NAMES.values(OLD)
