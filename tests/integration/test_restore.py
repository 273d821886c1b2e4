"""A backup from before erasures is put back: nothing runs before it has what the trail knows."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from audit.types import ATTESTATION, LEDGER_REAPPLIED, OFFSETS_LOST, RECORD_ANONYMIZED, RECORD_DELETED
from cli.lifecycle_reapply import reapplied
from records.mongo.outbox import Stamp
from records.mongo.policies import change_policy, gdpr_policy, policy_history
from records.mongo.restored import TrailAhead
from records.policy import DateRules, GdprPolicy
from runtime.health import Health
from service.consume import consume
from tests.e2e.checker import check_sequence, read_trail
from tests.running_consumer import Topic, consuming
from tests.running_restore import audited_topic_of, copied, put_back, settled, trail_values, working
from worker.work import work

# A Kafka client that is stopped while it connects leaves its socket to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

DAY: Final = timedelta(days=1)
STAMP: Final = Stamp("1.2.3", 0, f"sha256:{'0' * 64}")
LIVE, CLEANUP_DUE, DELETION_DUE = (timedelta(days=days) for days in (1, 40, 250))


@pytest.fixture
async def topic(
    mongo_uri: str, fresh_database: str, real_kafka: str, topic_names: Callable[[str], str]
) -> AsyncIterator[Topic]:
    often = {"ORDER_RECORDS_WORKER__SWEEP_INTERVAL_SECONDS": "0.2"}
    async with audited_topic_of(mongo_uri, fresh_database, real_kafka, topic_names, **often) as made:
        await made.make(2)
        yield made


async def publish(topic: Topic, count: int, age: timedelta) -> None:
    await topic.publish(count, timestamp_ms=int((datetime.now(UTC) - age).timestamp() * 1000))


async def read_all(topic: Topic) -> None:
    async with consuming(topic):
        await topic.read_up_to(topic.published)


async def erase(topic: Topic) -> None:
    async with working(topic.settings):
        await settled(topic)


async def state_of(topic: Topic) -> dict[str, Any]:
    """All that a second run must leave as it is: everything but the heartbeat and the lease's time."""
    whole = await copied(topic.database)
    whole["state"] = [row for row in whole["state"] if row["_id"] not in {"heartbeat", "lease"}]
    return whole


async def reapply(topic: Topic, *, dry: bool = False) -> dict[str, Any]:
    """What the verb prints."""
    return (await reapplied(topic.settings, dry=dry, actor="test")).facts()


async def refused(topic: Topic, main: Any) -> str:
    with pytest.raises(TrailAhead) as failure:
        await asyncio.wait_for(main(topic.settings, Health("127.0.0.1", 0), asyncio.Event()), 20)
    return str(failure.value)


async def test_what_was_erased_after_the_backup_is_erased_again_and_nothing_runs_before(topic: Topic) -> None:
    database = topic.database
    await erase(topic)
    for count, age in ((5, LIVE), (4, CLEANUP_DUE), (3, DELETION_DUE)):
        await publish(topic, count, age)
    await read_all(topic)
    backup = await copied(database)
    assert len(backup["records"]) == 12

    await publish(topic, 2, DELETION_DUE)
    await publish(topic, 3, LIVE)
    await read_all(topic)
    wanted = GdprPolicy(retention_time=35, deletion_time_after_retention=180)
    await change_policy(database, wanted, "ab" * 16, "1.2.3", DateRules())
    await erase(topic)
    erased = {row["_id"] async for row in database.ledger.find()}
    last = await database.state.find_one({"_id": "lease"})
    assert (len(erased), last is not None) == (5, True)

    await put_back(database, backup)
    for main in (work, consume):
        assert "lifecycle reapply" in await refused(topic, main)
    dry = await reapply(topic, dry=True)
    done = await reapply(topic)
    assert {**dry, "dryRun": False} == done
    assert (done["ids"], done["policy"], done["lastN"]) == (5, True, last["n"] if last else 0)
    after = await state_of(topic)
    assert (await reapply(topic))["changed"] is False
    assert await state_of(topic) == after

    assert await gdpr_policy(database) == GdprPolicy(35, 180, version=1)
    assert [past.policy.version for past in await policy_history(database)] == [1]
    async with working(topic.settings), consuming(topic):
        await topic.read_up_to(topic.published)
        await settled(topic)
    assert {row["_id"] async for row in database.ledger.find()} == erased
    assert await database.records.count_documents({"anonymized": True}) == 4
    assert await database.records.count_documents({"anonymized": False}) == 8
    trail = read_trail(await trail_values(topic.settings))
    check_sequence(trail)
    assert trail.subjects(RECORD_DELETED).keys() == erased
    assert len(trail.subjects(RECORD_ANONYMIZED)) == 4
    assert (len(trail.of(LEDGER_REAPPLIED)), len(trail.of(OFFSETS_LOST))) == (1, 0)
    assert trail.of(ATTESTATION)
