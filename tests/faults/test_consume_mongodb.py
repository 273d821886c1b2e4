"""`consume` while the primary is demoted, killed or away, and while MongoDB answers wrongly."""

import asyncio
from typing import Any

import pytest

from tests.e2e.deployment import Deployment
from tests.e2e.fixtures import LONG, Deploy
from tests.e2e.ingest_checker import all_read, check_ingested, watched
from tests.e2e.produced import loaded, with_events
from tests.faults.disturbances import (
    COMMITS,
    CONFLICT,
    HALF,
    PRIMARY,
    SOCKETS_ARE_LEFT,
    wrong_answers,
)
from tests.faults.replica_set import ReplicaSet
from tests.parts import StartMongod

pytestmark = [pytest.mark.faults, SOCKETS_ARE_LEFT]

WRONG_SECONDS = 10


@pytest.mark.parametrize("fault", PRIMARY)
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


@pytest.mark.parametrize(
    ("command", "mode", "how"),
    [
        *COMMITS,
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
        async with (
            loaded(deployment, produced),
            wrong_answers(mongod.uri, command, mode, _placed(deployment, how)),
        ):
            await asyncio.sleep(WRONG_SECONDS)
        await all_read(deployment, produced)
    assert consumer.process.exit_code() is None
    await check_ingested(deployment, produced)


def _placed(deployment: Deployment, how: dict[str, Any]) -> dict[str, Any]:
    """With the full name of a collection."""
    name = deployment.database.state.database.name
    return {**how, "namespace": f"{name}.{how['namespace']}"} if "namespace" in how else how
