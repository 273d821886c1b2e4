"""An operator begins another trail, and it is sound: from the fault of the one before to `audit verify`."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
from aiokafka.admin import NewTopic

from audit.following import LogKeys
from audit.keys import verifier_key
from cli.audit_begin import begun_anew
from cli.leading import leading
from records.mongo.begun import BeginGrounds
from records.mongo.client import Database
from records.mongo.lease import Lease
from records.mongo.outbox import unsent
from records.mongo.restored import Pulse, TrailAhead
from records.mongo.signed import raise_signed
from records.mongo.startup import SettingsDiffer
from records.mongo.state import bound_settings
from runtime.errors import UserError
from runtime.health import Health
from runtime.settings import Settings
from tests.e2e.deployment import until
from tests.integration.store_suite.data import CLEANUP_DUE, prepared, store_all
from tests.running_consumer import PATIENCE, Topic
from tests.running_restore import audited_topic_of, bind, trail_values, verb, working
from tests.unfetchable import publish_unfetchable
from worker.floor import StoredFloor
from worker.notary import Notary, Pace
from worker.trail_check import TrailCheck
from worker.work import work

# A Kafka client that is stopped while it connects leaves its socket to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

SEED: Final = bytes(range(32))


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.trail_check._LOOK_SECONDS", 0.2)
    monkeypatch.setattr("cli.leading._EXTRA_SECONDS", -2.0)


@pytest.fixture
async def topic(
    mongo_uri: str, fresh_database: str, real_kafka: str, topic_names: Callable[[str], str]
) -> AsyncIterator[Topic]:
    named = {"ORDER_RECORDS_AUDIT__LOG_NAME": "first"}
    async with audited_topic_of(mongo_uri, fresh_database, real_kafka, topic_names, **named) as made:
        names = (made.settings.kafka.order_topic, made.settings.kafka.checkpoint_topic)
        await made.admin.create_topics([NewTopic(name, 1, 1) for name in names])
        await bind(made)
        yield made


async def other(topic: Topic, names: Callable[[str], str], log_name: str = "second") -> Settings:
    """The settings of another trail, whose topics are there."""
    settings = topic.settings
    new = {"audit_topic": names("audit-2"), "checkpoint_topic": names("checkpoints-2")}
    await topic.admin.create_topics([NewTopic(name, 1, 1) for name in new.values()])
    changed = {
        "kafka": settings.kafka.model_copy(update=new),
        "audit": settings.audit.model_copy(update={"log_name": log_name}),
    }
    return settings.model_copy(update=changed)


async def erased(topic: Topic, n: int) -> None:
    """So many batches are announced."""

    async def done() -> bool:
        lease = await topic.database.state.find_one({"_id": "lease"}) or {}
        waiting = await topic.database.outbox.count_documents({})
        return lease.get("n", 0) >= n and not waiting

    await until(done, PATIENCE, f"{n} batches announced")


async def signed(topic: Topic, settings: Settings) -> int:
    """All that is on the trail now is signed; how many events that are."""
    log_name, size = settings.audit.log_name, len(await trail_values(settings))
    kafka = settings.kafka.model_copy(update={"audit_topic": settings.kafka.checkpoint_topic})
    checkpoints = settings.model_copy(update={"kafka": kafka})
    floor = StoredFloor(topic.database, log_name)
    notary = Notary(settings.kafka, SEED, LogKeys.of(SEED, log_name, ()), Pace(0, 0, 1, 0), floor=floor)
    stopping = asyncio.Event()

    async def done() -> bool:
        return any(f"{log_name}\n{size}\n".encode() in value for value in await trail_values(checkpoints))

    running = asyncio.create_task(notary.run(stopping))
    await until(done, PATIENCE, f"{size} events signed")
    stopping.set()
    await running
    return size


async def verified(settings: Settings) -> dict[str, Any]:
    variables = {
        "ORDER_RECORDS_KAFKA__BOOTSTRAP_SERVERS": settings.kafka.bootstrap_servers,
        "ORDER_RECORDS_KAFKA__AUDIT_TOPIC": settings.kafka.audit_topic,
        "ORDER_RECORDS_KAFKA__CHECKPOINT_TOPIC": settings.kafka.checkpoint_topic,
    }
    key = verifier_key(SEED, settings.audit.log_name)
    code, out, err = await verb(variables, "audit", "verify", "--key", key, "--json")
    assert out, err
    return {**json.loads(out), "code": code}


async def test_where_the_trail_is_not_signed_any_more_another_one_is_begun_and_is_sound(
    topic: Topic, topic_names: Callable[[str], str]
) -> None:
    await store_all(topic.database, prepared(1, CLEANUP_DUE))
    async with working(topic.settings):
        await erased(topic, 1)
    size = await signed(topic, topic.settings)
    # Among them one that no client can decode: none of what is after it can ever be signed.
    audit = topic.settings.kafka.audit_topic
    await publish_unfetchable(topic.settings.kafka.bootstrap_servers, audit, bad=3, after=2, beside=0)
    another = await other(topic, topic_names)
    done = await begun_anew(another, BeginGrounds.UNREADABLE, "on-call")
    assert (done["changed"], done["lastN"], done["logNameBefore"]) == (True, 1, "first")
    assert (await begun_anew(another, BeginGrounds.UNREADABLE, "on-call"))["changed"] is False
    await store_all(topic.database, prepared(2, CLEANUP_DUE))
    async with working(another):
        await erased(topic, 2)
    proven = await signed(topic, another)
    found = await verified(another)
    assert found["findings"] == []
    assert (found["code"], found["n"], found["proven"]) == (0, {"first": 2, "last": 2}, proven)
    assert found["begun"]["afterN"] == 1
    before = found["begun"]["before"]
    assert (before["source"], before["topic"]) == ("/first", audit)
    assert before["signedSize"] == done["signedBefore"] == size
    first = json.loads((await trail_values(another))[0])
    assert (first["type"], first["source"]) == ("order-records.trail.begun.v1", "/second")


async def test_a_worker_with_the_settings_of_the_trail_before_ends_and_sends_nothing_more(
    topic: Topic, topic_names: Callable[[str], str]
) -> None:
    another = await other(topic, topic_names)
    standing_by = asyncio.create_task(work(topic.settings, Health("127.0.0.1", 0), asyncio.Event()))

    async def beaten() -> bool:
        return await topic.database.state.find_one({"_id": "heartbeat"}) is not None

    await until(beaten, PATIENCE, "the worker compares")
    with pytest.raises(UserError, match="a worker leads: stop `work` first"):
        await begun_anew(another, BeginGrounds.GAP, "on-call")
    await topic.database.state.update_one(
        {"_id": "bound"}, {"$set": another.bound_trail()}
    )  # as by somebody who was led to it while that worker stood by
    with pytest.raises(SettingsDiffer, match="ORDER_RECORDS_AUDIT__LOG_NAME"):
        await asyncio.wait_for(standing_by, PATIENCE)


async def test_a_worker_that_waited_to_lead_does_not_lead_for_the_trail_before(
    topic: Topic, topic_names: Callable[[str], str]
) -> None:
    another = await other(topic, topic_names)
    await begun_anew(another, BeginGrounds.GAP, "on-call")
    check = TrailCheck(topic.settings, topic.database, Health("127.0.0.1", 0))
    with pytest.raises(SettingsDiffer, match="ORDER_RECORDS_KAFKA__AUDIT_TOPIC"):
        await asyncio.wait_for(check.before_leading(asyncio.Event()), PATIENCE)
    (first,) = await unsent(topic.database, 10)
    assert first["kind"] == "trail.begun"


async def test_another_trail_has_new_topics_and_a_new_name(
    topic: Topic, topic_names: Callable[[str], str]
) -> None:
    same_name = await other(topic, topic_names, log_name="first")
    with pytest.raises(UserError, match="ORDER_RECORDS_AUDIT__LOG_NAME: another trail has"):
        await begun_anew(same_name, BeginGrounds.GAP, "on-call")
    with pytest.raises(UserError, match="another trail has a new log name and a new topic"):
        await begun_anew(topic.settings, BeginGrounds.GAP, "on-call")
    used = same_name.model_copy(update={"audit": same_name.audit.model_copy(update={"log_name": "second"})})
    for name in (used.kafka.checkpoint_topic, used.kafka.audit_topic):
        await topic.producer.send_and_wait(name, b"old", partition=0)
        with pytest.raises(UserError, match=f"topic {name} has records already"):
            await begun_anew(used, BeginGrounds.GAP, "on-call")
    assert (await bound_settings(topic.database)).items() >= topic.settings.bound_trail().items()


async def test_what_a_worker_has_signed_until_it_let_go_is_named(
    topic: Topic, topic_names: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    @asynccontextmanager
    async def after_a_last_checkpoint(settings: Settings, database: Database) -> AsyncIterator[Lease]:
        assert await raise_signed(database, "first", None, (5, bytes(32)))
        async with leading(settings, database) as lease:
            yield lease

    monkeypatch.setattr("cli.audit_begin.leading", after_a_last_checkpoint)
    done = await begun_anew(await other(topic, topic_names), BeginGrounds.GAP, "on-call")
    assert done["signedBefore"] == 5


async def test_a_name_that_was_used_before_is_refused(
    topic: Topic, topic_names: Callable[[str], str]
) -> None:
    another = await other(topic, topic_names)
    await begun_anew(another, BeginGrounds.GAP, "on-call")
    kafka = {name: topic_names(f"{name}-3") for name in ("audit_topic", "checkpoint_topic")}
    back = topic.settings.model_copy(update={"kafka": topic.settings.kafka.model_copy(update=kafka)})
    with pytest.raises(UserError, match="ORDER_RECORDS_AUDIT__LOG_NAME: a trail of this database had it"):
        await begun_anew(back, BeginGrounds.GAP, "on-call")
    assert (await bound_settings(topic.database)).items() >= another.bound_trail().items()


async def test_a_trail_to_which_nothing_was_ever_sent_may_be_lost(
    topic: Topic, topic_names: Callable[[str], str]
) -> None:
    await topic.admin.delete_topics([topic.settings.kafka.audit_topic])
    done = await begun_anew(await other(topic, topic_names), BeginGrounds.LOST, "on-call")
    assert (done["changed"], done["lastN"]) == (True, 0)


async def test_a_backup_begins_no_other_trail_and_one_that_is_there_is_not_lost(
    topic: Topic, topic_names: Callable[[str], str]
) -> None:
    another = await other(topic, topic_names)
    await store_all(topic.database, prepared(1, CLEANUP_DUE))
    async with working(topic.settings):
        await erased(topic, 1)
    with pytest.raises(UserError, match="is there and tells of this database: it is not lost"):
        await begun_anew(another, BeginGrounds.LOST, "on-call")
    await topic.database.state.update_one({"_id": "lease"}, {"$set": {"n": 0}})
    with pytest.raises(TrailAhead, match="ends with erasure 1"):
        await begun_anew(another, BeginGrounds.GAP, "on-call")
    assert (await bound_settings(topic.database)).items() >= topic.settings.bound_trail().items()
    await Pulse(topic.database).look()
