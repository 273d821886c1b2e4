"""Each way in which a trail can be ahead of its database, and what is brought back of each act."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest
from aiokafka.admin import NewTopic
from aiokafka.errors import KafkaError

from audit.types import LEDGER_REAPPLIED, RECORD_ANONYMIZED
from cli.audit_begin import begun_anew
from cli.lifecycle_reapply import reapplied
from local.servers.process import HOST, free_port
from records.mongo import outbox
from records.mongo.begun import BeginGrounds
from records.mongo.client import Database, Session
from records.mongo.lease import Lease
from records.mongo.restored import Pulse, TrailAhead, WentBack, service
from records.mongo.startup import SettingsDiffer
from records.mongo.sweep import Action, sweep
from records.mongo.transaction import in_transaction
from records.quarantine import Position
from runtime.errors import UserError
from runtime.health import Health
from runtime.settings import Settings
from runtime.trail import BackwardReading
from service.api.app import create_app
from service.api.held import HeldWrites
from service.consume import consume
from service.trail_check import agreed
from tests.api_app import client_of, context
from tests.e2e.checker import TrailFacts, check_sequence, read_trail
from tests.e2e.deployment import until
from tests.integration.store_suite.data import (
    CLEANUP_DUE,
    DAY,
    LIVE,
    NOW,
    STAMP,
    all_records,
    prepared,
    store_all,
    sweep_context,
)
from tests.running_consumer import PATIENCE, Topic, consuming
from tests.running_restore import audited_topic_of, bind, copied, put_back, trail_values, working
from worker.relay import Relay
from worker.trail_check import TrailCheck
from worker.work import work

HOUR: Final = timedelta(hours=1)
AGO: Final = NOW - DAY
ACTOR: Final = "ab" * 16


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("worker.trail_check._LOOK_SECONDS", "service.api.held._LOOK_SECONDS"):
        monkeypatch.setattr(name, 0.2)
    monkeypatch.setattr("cli.leading._EXTRA_SECONDS", -2.0)


@pytest.fixture
async def topic(
    mongo_uri: str, fresh_database: str, real_kafka: str, topic_names: Callable[[str], str]
) -> AsyncIterator[Topic]:
    async with audited_topic_of(mongo_uri, fresh_database, real_kafka, topic_names) as made:
        await made.make()
        await bind(made)
        yield made


async def announce(
    database: Database,
    kind: str,
    *items: list[Any],
    n: int | None = None,
    policy: int = 0,
    time: datetime = AGO,
) -> None:
    """An entry of the outbox, as some act leaves it."""
    stamp = outbox.Stamp("1.2.3", policy, STAMP.policy_digest)

    async def body(session: Session) -> None:
        await outbox.append(database, session, kind, time, items, stamp, n)

    await in_transaction(database, body)


async def send(settings: Settings, database: Database) -> None:
    """The relay, until the outbox is empty."""
    stopping = asyncio.Event()
    running = asyncio.create_task(Relay(settings, database).run(stopping))

    async def empty() -> bool:
        return not await database.outbox.count_documents({})

    try:
        await until(empty, PATIENCE, "everything announced")
    finally:
        stopping.set()
        await running


async def tell(topic: Topic, *told: tuple[str, list[Any]], policy: int = 0) -> None:
    """Acts that are on the trail, and of which the database knows nothing; erasures get the next number."""
    n = 0
    for kind, item in told:
        erasure = kind in {"anonymized", "deleted", "quarantine.erased"}
        n += erasure
        await announce(topic.database, kind, item, n=n if erasure else None, policy=policy)
    await send(topic.settings, topic.database)


async def bring_back(topic: Topic, *, dry: bool = False) -> dict[str, Any]:
    return (await reapplied(topic.settings, dry=dry, actor="test")).facts()


async def trail_of(topic: Topic) -> TrailFacts:
    return read_trail(await trail_values(topic.settings))


async def test_ids_are_remembered_until_the_time_they_would_have_been_and_no_longer(topic: Topic) -> None:
    database, recent, old = topic.database, str(uuid4()), str(uuid4())
    long_ago = NOW - 401 * DAY
    await announce(database, "deleted", [old, 2, long_ago, []], n=1, time=long_ago)
    await announce(database, "deleted", [recent, 2, AGO, []], n=2)
    await send(topic.settings, database)
    done = await bring_back(topic)
    assert (done["ids"], done["lastN"]) == (1, 2)
    assert await database.ledger.find().to_list(None) == [{"_id": recent, "expiresAt": AGO + 400 * DAY}]


async def test_a_record_whose_dates_were_later_in_the_backup_is_due_again_at_once(topic: Topic) -> None:
    database = topic.database
    await store_all(database, *(prepared(number, LIVE) for number in range(3)))
    masked, gone, other = (prepared(number, LIVE).id for number in range(3))
    await tell(topic, ("anonymized", [masked, 2, AGO, []]), ("deleted", [gone, 2, AGO, []]))
    assert (await bring_back(topic))["dates"] == 2
    async with database.session() as session:
        lease = Lease(database, session, "leader", 60)
        assert await lease.acquire()
        again = sweep_context(database, lease)
        assert await sweep(again, Action.ANONYMIZE, 10) == [masked]
        assert await sweep(again, Action.DELETE, 10) == [gone]
    left = await all_records(database)
    assert {i: row["anonymized"] for i, row in left.items()} == {masked: True, other: False}


async def test_an_order_that_came_again_once_its_id_was_forgotten_is_not_erased_early(topic: Topic) -> None:
    database, long_ago = topic.database, NOW - 500 * DAY
    await store_all(database, prepared(1, LIVE), prepared(2, LIVE))
    before = await all_records(database)
    for n, kind in enumerate(("deleted", "anonymized"), 1):
        item = [prepared(n, LIVE).id, 2, long_ago, []]
        await announce(database, kind, item, n=n, time=long_ago)
    await send(topic.settings, database)
    assert (await bring_back(topic))["dates"] == 0
    assert await all_records(database) == before


async def quarantined(topic: Topic, offset: int, **more: Any) -> str:
    """A sealed entry of the order topic's first partition, whose time is not the topic's."""
    position = Position(topic.name, 0, offset, 1_700_000_000_000)
    entry = {"arrived": AGO - DAY, "reason": "NOT_JSON", "pointer": "", "sealed": b"x", "due": NOW + DAY}
    await topic.database.quarantine.insert_one({**position.members(), **entry, **more})
    return position.entry_id


async def test_what_a_quarantined_event_had_lost_it_loses_again(topic: Topic) -> None:
    record = str(uuid4())
    dropped, erased, to_erased, replayed, kept = [
        await quarantined(topic, offset, **({"recordId": record} if offset == 3 else {}))
        for offset in range(5)
    ]
    place = [topic.name, 0]
    await tell(
        topic,
        ("quarantine.dropped", [*place, 0, "NOT_JSON", "SENT_AGAIN", ACTOR]),
        ("quarantine.erased", [*place, 1, "NOT_JSON", AGO]),
        ("quarantine.replayed", [*place, 2, "NOT_JSON", "", "ERASED", ACTOR]),
        ("quarantine.replayed", [*place, 3, "NOT_JSON", "", "CREATED", ACTOR]),
        ("quarantine.replayed", [*place, 4, "NOT_JSON", "", "CREATED", ACTOR]),
        ("anonymized", [record, 2, AGO, []]),
    )
    done = await bring_back(topic)
    assert (done["entries"], done["replayAgain"]) == (4, 1)
    sealed = {row["_id"] async for row in topic.database.quarantine.find({"sealed": {"$exists": True}})}
    assert sealed == {kept}
    bare = await topic.database.quarantine.find_one({"_id": dropped})
    assert bare is not None
    assert (bare["expiresAt"], bare["dropped"]) == (AGO + 400 * DAY, "SENT_AGAIN")
    assert {erased, to_erased, replayed} <= {row["_id"] async for row in topic.database.quarantine.find()}


async def test_a_dropped_event_that_would_be_read_again_stays_out(topic: Topic) -> None:
    published = int((NOW - 2 * DAY).timestamp() * 1000)
    for value in (b"{broken", b"{broken too"):
        await topic.producer.send_and_wait(topic.name, value, partition=0, timestamp_ms=published)
    async with consuming(topic):
        await topic.read_up_to(2)
    await topic.database.quarantine.delete_many({})
    await topic.database.outbox.delete_many({})
    await topic.database.state.delete_many({"_id": {"$in": ["heartbeat", f"positions/{topic.name}/0"]}})
    await tell(topic, ("quarantine.dropped", [topic.name, 0, 1, "NOT_JSON", "NOT_AN_ORDER", ACTOR]))
    done = await bring_back(topic)
    assert (done["entries"], done["offsets"]) == (1, {"0": {"committed": 2, "readFrom": 0}})
    async with consuming(topic):
        await topic.read_up_to(2)
    sealed = await topic.database.quarantine.find({"sealed": {"$exists": True}}).to_list(None)
    assert [row["offset"] for row in sealed] == [0]
    assert await topic.database.quarantine.count_documents({}) == 2


async def test_the_group_is_set_back_to_before_the_database_was_compared_whoever_led_since(
    topic: Topic,
) -> None:
    await topic.publish(3, timestamp_ms=int((NOW - 5 * HOUR).timestamp() * 1000))
    async with consuming(topic):
        await topic.read_up_to(3)
    led = {"at": NOW, "compared": NOW - 6 * HOUR}
    state = topic.database.state
    await state.update_one({"_id": "heartbeat"}, {"$set": led})
    read_to = {"$set": {"readTo": 3}}
    assert (await state.update_one({"_id": f"positions/{topic.name}/0"}, read_to)).matched_count == 1
    await tell(topic, ("deleted", [str(uuid4()), 2, AGO, []]))
    assert (await bring_back(topic, dry=True))["offsets"] == {"0": {"committed": 3, "readFrom": 0}}


async def test_numbers_that_were_given_out_twice_are_given_out_anew_and_none_is_missing(topic: Topic) -> None:
    database, settings = topic.database, topic.settings
    for n in (1, 2, 3):
        await announce(database, "anonymized", [str(uuid4()), 2, AGO, []], n=n)
    sent = await outbox.unsent(database, 1)
    await send(settings, database)
    await database.outbox.insert_many(sent)  # the first one, not removed yet
    for n in (2, 3, 4, 5):  # a worker on the backup, which had no Kafka
        await announce(database, "anonymized", [str(uuid4()), 2, AGO, []], n=n)
    await database.state.update_one(
        {"_id": "lease"}, {"$set": {"n": 5, "owner": "", "expires": AGO}}, upsert=True
    )
    with pytest.raises(TrailAhead):
        await asyncio.wait_for(work(settings, Health("127.0.0.1", 0), asyncio.Event()), 20)
    assert (await bring_back(topic))["lastN"] == 7
    await send(settings, database)
    trail = await trail_of(topic)
    check_sequence(trail)
    assert (len(trail.events), trail.repeats) == (8, 1)


async def test_a_new_database_beside_a_trail_may_take_another_name_and_topic(
    topic: Topic, topic_names: Callable[[str], str]
) -> None:
    await tell(topic, ("deleted", [str(uuid4()), 2, AGO, []]))
    for main in (consume, work):
        with pytest.raises(TrailAhead, match=r"this database is new.*ORDER_RECORDS_AUDIT__LOG_NAME"):
            await asyncio.wait_for(main(topic.settings, Health("127.0.0.1", 0), asyncio.Event()), 20)
    kafka, audit = topic.settings.kafka, topic.settings.audit
    other_topic = kafka.model_copy(update={"audit_topic": topic_names("another")})
    only_topic = topic.settings.model_copy(update={"kafka": other_topic})
    with pytest.raises(SettingsDiffer, match="ORDER_RECORDS_KAFKA__AUDIT_TOPIC"):
        await asyncio.wait_for(work(only_topic, Health("127.0.0.1", 0), asyncio.Event()), 20)
    both = only_topic.model_copy(update={"audit": audit.model_copy(update={"log_name": "another"})})
    with pytest.raises(SettingsDiffer, match="order-records audit begin"):
        await asyncio.wait_for(work(both, Health("127.0.0.1", 0), asyncio.Event()), 20)
    with pytest.raises(UserError, match="the reason is NEW_DATABASE"):
        await begun_anew(both, BeginGrounds.GAP, "on-call")
    await begun_anew(both, BeginGrounds.NEW_DATABASE, "on-call")
    async with working(both):
        assert (await service(topic.database)).in_service


async def test_a_trail_that_cannot_be_told_in_full_says_so_and_no_version_names_two_policies(
    topic: Topic,
) -> None:
    await topic.producer.send_and_wait(topic.settings.kafka.audit_topic, b"junk", partition=0)
    await tell(topic, ("deleted", [str(uuid4()), 2, AGO, []]), policy=4)
    done = await bring_back(topic)
    assert (done["unreadable"], done["policy"], done["policyVersion"]) == (1, True, 4)
    stored = await topic.database.state.find_one({"_id": "gdpr"})
    assert stored is not None
    assert (stored["version"], stored["retentionTime"]) == (4, 30)
    events = (await trail_of_valid(topic))[LEDGER_REAPPLIED]
    assert events == 0  # it is still in the outbox, with the policy as it is now
    (entry,) = await outbox.unsent(topic.database, 10)
    assert (entry["kind"], entry["policyVersion"]) == ("ledger.reapplied", 4)


async def trail_of_valid(topic: Topic) -> dict[str, int]:
    values = [value for value in await trail_values(topic.settings) if value != b"junk"]
    return {LEDGER_REAPPLIED: len(read_trail(values).of(LEDGER_REAPPLIED))}


async def test_an_order_that_could_live_longer_when_it_is_read_again_stays_out(topic: Topic) -> None:
    record = str(uuid4())
    await announce(topic.database, "policy.changed", [20, 180, True, ACTOR], policy=1)
    await announce(topic.database, "anonymized", [record, 2, AGO, []], n=1, policy=1)
    await announce(topic.database, "policy.changed", [60, 180, True, ACTOR], policy=2, time=NOW)
    await send(topic.settings, topic.database)
    await bring_back(topic)
    assert [row["_id"] async for row in topic.database.ledger.find()] == [record]


async def test_the_verb_waits_for_no_member_of_the_group_and_for_no_worker_that_leads(topic: Topic) -> None:
    await topic.publish(3)
    async with consuming(topic):
        await topic.read_up_to(3)
        with pytest.raises(UserError, match="stop `consume` first"):
            await bring_back(topic)
    async with topic.database.session() as session:
        lease = Lease(topic.database, session, "leader", 60)
        assert await lease.acquire()
        with pytest.raises(UserError, match="stop `work` first"):
            await bring_back(topic)
        await lease.release()
    assert (await bring_back(topic))["changed"] is True


# Without Kafka


@pytest.fixture
def without_kafka(topic: Topic) -> Settings:
    nobody = topic.settings.kafka.model_copy(update={"bootstrap_servers": f"{HOST}:{free_port()}"})
    return topic.settings.model_copy(update={"kafka": nobody})


async def out_of_service(topic: Topic, silent: timedelta) -> None:
    await Pulse(topic.database).renew(compared=True)
    then = datetime.now(UTC) - silent
    await topic.database.state.update_one({"_id": "heartbeat"}, {"$set": {"at": then, "compared": then}})


@pytest.mark.parametrize(
    ("silent", "leads"), [(timedelta(minutes=59), True), (timedelta(minutes=61), False), (None, True)]
)
async def test_without_kafka_a_worker_leads_unless_the_database_was_silent_for_an_hour(
    topic: Topic,
    without_kafka: Settings,
    silent: timedelta | None,
    leads: bool,  # noqa: FBT001 - a row
) -> None:
    if silent is not None:
        await out_of_service(topic, silent)
    check, stopping = TrailCheck(without_kafka, topic.database, Health("127.0.0.1", 0)), asyncio.Event()
    waiting = asyncio.create_task(check.before_leading(stopping))
    done, _ = await asyncio.wait([waiting], timeout=3)
    assert bool(done) is leads
    stopping.set()
    await asyncio.wait_for(waiting, 10)


@pytest.mark.parametrize(
    ("waiting", "n", "leads"), [([1, 2, 3], 3, True), ([2, 3], 3, False), ([1, 2, 3], 0, False)]
)
async def test_without_kafka_the_next_worker_of_a_new_database_leads_while_nothing_was_ever_sent(
    topic: Topic,
    without_kafka: Settings,
    waiting: list[int],
    n: int,
    leads: bool,  # noqa: FBT001 - a row
) -> None:
    await topic.database.state.insert_one({"_id": "lease", "owner": "", "expires": AGO, "n": n})
    await topic.database.outbox.insert_many([{"_id": str(uuid4()), "n": each} for each in waiting])
    check, stopping = TrailCheck(without_kafka, topic.database, Health("127.0.0.1", 0)), asyncio.Event()
    looking = asyncio.create_task(check.before_leading(stopping))
    done, _ = await asyncio.wait([looking], timeout=3)
    assert bool(done) is leads
    stopping.set()
    await asyncio.wait_for(looking, 10)


async def test_a_worker_that_waited_for_kafka_finds_the_verdict_and_nothing_was_sent_before(
    topic: Topic, without_kafka: Settings
) -> None:
    await out_of_service(topic, timedelta(minutes=5))
    await tell(topic, *[("deleted", [str(uuid4()), 2, AGO, []])] * 2)
    check = TrailCheck(without_kafka, topic.database, Health("127.0.0.1", 0))
    await check.before_leading(asyncio.Event())
    leading = asyncio.Event()
    beating = asyncio.create_task(check.beat(leading))

    async def beaten() -> bool:
        found = await service(topic.database)
        return found.beat > 1 and found.heartbeat != found.compared

    await until(beaten, PATIENCE, "a heartbeat that says nothing of the trail")
    leading.set()
    await beating
    begun = asyncio.Event()

    async def relay(_: asyncio.Event) -> None:
        begun.set()

    stopping = asyncio.Event()
    waits = asyncio.create_task(check.once_compared(relay)(stopping))
    check._reading = BackwardReading(topic.settings.kafka, check._reader.take, lambda: False)
    with pytest.raises(TrailAhead):
        await asyncio.wait_for(check.watch(stopping), 30)
    stopping.set()
    await waits
    assert not begun.is_set()


async def test_while_the_trail_cannot_be_read_a_worker_erases_and_sends_nothing(
    topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    await out_of_service(topic, timedelta(minutes=5))
    await store_all(topic.database, prepared(1, CLEANUP_DUE))
    readable = asyncio.Event()

    class Reading(BackwardReading):
        async def go_on(self, seconds: float) -> bool:
            if not readable.is_set():
                raise KafkaError
            return await super().go_on(seconds)

    monkeypatch.setattr("worker.trail_check.BackwardReading", Reading)

    async def swept() -> bool:
        return await topic.database.state.find_one({"_id": "sweep"}) is not None

    async def sent() -> bool:
        return not await topic.database.outbox.count_documents({})

    async with working(topic.settings):
        await until(swept, PATIENCE, "a sweep")
        await asyncio.sleep(1)  # the relay looks every half second
        assert (await topic.database.outbox.count_documents({}), await trail_values(topic.settings)) == (
            1,
            [],
        )
        readable.set()
        await until(sent, PATIENCE, "announced once compared")
    trail = read_trail(await trail_values(topic.settings))
    assert len(trail.of(RECORD_ANONYMIZED)) == 1


async def test_serve_stores_nothing_until_the_database_was_compared_and_reads_go_on(topic: Topic) -> None:
    await out_of_service(topic, timedelta(minutes=61))
    pulse, stopping = Pulse(topic.database), asyncio.Event()
    held, api = HeldWrites(pulse, await pulse.look()), context(topic.database)
    transport = httpx.ASGITransport(app=held.guard(create_app(api)))
    async with (
        client_of(api) as plain,
        httpx.AsyncClient(transport=transport, base_url="http://test", headers=plain.headers) as client,
    ):
        watching = asyncio.create_task(held.watch(stopping))
        refused = await client.put("/api/orderrecords", json={"operations": []})
        assert (refused.status_code, "retry-after" in refused.headers) == (503, True)
        assert (await client.get("/api/orderrecords")).status_code == 200
        await Pulse(topic.database).renew(compared=True)

        async def taken() -> bool:
            return (await client.put("/api/orderrecords", json={"operations": []})).status_code == 400

        await until(taken, PATIENCE, "writes are taken")
        stopping.set()
        await watching


async def test_a_process_sees_that_the_database_was_put_back_beneath_it(topic: Topic) -> None:
    backup = await copied(topic.database)
    pulse = Pulse(topic.database)
    await pulse.renew(compared=True)
    await pulse.look()
    await put_back(topic.database, backup)
    with pytest.raises(WentBack):
        await pulse.renew(compared=True)
    with pytest.raises(WentBack):
        await pulse.look()


# A topic that tells nothing


async def has_sent(topic: Topic, n: int, silent: timedelta) -> None:
    await out_of_service(topic, silent)
    await topic.database.state.insert_one({"_id": "lease", "owner": "", "expires": AGO, "n": n})


@pytest.mark.parametrize("there", [True, False], ids=["empty", "missing"])
@pytest.mark.parametrize(("minutes", "leads"), [(61, False), (59, True)])
async def test_a_topic_that_tells_nothing_of_a_database_that_sent_does_not_agree_with_it(
    topic: Topic,
    topic_names: Callable[[str], str],
    minutes: int,
    there: bool,  # noqa: FBT001 - a row
    leads: bool,  # noqa: FBT001 - a row
) -> None:
    await has_sent(topic, 100, timedelta(minutes=minutes))
    name = topic.settings.kafka.audit_topic if there else topic_names("absent")
    kafka = topic.settings.kafka.model_copy(update={"audit_topic": name})
    settings = topic.settings.model_copy(update={"kafka": kafka})
    await topic.database.state.update_one({"_id": "bound"}, {"$set": settings.bound_trail()})
    check = TrailCheck(settings, topic.database, Health("127.0.0.1", 0))
    stopping = asyncio.Event()
    waiting = asyncio.create_task(check.before_leading(stopping))
    done, _ = await asyncio.wait([waiting], timeout=3)
    assert bool(done) is leads
    assert not check._compared.is_set()
    assert (await service(topic.database)).in_service is leads
    stopping.set()
    await asyncio.wait_for(waiting, 10)


async def test_the_end_of_a_long_trail_is_read_in_as_many_tries_as_it_takes(
    topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.trail._WINDOW", 10)
    monkeypatch.setattr("runtime.trail._WIDEST", 20)
    where = topic.settings.kafka.audit_topic
    for number in range(100):
        await topic.producer.send(where, str(number).encode(), partition=0)
    await topic.producer.flush()
    taken: list[int] = []

    def take(value: bytes | None) -> None:
        taken.append(int(value or b""))
        if len(taken) == 40:
            raise TimeoutError

    reading = BackwardReading(topic.settings.kafka, take, lambda: 0 in taken)
    with pytest.raises(TimeoutError):
        await reading.go_on(20)
    first = taken.copy()
    await topic.producer.send_and_wait(where, b"100", partition=0)
    assert await reading.go_on(20)
    assert sorted({*taken}) == list(range(101))
    assert taken[40:42] == [100, min(first[:30]) - 20]


@pytest.mark.parametrize(("minutes", "reads"), [(61, False), (59, True)])
async def test_a_consumer_reads_beside_an_empty_topic_only_where_the_database_is_in_service(
    topic: Topic,
    minutes: int,
    reads: bool,  # noqa: FBT001 - a row
) -> None:
    await has_sent(topic, 100, timedelta(minutes=minutes))
    stopping, pulse = asyncio.Event(), Pulse(topic.database)
    comparing = asyncio.create_task(
        agreed(topic.settings, topic.database, pulse, Health("127.0.0.1", 0), stopping)
    )
    done, _ = await asyncio.wait([comparing], timeout=3)
    assert bool(done) is reads
    assert (await service(topic.database)).beat == 1
    stopping.set()
    await asyncio.wait_for(comparing, 10)


async def test_where_the_trail_is_lost_another_one_goes_on_with_the_next_number(
    topic: Topic, topic_names: Callable[[str], str]
) -> None:
    await has_sent(topic, 100, timedelta(minutes=5))
    await store_all(topic.database, prepared(1, CLEANUP_DUE))
    kafka, audit = topic.settings.kafka, topic.settings.audit
    names = {"audit_topic": topic_names("another"), "checkpoint_topic": topic_names("checkpoints")}
    both = {
        "kafka": kafka.model_copy(update=names),
        "audit": audit.model_copy(update={"log_name": "another"}),
    }
    another = topic.settings.model_copy(update=both)
    with pytest.raises(SettingsDiffer):
        await asyncio.wait_for(work(another, Health("127.0.0.1", 0), asyncio.Event()), 20)

    async def sent() -> bool:
        swept = await topic.database.state.find_one({"_id": "lease"}) or {}
        return swept["n"] > 100 and not await topic.database.outbox.count_documents({"n": {"$exists": True}})

    await topic.admin.create_topics([NewTopic(name, 1, 1) for name in names.values()])
    await begun_anew(another, BeginGrounds.LOST, "on-call")
    async with working(another):
        await until(sent, PATIENCE, "announced on the other topic")
    data = [json.loads(value)["data"] for value in await trail_values(another)]
    assert (data[0]["action"], data[0]["lastN"]) == ("BEGIN_TRAIL", 100)
    assert [each["sequence"]["n"] for each in data if "sequence" in each] == [101]
