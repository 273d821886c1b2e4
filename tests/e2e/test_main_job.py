"""The whole mission with real processes, real Kafka and real MongoDB, through kills and outages."""

import asyncio
import json
import os
import signal
import time
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from local.demo.children import Child
from local.samples.broken import BROKEN, canary
from local.samples.events import sample_events
from records.policy import GdprPolicy
from tests.e2e.checker import (
    QUARANTINE_ERASED,
    QUARANTINED,
    check_lives,
    check_nobody_named,
    check_sequence,
    read_trail,
)
from tests.e2e.deployment import Deployment, until
from tests.e2e.expected import NUMBER, PLANTED, due_of, ids_of, people, planted
from tests.e2e.fixtures import LONG, Deploy
from tests.e2e.trail_outputs import NAMES_THE_ORDER, trail_outputs
from tests.parts import StartKafka, StartMongod

# PyMongo leaves sockets of a killed server to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

SEED = 20_261_124


async def _counted(*children: Child) -> dict[str, float]:
    """The outcomes that these processes counted, together."""
    total: dict[str, float] = {}
    for child in children:
        for name, value in (await child.figures()).items():
            if name.startswith("order_records_events_total:"):
                total[name.split(":")[1]] = total.get(name.split(":")[1], 0) + value
    return total


async def _offsets(bootstrap: str, group: str) -> object:
    """The committed offsets of a group; a fresh broker makes its coordinator at the first question."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        for _ in range(50):
            with suppress(GroupCoordinatorNotAvailableError):
                return await admin.list_consumer_group_offsets(group)
            await asyncio.sleep(0.2)
        raise AssertionError("the coordinator does not come up")
    finally:
        await admin.close()


async def test_every_order_lives_its_whole_life_once_through_kills_and_a_replay(
    deployed: Deploy, mongo_uri: str, real_kafka: str
) -> None:
    policy = GdprPolicy(retention_time=8, deletion_time_after_retention=20, version=1)
    deployment = await deployed(mongo_uri, real_kafka, policy)
    database, at = deployment.database, datetime.now(UTC)
    events = [*planted(), *sample_events(SEED, 5000, at=at, duplicates=0.10, broken=0.02)]
    first_worker = await deployment.start("work")
    standby = await deployment.start("work")
    first_consumer, second_consumer = await asyncio.gather(
        deployment.start("consume"), deployment.start("consume")
    )
    metrics_text: list[str] = []

    places = []
    for at_once in range(0, len(events), 1000):
        places += await deployment.publish(labelled.event for labelled in events[at_once : at_once + 1000])
        if at_once == 2000:
            await first_consumer.process.end(kill=True)
    ids = await ids_of(deployment, events)
    broken = sum(labelled.kind in BROKEN for labelled in events)
    due = await due_of(deployment, ids, places, policy)

    async def stored() -> bool:
        held = await database.records.estimated_document_count()
        gone = await database.ledger.estimated_document_count()
        return held + gone >= len(due) and await database.quarantine.count_documents({}) >= broken

    await until(stored, 30, "everything stored or in quarantine")
    await first_worker.process.end(kill=True)

    async def lived() -> bool:
        held = await database.records.estimated_document_count()
        sealed = await database.quarantine.count_documents({"sealed": {"$exists": True}})
        waiting = await database.outbox.estimated_document_count()
        return not held and not sealed and not waiting

    await until(lived, 60, "everything erased and announced")
    metrics_text += [str(await second_consumer.figures()), str(await standby.figures())]
    trail = read_trail(await deployment.audit_values())
    check_lives(trail, due)
    check_sequence(trail)
    assert await database.ledger.count_documents({}) == len(due)
    assert await database.quarantine.count_documents({}) == broken
    assert trail.subjects(QUARANTINED).total() == len(trail.subjects(QUARANTINED)) == broken
    # An event that was first seen past its due date had nothing to erase: its entry was bare from the start.
    assert trail.subjects(QUARANTINE_ERASED) <= trail.subjects(QUARANTINED)
    assert trail.subjects(QUARANTINE_ERASED), "no quarantined event was erased by the sweep"

    replaying = await deployment.start("consume", ORDER_RECORDS_KAFKA__GROUP_ID="replay-" + str(SEED))

    async def replayed() -> bool:
        return sum((await _counted(replaying)).values()) >= len(events)

    await until(replayed, 40, "the whole topic read again")
    assert await database.records.count_documents({}) == 0
    assert await database.quarantine.count_documents({"sealed": {"$exists": True}}) == 0
    assert await database.quarantine.count_documents({}) == broken
    await asyncio.sleep(2)  # whatever the replay would announce
    again = read_trail(await deployment.audit_values())
    assert len(again.events) == len(trail.events)

    named = people(SEED, 300, at) | {canary(kind).rpartition("-")[0] for kind in BROKEN} | {PLANTED}
    assert len(named) > 200, "the search must have something to search for"
    check_nobody_named({"metrics": "\n".join(metrics_text)}, {*named, NUMBER})
    assert ids[0] is not None
    await _check_trail_names_nobody(deployment, standby, ids[0], named)


async def _check_trail_names_nobody(
    deployment: Deployment, worker: Child, record: str, named: set[str]
) -> None:
    """Nor do the logs; only what proves the fate of the numbered order, which is `record`, has its number."""
    values = await deployment.audit_values()
    acted = next(offset for offset, value in enumerate(values) if record.encode() in value)

    async def signed() -> bool:
        return (await worker.figures()).get("order_records_audit_signed_events", 0) > acted

    await until(signed, 45, "an event of the order signed")
    digest = json.loads(values[acted])["data"]["policyDigest"]
    outputs = await trail_outputs(deployment, record, NUMBER, digest)
    certificate = outputs.pop(NAMES_THE_ORDER)
    assert NUMBER in certificate
    check_nobody_named({NAMES_THE_ORDER: certificate}, named)
    check_nobody_named({**outputs, "logs": deployment.logs()}, {*named, NUMBER})


async def test_sigterm_ends_both_within_20_seconds_with_code_0_and_nothing_comes_again(
    deployed: Deploy, mongo_uri: str, real_kafka: str
) -> None:
    deployment = await deployed(mongo_uri, real_kafka, LONG)
    work = await deployment.start("work")
    consume = await deployment.start("consume")
    events = [e.event for e in sample_events(SEED, 6000, at=datetime.now(UTC))]
    publishing = asyncio.create_task(deployment.publish(events))

    async def under_way() -> bool:
        return await deployment.database.records.estimated_document_count() > 500

    await until(under_way, 30, "the first records stored")
    for child in (consume, work):
        started = time.monotonic()
        child.process.signal(signal.SIGTERM)
        assert await child.process.wait(20), f"{child.verb} did not end"
        assert child.process.exit_code() == 0
        assert time.monotonic() - started < 20
    await publishing
    stored_before = await deployment.database.records.count_documents({})
    assert stored_before < len(events), "the stop came too late to show anything"

    second = await deployment.start("consume", wait=False)
    await deployment.start("work")

    async def all_stored() -> bool:
        return await deployment.database.records.estimated_document_count() == len(events)

    await until(all_stored, 60, "the rest stored")

    async def counted() -> bool:  # a batch is counted a moment after it is stored
        return sum((await _counted(second)).values()) >= len(events) - stored_before

    await until(counted, 10, "the rest counted")
    assert await _counted(second) == {"created": len(events) - stored_before}


@pytest.mark.parametrize(
    "away",
    [
        "MongoDB is gone",
        "Kafka hangs",
        *(pytest.param(away, marks=pytest.mark.faults) for away in ("MongoDB hangs", "Kafka is gone")),
    ],
)
async def test_sigterm_ends_both_within_20_seconds_with_code_0_while_a_server_is_away(
    deployed: Deploy, own_mongod: StartMongod, own_kafka: StartKafka, away: str
) -> None:
    mongod, kafka = await asyncio.gather(own_mongod(), own_kafka())
    deployment = await deployed(mongod.uri, kafka.bootstrap, LONG)
    children = [await deployment.start("work"), await deployment.start("consume")]
    await deployment.publish(e.event for e in sample_events(SEED, 50, at=datetime.now(UTC)))
    server = mongod if "MongoDB" in away else kafka
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL if "gone" in away else signal.SIGSTOP)
    await asyncio.sleep(4)
    for child in children:
        child.process.signal(signal.SIGTERM)
    await asyncio.sleep(1)
    children[0].process.signal(signal.SIGTERM)  # a second one changes nothing
    for child in children:
        assert await child.process.wait(20), f"{child.verb} did not end"
        assert child.process.exit_code() == 0, child.process.last_lines()


async def test_while_kafka_is_away_work_erases_and_consume_waits_and_both_recover(
    deployed: Deploy, mongo_uri: str, own_kafka: StartKafka
) -> None:
    kafka = await own_kafka()
    policy = GdprPolicy(retention_time=6, deletion_time_after_retention=3000, version=1)
    deployment = await deployed(mongo_uri, kafka.bootstrap, policy)
    database = deployment.database
    work, consume = await deployment.start("work"), await deployment.start("consume")
    pids = (work.process.pid, consume.process.pid)
    await deployment.publish(e.event for e in sample_events(SEED, 300, at=datetime.now(UTC)))

    async def stored() -> bool:
        return await database.records.estimated_document_count() == 300

    await until(stored, 20, "the orders stored")
    await kafka.stop(kill=True)

    async def erased() -> bool:
        return await database.records.count_documents({"anonymized": True}) == 300

    await until(erased, 25, "erasure on time without Kafka")
    assert await database.outbox.count_documents({}) > 0, "the audit events wait"
    await kafka.restart()
    await deployment.publish(e.event for e in sample_events(SEED, 50, at=datetime.now(UTC), start=1000))

    async def recovered() -> bool:
        all_there = await database.records.estimated_document_count() == 350
        return all_there and not await database.outbox.count_documents({})

    await until(recovered, 60, "both recovered by themselves")
    trail = read_trail(await deployment.audit_values())
    check_sequence(trail)
    assert (work.process.exit_code(), consume.process.exit_code()) == (None, None)
    assert (work.process.pid, consume.process.pid) == pids


async def test_when_mongodb_is_away_for_30_seconds_nothing_is_lost_and_nothing_crashes(
    deployed: Deploy, own_mongod: StartMongod, real_kafka: str
) -> None:
    mongod = await own_mongod()
    deployment = await deployed(mongod.uri, real_kafka, LONG)
    database = deployment.database
    work, consume = await deployment.start("work"), await deployment.start("consume")
    await deployment.publish(e.event for e in sample_events(SEED, 500, at=datetime.now(UTC)))
    await mongod.stop(kill=True)
    await deployment.publish(e.event for e in sample_events(SEED, 500, at=datetime.now(UTC), start=500))
    await asyncio.sleep(30)
    assert (work.process.exit_code(), consume.process.exit_code()) == (None, None)
    await mongod.restart()

    async def stored() -> bool:
        return await database.records.estimated_document_count() == 1000

    await until(stored, 60, "everything stored after the outage")
    assert (work.process.exit_code(), consume.process.exit_code()) == (None, None)
    check_nobody_named({"logs": deployment.logs()}, people(SEED, 300, datetime.now(UTC)))


async def test_disabled_reads_and_commits_nothing_and_enabling_resumes_within_5_seconds(
    deployed: Deploy, mongo_uri: str, real_kafka: str
) -> None:
    deployment = await deployed(mongo_uri, real_kafka, LONG)
    deployment.variables["ORDER_RECORDS_ENABLED_ON_FIRST_START"] = "false"
    await deployment.start("work")
    consume = await deployment.start("consume")
    await deployment.publish(e.event for e in sample_events(SEED, 20, at=datetime.now(UTC)))
    await asyncio.sleep(3)
    assert await deployment.database.records.count_documents({}) == 0
    assert (await consume.figures())["order_records_consumer_enabled"] == 0
    assert not await _offsets(real_kafka, deployment.settings.kafka.group_id)
    await deployment.database.state.update_one(
        {"_id": "orderrecords"}, {"$set": {"isOrderRecordsEnabled": True}, "$inc": {"version": 1}}
    )

    async def stored() -> bool:
        return await deployment.database.records.count_documents({}) == 20

    await until(stored, 5, "reading resumed")
