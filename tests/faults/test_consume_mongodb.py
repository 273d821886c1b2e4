"""`consume` while the primary is demoted, killed or away, and while MongoDB answers wrongly."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from local.servers.mongod_binary import find_mongod
from runtime.errors import UserError
from tests.e2e.deployment import Deployment, until
from tests.e2e.fixtures import LONG, Deploy
from tests.e2e.ingest_checker import all_read, check_ingested, watched
from tests.e2e.produced import loaded, with_events
from tests.faults.replica_set import ReplicaSet, replica_set_in
from tests.parts import StartMongod

# PyMongo leaves sockets of a killed server to the garbage collector.
pytestmark = [
    pytest.mark.faults,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

STEP_DOWNS, EVERY_SECONDS = 5, 5
AWAY_SECONDS = 30
WRONG_SECONDS = 10


@pytest.fixture
async def replica_set(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ReplicaSet]:
    try:
        find_mongod()
    except UserError as reason:
        pytest.skip(f"needs mongods of its own to stop and restart: {reason}")
    async with replica_set_in(tmp_path_factory.mktemp("members")) as made:
        yield made


async def demoted(members: ReplicaSet) -> None:
    for _ in range(STEP_DOWNS):
        await members.step_down()
        await asyncio.sleep(EVERY_SECONDS)


async def primary_killed(members: ReplicaSet) -> None:
    for _ in range(2):
        victim = await members.primary()
        await victim.stop(kill=True)
        await asyncio.sleep(5)
        await victim.launch()


async def no_primary(members: ReplicaSet) -> None:
    victims = await members.secondaries()
    await asyncio.gather(*(victim.stop(kill=True) for victim in victims))
    await asyncio.sleep(AWAY_SECONDS)
    await asyncio.gather(*(victim.launch() for victim in victims))


async def rolled_back(members: ReplicaSet) -> None:
    """The primary writes what no other has, and the others go on without it."""
    old, others = await members.primary(), await members.secondaries()
    await asyncio.gather(*(other.stop(kill=True) for other in others))
    await asyncio.sleep(1)
    await old.stop(kill=True)
    await asyncio.gather(*(other.launch() for other in others))
    await members.primary()
    await asyncio.sleep(2)
    await old.launch()
    log = old.folder / "mongod.log"

    async def back() -> bool:
        return '"c":"ROLLBACK"' in log.read_text(errors="replace")

    await until(back, 20, "the former primary rolls back")


@pytest.mark.parametrize("fault", [demoted, primary_killed, no_primary, rolled_back])
async def test_whatever_becomes_of_the_primary_nothing_is_lost_and_consume_goes_on(
    deployed: Deploy, replica_set: ReplicaSet, real_kafka: str, fault: Any
) -> None:
    deployment = await deployed(replica_set.uri, real_kafka, LONG)
    produced = await with_events(deployment, 300)
    consumer = await deployment.start("consume")
    async with watched(deployment, produced):
        async with loaded(deployment, produced):
            await asyncio.sleep(1)
            await fault(replica_set)
        await all_read(deployment, produced)
    assert consumer.process.exit_code() is None
    await check_ingested(deployment, produced)


SHUTTING_DOWN = {"errorCode": 91, "errorLabels": ["RetryableWriteError"]}
CONFLICT = {"errorCode": 112, "errorLabels": ["TransientTransactionError"]}
UNCONFIRMED = {"writeConcernError": {"code": 64, "errmsg": "waiting for replication timed out"}}
HALF = {"activationProbability": 0.5}


@pytest.mark.parametrize(
    ("command", "mode", "how"),
    [
        pytest.param("commitTransaction", "alwaysOn", SHUTTING_DOWN, id="commits meet a shutdown"),
        pytest.param("commitTransaction", "alwaysOn", {"closeConnection": True}, id="commits break off"),
        pytest.param("commitTransaction", "alwaysOn", UNCONFIRMED, id="commits stay unconfirmed"),
        pytest.param("commitTransaction", HALF, {"closeConnection": True}, id="every second breaks off"),
        pytest.param("insert", HALF, CONFLICT, id="every second write conflicts"),
        pytest.param("insert", "alwaysOn", {"namespace": "quarantine", "errorCode": 2}, id="no quarantine"),
    ],
)
async def test_whatever_mongodb_answers_each_event_has_exactly_one_effect(
    deployed: Deploy, own_mongod: StartMongod, real_kafka: str, command: str, mode: Any, how: dict[str, Any]
) -> None:
    mongod = await own_mongod(enableTestCommands="1")
    deployment = await deployed(mongod.uri, real_kafka, LONG)
    deployment.variables["ORDER_RECORDS_CONSUMER__MAX_RECORDS"] = "50"
    produced = await with_events(deployment, 200)
    consumer = await deployment.start("consume")
    async with watched(deployment, produced):
        async with AsyncMongoClient[dict[str, Any]](mongod.uri) as client, loaded(deployment, produced):
            data = {"failCommands": [command], "appName": "order-records", **_placed(deployment, how)}
            await client.admin.command({"configureFailPoint": "failCommand", "mode": mode, "data": data})
            await asyncio.sleep(WRONG_SECONDS)
            off = await client.admin.command({"configureFailPoint": "failCommand", "mode": "off"})
        assert off["count"] > 0, "no command failed"
        await all_read(deployment, produced)
    assert consumer.process.exit_code() is None
    await check_ingested(deployment, produced)


def _placed(deployment: Deployment, how: dict[str, Any]) -> dict[str, Any]:
    """With the full name of a collection."""
    name = deployment.database.state.database.name
    return {**how, "namespace": f"{name}.{how['namespace']}"} if "namespace" in how else how
