"""What `state` remembers of a restore, on a real server."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import pytest
from pymongo import MongoClient

from records.mongo import outbox
from records.mongo.client import Database, Document, Session
from records.mongo.judgement import Stand, Trail, judged, stand, unsent_erasures
from records.mongo.policies import first_policy
from records.mongo.restored import Ahead, Pulse, Service, TrailAhead, WentBack, service
from records.mongo.transaction import in_transaction
from records.policy import GdprPolicy
from tests.integration.store_suite.data import NOW, STAMP, Failing
from tests.running_restore import refused

TRAIL: Final = Trail("audit", "log")
_WRITE_CONFLICT: Final = 112


async def test_a_new_database_has_no_heartbeat_and_stands_at_the_beginning(database: Database) -> None:
    found = await service(database)
    assert (found.heartbeat, found.silent, found.ahead, found.in_service) == (None, None, None, False)
    assert await stand(database) == Stand(0, 0, beaten=False, sent=False)


async def test_a_heartbeat_is_by_the_servers_clock_and_lasts_an_hour(database: Database) -> None:
    pulse = Pulse(database)
    await pulse.renew(compared=True)
    found = await pulse.look()
    assert found.silent is not None
    assert timedelta() <= found.silent < timedelta(minutes=1)
    assert found.in_service
    await database.state.update_one(
        {"_id": "heartbeat"}, [{"$set": {"at": {"$subtract": ["$at", 3_600_001]}}}]
    )
    assert not (await service(database)).in_service


async def test_a_verdict_is_seen_by_everybody_and_named_with_both_numbers(database: Database) -> None:
    await refused(database, Ahead("AHEAD", "$audit", 9, 3, 7, 2), "$log")
    with pytest.raises(TrailAhead, match=r"\$audit ends with erasure 9 .* version 3, .* with 7 and 2"):
        await Pulse(database).look()


async def test_the_stand_has_number_policy_and_the_unsent_erasures(database: Database) -> None:
    await first_policy(database, GdprPolicy(version=4))
    await database.state.insert_one({"_id": "lease", "n": 8})
    await Pulse(database).renew(compared=True)

    async def body(session: Session) -> None:
        await outbox.append(database, session, "anonymized", NOW, [["x", 2, NOW, []]], STAMP, 8)
        await outbox.append(database, session, "policy.changed", NOW, [[1, 1, True, "a"]], STAMP)

    await in_transaction(database, body)
    (entry,) = [row["_id"] async for row in database.outbox.find({"n": 8})]
    assert await stand(database, 8) == Stand(8, 4, beaten=True, sent=True, waiting=entry)
    assert await stand(database, 7) == Stand(8, 4, beaten=True, sent=True)
    assert await unsent_erasures(database) == {8: entry}


@dataclass(frozen=True)
class End:
    n: int
    policy_version: int = 0


async def test_a_trail_that_tells_nothing_of_a_database_that_sent_does_not_agree_with_it(
    database: Database,
) -> None:
    await database.state.insert_one({"_id": "lease", "n": 9})
    await database.outbox.insert_one({"_id": "9", "n": 9})
    assert not await judged(database, End(0), lambda found: "UNTOLD" if found.sent else "AGREES", TRAIL)
    assert (await service(database)).ahead is None


async def test_a_verdict_is_stored_only_by_whom_the_others_follow(
    breakable: Database, breakable_uri: str, failing: Failing
) -> None:
    await breakable.state.insert_one({"_id": "lease", "n": 8})
    seen: list[int] = []

    def compare(found: Stand) -> str:
        seen.append(found.n)
        with MongoClient[Document](breakable_uri) as client:  # what the member did not hear that is cut off
            client["shop"]["state"].update_one({"_id": "lease"}, {"$set": {"n": 9}})
        return "AHEAD" if found.n < 9 else "AGREES"

    with failing("update", {"times": 1}, errorCode=_WRITE_CONFLICT):
        assert await judged(breakable, End(9), compare, TRAIL)
    assert seen == [8, 9]
    assert (await service(breakable)).ahead is None


async def beat_of(database: Database) -> int:
    return (await service(database)).beat


async def test_a_clock_that_is_set_right_is_no_restore(database: Database) -> None:
    await database.state.insert_one({"_id": "heartbeat", "at": NOW + timedelta(minutes=10)})
    pulse = Pulse(database)
    await pulse.look()
    for _ in range(2):
        await pulse.renew(compared=False)
        await pulse.look()
    assert await beat_of(database) == 2


async def test_a_backup_that_is_seconds_old_is_seen_beneath_a_process_that_runs(database: Database) -> None:
    pulse = Pulse(database)
    for _ in range(3):
        await pulse.renew(compared=True)
    await pulse.look()
    await database.state.update_one({"_id": "heartbeat"}, {"$inc": {"beat": -1}})
    with pytest.raises(WentBack):
        await pulse.renew(compared=True)
    with pytest.raises(WentBack):
        await pulse.look()
    assert await beat_of(database) == 2


async def test_one_look_at_a_member_that_is_behind_is_asked_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulse = Pulse(database)
    for _ in range(2):
        await pulse.renew(compared=True)
    found = await pulse.look()

    async def behind(_: Database) -> Service:
        return replace(found, beat=1)

    monkeypatch.setattr("records.mongo.restored.service", behind)
    await pulse.look()


async def test_a_heartbeat_of_somebody_who_has_not_compared_leaves_the_time_of_who_had(
    database: Database,
) -> None:
    before = NOW - timedelta(hours=3)
    await database.state.insert_one({"_id": "heartbeat", "at": before})  # by an earlier version
    pulse = Pulse(database)
    for _ in range(2):
        await pulse.renew(compared=False)
    found = await service(database)
    assert (found.in_service, found.compared) == (True, before)
    await pulse.renew(compared=True)
    found = await service(database)
    assert found.compared == found.heartbeat
