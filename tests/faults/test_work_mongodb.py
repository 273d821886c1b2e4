"""`work` while the primary is demoted, killed or away, and while MongoDB answers wrongly."""

import asyncio
from typing import Any

import pytest

from records.policy import GdprPolicy
from tests.e2e.fixtures import Deploy
from tests.e2e.lifecycle_checker import check_lived
from tests.e2e.produced import loaded, with_events
from tests.faults.disturbances import (
    COMMITS,
    CONFLICT,
    HALF,
    PRIMARY,
    SHUTTING_DOWN,
    SOCKETS_ARE_LEFT,
    wrong_answers,
)
from tests.faults.replica_set import ReplicaSet
from tests.parts import StartMongod

pytestmark = [pytest.mark.faults, SOCKETS_ARE_LEFT]

POLICY = GdprPolicy(retention_time=4, deletion_time_after_retention=8, version=1)
"""So short that erasing goes on all through the fault."""
BATCH = "20"
WRONG_SECONDS = 12
LIVED_SECONDS = 120


@pytest.mark.parametrize("fault", PRIMARY)
async def test_whatever_becomes_of_the_primary_every_act_is_done_once_and_announced(
    deployed: Deploy, replica_set: ReplicaSet, real_kafka: str, fault: Any
) -> None:
    deployment = await deployed(replica_set.uri, real_kafka, POLICY)
    deployment.variables["ORDER_RECORDS_WORKER__BATCH_SIZE"] = BATCH
    produced = await with_events(deployment, 300)
    children = [await deployment.start(verb) for verb in ("work", "work", "consume")]
    async with loaded(deployment, produced):
        await asyncio.sleep(6)
        await fault(replica_set)
    await check_lived(deployment, produced, POLICY, LIVED_SECONDS)
    assert [child.process.exit_code() for child in children] == [None] * 3


@pytest.mark.parametrize(
    ("command", "mode", "how"),
    [
        *COMMITS,
        pytest.param("update", HALF, CONFLICT, id="every second change conflicts"),
        pytest.param("delete", "alwaysOn", SHUTTING_DOWN, id="nothing can be deleted"),
        pytest.param("findAndModify", HALF, CONFLICT, id="every second claim of the lease conflicts"),
    ],
)
async def test_whatever_mongodb_answers_each_act_has_exactly_one_effect(
    deployed: Deploy, own_mongod: StartMongod, real_kafka: str, command: str, mode: Any, how: dict[str, Any]
) -> None:
    mongod = await own_mongod(enableTestCommands="1")
    deployment = await deployed(mongod.uri, real_kafka, POLICY)
    deployment.variables["ORDER_RECORDS_WORKER__BATCH_SIZE"] = BATCH
    produced = await with_events(deployment, 300)
    children = [await deployment.start(verb) for verb in ("work", "work", "consume")]
    async with loaded(deployment, produced), wrong_answers(mongod.uri, command, mode, how):
        await asyncio.sleep(WRONG_SECONDS)
    await check_lived(deployment, produced, POLICY, LIVED_SECONDS)
    assert [child.process.exit_code() for child in children] == [None] * 3
