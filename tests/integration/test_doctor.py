"""`doctor` with a real MongoDB and a real Kafka: it sees what is wrong, and changes nothing."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import NewTopic, RecordsToDelete

from cli.diagnosis.examine import examine
from cli.diagnosis.finding import Check, Finding, Level
from local.servers.process import free_port
from records.keys import RecordKeys
from records.mongo.client import Database, open_database
from records.mongo.indexes import build_indexes
from records.mongo.lease import Lease
from records.mongo.lifecycle import note_sweep
from records.mongo.startup import start_up
from runtime.kafka import admin_client
from runtime.settings import Settings, load_settings
from runtime.topics import ensure_topics
from tests.e2e.deployment import SECRET
from tests.parts import StartMongod

NO_RIGHT = 13
START_SECONDS = 15
"""What starting Python may take on a busy machine, besides the 15 seconds that are promised."""
DEADLINE_SECONDS = START_SECONDS + 15


@dataclass(frozen=True)
class Deployed:
    """Everything as it should be, with a worker that leads; `environ` leads there."""

    environ: dict[str, str]
    database: Database
    lease: Lease

    async def findings(self, **changes: str) -> list[Finding]:
        return await examine(load_settings(self.environ | changes))


def environment(
    mongo_uri: str, database: str, kafka: str, topic_names: Callable[[str], str]
) -> dict[str, str]:
    secrets = {
        f"ORDER_RECORDS_SECRETS__{name}": SECRET for name in ("ID_KEY", "QUARANTINE_KEY", "AUDIT_SIGNING_KEY")
    }
    return secrets | {
        "ORDER_RECORDS_MONGO__URI": mongo_uri,
        "ORDER_RECORDS_MONGO__DATABASE": database,
        "ORDER_RECORDS_KAFKA__BOOTSTRAP_SERVERS": kafka,
        "ORDER_RECORDS_KAFKA__ORDER_TOPIC": topic_names("orders"),
        "ORDER_RECORDS_KAFKA__AUDIT_TOPIC": topic_names("audit"),
        "ORDER_RECORDS_KAFKA__CHECKPOINT_TOPIC": topic_names("checkpoints"),
        "ORDER_RECORDS_KAFKA__GROUP_ID": topic_names("group"),
    }


@pytest.fixture
async def deployed(
    mongo_uri: str, fresh_database: str, real_kafka: str, topic_names: Callable[[str], str]
) -> AsyncIterator[Deployed]:
    environ = environment(mongo_uri, fresh_database, real_kafka, topic_names)
    settings = load_settings(environ | {"ORDER_RECORDS_KAFKA__CREATE_TOPICS": "true"})
    await ensure_topics(settings)
    async with open_database(mongo_uri, fresh_database) as database, database.session() as session:
        keys = RecordKeys.derive(settings.secrets.require("id_key"))
        await start_up(database, settings.bound(keys.fingerprint), enabled=True)
        await build_indexes(database)
        lease = Lease(database, session, "a worker", 60)
        assert await lease.acquire()
        await note_sweep(database, lease)
        yield Deployed(environ, database, lease)


def of(check: Check, findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.check is check]


def problems(findings: list[Finding]) -> list[Check]:
    return [finding.check for finding in findings if finding.level is Level.PROBLEM]


def run(environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cli.main", "doctor", *arguments]
    return subprocess.run(  # noqa: S603 - the command is ours
        command,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
        env={**os.environ, **environ},
    )


async def test_a_healthy_deployment_exits_0_and_begins_with_whether_it_is_enabled(deployed: Deployed) -> None:
    result = await asyncio.to_thread(run, deployed.environ, "--json")
    document: dict[str, Any] = json.loads(result.stdout)

    assert result.returncode == 0, result.stdout
    assert document["problems"] == 0
    assert document["findings"][0]["name"] == "order records"
    assert document["findings"][0]["level"] == "ok"
    assert {each["name"] for each in document["findings"]} == set(Check)
    # Nobody reads the topic; how the server of the tests was set is its owner's.
    warnings = {each["name"] for each in document["findings"] if each["level"] == "warning" and each["next"]}
    assert {"consumer group"} <= warnings <= {"consumer group", "mongodb log", "transactions", "profiler"}
    assert SECRET not in result.stdout
    assert result.stderr == ""


async def test_it_writes_nothing_even_where_nothing_is(
    mongo_uri: str, fresh_database: str, real_kafka: str, topic_names: Callable[[str], str]
) -> None:
    settings = load_settings(environment(mongo_uri, fresh_database, real_kafka, topic_names))
    before = await kafka_topics(settings)

    found = await examine(settings)

    assert problems(found) == [
        Check.INDEXES,
        Check.ORDER_TOPIC,
        Check.AUDIT_TOPIC,
        Check.CHECKPOINT_TOPIC,
    ]
    assert found[0].level is Level.WARNING
    assert await kafka_topics(settings) == before
    async with open_database(mongo_uri, fresh_database) as database:
        assert fresh_database not in await database.client.list_database_names()


async def kafka_topics(settings: Settings) -> set[str]:
    async with admin_client(settings.kafka) as admin:
        return set(await admin.list_topics())


async def test_it_names_each_index_that_is_missing_extra_or_another(deployed: Deployed) -> None:
    records = deployed.database.records
    await records.drop_index("deletion_due")
    await records.drop_index("by_article")
    await records.create_index("payments.status", name="by_article")
    await records.create_index("origin.cashierId", name="mine")

    found = await deployed.findings()

    missing, different, extra = of(Check.INDEXES, found)
    assert missing.seen == "missing: records.deletion_due"
    assert "records.by_article" in different.seen
    assert different.seen.endswith("differs in key")
    assert "records.mine" in extra.seen
    assert [each.level for each in (missing, different, extra)] == [
        Level.PROBLEM,
        Level.PROBLEM,
        Level.WARNING,
    ]
    # What is counted by the index that is missing is not known, and everything else still is.
    assert [each.level for each in of(Check.OVERDUE, found)] == [Level.WARNING]
    assert of(Check.QUARANTINE, found)[0].level is Level.OK


async def test_search_indexes_that_are_switched_off_are_extra_and_not_missed(deployed: Deployed) -> None:
    off = of(Check.INDEXES, await deployed.findings(ORDER_RECORDS_SEARCH__INDEXES="false"))
    assert off
    assert {each.level for each in off} == {Level.WARNING}
    assert any("records.by_article" in each.seen for each in off)


async def test_an_audit_topic_of_two_partitions_that_is_compacted_is_a_problem(deployed: Deployed) -> None:
    other = f"{deployed.environ['ORDER_RECORDS_KAFKA__AUDIT_TOPIC']}-2"
    async with admin_client(load_settings(deployed.environ).kafka) as admin:
        await admin.create_topics([NewTopic(other, 2, 1, topic_configs={"cleanup.policy": "compact"})])

    found = await deployed.findings(ORDER_RECORDS_KAFKA__AUDIT_TOPIC=other)

    assert problems(found) == [Check.BOUND, Check.AUDIT_TOPIC, Check.AUDIT_RETENTION]


async def test_other_settings_than_at_the_first_start_are_problems(deployed: Deployed) -> None:
    changed = {
        "ORDER_RECORDS_RETENTION__DAY_SECONDS": "1",
        "ORDER_RECORDS_SECRETS__ID_KEY": SECRET.replace("b", "c"),
    }
    found = await deployed.findings(**changed)

    assert problems(found) == [Check.DAY, Check.BOUND, Check.ID_KEY]
    assert (
        of(Check.ORDER_RETENTION, found)[0].level is Level.WARNING
    )  # 7 days in the topic, 30 s in the records


async def test_erasing_that_does_not_happen_is_a_problem(deployed: Deployed) -> None:
    due = datetime.now(UTC) - timedelta(hours=3)
    await deployed.database.records.insert_one(
        {"_id": "late", "anonymized": True, "gdprCleanupDate": due, "deletionDate": due}
    )
    await deployed.lease.release()

    found = await deployed.findings()

    assert problems(found) == [Check.WORKER, Check.OVERDUE]
    assert of(Check.OVERDUE, found)[0].seen == "1 to be deleted, the oldest for 3 hours"


async def test_a_profiler_that_is_on_is_a_warning(deployed: Deployed) -> None:
    own = deployed.database.state.database
    await own.command({"profile": 1})
    try:
        (finding,) = of(Check.PROFILER, await deployed.findings())
    finally:
        await own.command({"profile": 0})
    assert finding.level is Level.WARNING


async def test_it_counts_what_is_still_to_be_read_and_what_expired_unread(deployed: Deployed) -> None:
    settings = load_settings(deployed.environ).kafka
    partition = TopicPartition(settings.order_topic, 0)
    async with AIOKafkaProducer(bootstrap_servers=settings.servers) as producer:
        for _ in range(5):
            await producer.send_and_wait(settings.order_topic, b"x", partition=0)
    async with AIOKafkaConsumer(
        bootstrap_servers=settings.servers, group_id=settings.group_id, enable_auto_commit=False
    ) as consumer:
        consumer.assign([partition])
        await consumer.commit({partition: 1})

    (lagging,) = of(Check.GROUP, await deployed.findings())
    async with admin_client(settings) as admin:
        await admin.delete_records({partition: RecordsToDelete(before_offset=3)})
    (lost,) = of(Check.GROUP, await deployed.findings())

    assert (lagging.level, lagging.seen) == (Level.WARNING, "0 members, 4 events still to be read")
    assert (lost.level, lost.seen) == (Level.PROBLEM, "2 events expired before anybody read them")


async def test_questions_that_mongodb_refuses_are_warnings(own_mongod: StartMongod) -> None:
    server = await own_mongod(enableTestCommands="1")
    refused = {"failCommands": ["getParameter", "profile"], "errorCode": NO_RIGHT, "appName": "order-records"}
    environ = {
        "ORDER_RECORDS_MONGO__URI": server.uri,
        "ORDER_RECORDS_KAFKA__BOOTSTRAP_SERVERS": f"127.0.0.1:{free_port()}",
    }
    async with open_database(server.uri, "shop") as database:
        await database.client.admin.command(
            {"configureFailPoint": "failCommand", "mode": "alwaysOn", "data": refused}
        )
    found = await examine(load_settings(environ))

    for check in (Check.TRANSACTIONS, Check.MONGODB_LOG):
        (finding,) = of(check, found)
        assert finding.level is Level.WARNING
        assert "OperationFailure 13" in finding.seen
    assert of(Check.MONGODB, found)[0].level is of(Check.CLOCKS, found)[0].level is Level.OK
    assert [each.level for each in of(Check.KAFKA, found)] == [Level.PROBLEM]


def silent() -> socket.socket:
    """Takes connections, as a server that hangs does, and never answers."""
    return socket.create_server(("127.0.0.1", 0))


def at(listening: socket.socket) -> str:
    return f"127.0.0.1:{listening.getsockname()[1]}"


def test_it_ends_in_15_seconds_with_all_that_it_could_see_though_both_servers_hang() -> None:
    with closing(silent()) as mongo, closing(silent()) as kafka:
        environ = {
            "ORDER_RECORDS_MONGO__URI": f"mongodb://ann:secret@{at(mongo)}/?replicaSet=rs0",
            "ORDER_RECORDS_KAFKA__BOOTSTRAP_SERVERS": at(kafka),
        }
        result = run(environ)

        assert result.returncode == 1
        assert "Traceback" not in result.stderr
        assert f"no answer from {at(mongo)}" in result.stdout
        assert f"no answer from {at(kafka)}" in result.stdout
        assert "24 hours" in result.stdout
        assert "secret" not in result.stdout + result.stderr
