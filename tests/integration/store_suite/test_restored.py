"""What `state` remembers of a restore, on a real server."""

from datetime import timedelta
from typing import Final

import pytest

from records.mongo import outbox
from records.mongo.client import Database, Session
from records.mongo.policies import first_policy
from records.mongo.restored import (
    Ahead,
    Pulse,
    Stand,
    TrailAhead,
    begin_another_trail,
    mark,
    service,
    stand,
)
from records.mongo.state import bind, bound_settings
from records.mongo.transaction import in_transaction
from records.policy import GdprPolicy
from tests.integration.store_suite.data import NOW, STAMP

NAME: Final = "ORDER_RECORDS_AUDIT__LOG_NAME"
FRESH: Final = Ahead("FRESH_DATABASE", "audit", 9, 3, 0, 0)


async def test_a_new_database_has_no_heartbeat_and_stands_at_the_beginning(database: Database) -> None:
    found = await service(database)
    assert (found.heartbeat, found.silent, found.ahead, found.in_service) == (None, None, None, False)
    assert await stand(database) == Stand(0, 0, beaten=False, unsent={})


async def test_a_heartbeat_is_by_the_servers_clock_and_lasts_an_hour(database: Database) -> None:
    pulse = Pulse(database)
    await pulse.renew()
    found = await pulse.look()
    assert found.silent is not None
    assert timedelta() <= found.silent < timedelta(minutes=1)
    assert found.in_service
    await database.state.update_one(
        {"_id": "heartbeat"}, [{"$set": {"at": {"$subtract": ["$at", 3_600_001]}}}]
    )
    assert not (await service(database)).in_service


async def test_a_verdict_is_seen_by_everybody_and_named_with_both_numbers(database: Database) -> None:
    await mark(database, Ahead("AHEAD", "$audit", 9, 3, 7, 2), "$log")
    with pytest.raises(TrailAhead, match=r"\$audit ends with erasure 9 .* version 3, .* with 7 and 2"):
        await Pulse(database).look()


async def test_the_stand_has_number_policy_and_the_unsent_erasures(database: Database) -> None:
    await first_policy(database, GdprPolicy(version=4))
    await database.state.insert_one({"_id": "lease", "n": 8})
    await Pulse(database).renew()

    async def body(session: Session) -> None:
        await outbox.append(database, session, "anonymized", NOW, [["x", 2, NOW, []]], STAMP, 8)
        await outbox.append(database, session, "policy.changed", NOW, [[1, 1, True, "a"]], STAMP)

    await in_transaction(database, body)
    found = await stand(database)
    (entry,) = [row["_id"] async for row in database.outbox.find({"n": 8})]
    assert found == Stand(8, 4, beaten=True, unsent={8: entry})


@pytest.mark.parametrize(
    ("name", "topic", "begins"),
    [("new", "another", True), ("new", "audit", False), ("log", "another", False), ("log", "audit", False)],
)
async def test_a_new_database_begins_another_trail_only_with_both_a_new_name_and_topic(
    database: Database,
    name: str,
    topic: str,
    begins: bool,  # noqa: FBT001 - a row of the table
) -> None:
    await bind(database, {NAME: "log"})
    await mark(database, FRESH, "log")
    await begin_another_trail(database, topic, {NAME: name})
    assert ((await service(database)).ahead is None) is begins
    assert (await bound_settings(database))[NAME] == ("new" if begins else "log")


async def test_a_database_that_was_put_back_keeps_its_name(database: Database) -> None:
    await bind(database, {NAME: "log"})
    await mark(database, Ahead("AHEAD", "audit", 9, 3, 7, 2), "log")
    await begin_another_trail(database, "another", {NAME: "new"})
    assert (await service(database)).ahead is not None
    assert (await bound_settings(database))[NAME] == "log"
