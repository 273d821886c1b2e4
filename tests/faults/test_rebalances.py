"""Members of the group come, go and dawdle under load."""

import asyncio
import random
import time
from collections import deque
from functools import partial

import pytest

from local.demo.children import Child
from runtime.topics import topic_partitions
from tests.e2e.deployment import Deployment, until
from tests.e2e.fixtures import LONG, Deploy
from tests.e2e.ingest_checker import all_read, check_ingested, durable, watched
from tests.e2e.produced import Produced, with_events

STORM_SECONDS = 30
EVERY_SECONDS = 2
CHUNK = 150
SEED = 4
SLOW_SECONDS = 15

pytestmark = pytest.mark.faults


async def test_a_storm_of_rebalances_loses_nothing_and_work_goes_on_meanwhile(
    deployed: Deploy, mongo_uri: str, real_kafka: str
) -> None:
    deployment = await deployed(mongo_uri, real_kafka, LONG)
    deployment.variables["ORDER_RECORDS_CONSUMER__MAX_RECORDS"] = "50"
    produced = await with_events(deployment, CHUNK)
    members = deque([await deployment.start("consume")])
    before = len((await durable(deployment)).orders)
    async with watched(deployment, produced):
        await _storm(deployment, produced, members, random.Random(SEED))
        assert len((await durable(deployment)).orders) > before, f"no progress in the storm (seed {SEED})"
        await all_read(deployment, produced)
    for member in members:
        assert member.process.exit_code() is None, member.process.last_lines()
    await check_ingested(deployment, produced)


async def _storm(
    deployment: Deployment, produced: Produced, members: deque[Child], chance: random.Random
) -> None:
    """Every two seconds one comes, or the oldest of several goes."""
    end = time.monotonic() + STORM_SECONDS
    while time.monotonic() < end:
        await produced.more(deployment, CHUNK)
        if len(members) == 1 or (len(members) < 4 and chance.random() < 0.5):
            members.append(await deployment.start("consume", wait=False))
        else:
            assert await members.popleft().process.end(grace_seconds=20) == 0
        await asyncio.sleep(EVERY_SECONDS)


async def _reads_all(deployment: Deployment, member: Child) -> bool:
    kafka = deployment.settings.kafka
    assigned = (await member.figures()).get("order_records_consumer_assigned_partitions")
    return assigned == await topic_partitions(kafka, kafka.order_topic)


@pytest.mark.parametrize(
    ("deed", "option"),
    [
        pytest.param("block", "--session_timeout_ms=6000", id="slower than the session"),
        pytest.param("hang", "--max_poll_interval_ms=4000", id="slower than the longest poll"),
    ],
)
async def test_a_batch_that_takes_longer_than_the_group_waits_is_stored_once_and_the_member_goes_on(
    deployed: Deploy, mongo_uri: str, real_kafka: str, deed: str, option: str
) -> None:
    deployment = await deployed(mongo_uri, real_kafka, LONG)
    deployment.variables["ORDER_RECORDS_CONSUMER__MAX_RECORDS"] = "50"
    produced = await with_events(deployment, 300)
    async with watched(deployment, produced):
        slow = await deployment.start_faulty("consume", f"stored@2={deed}:{SLOW_SECONDS}", option)
        other = await deployment.start("consume")
        await until(partial(_reads_all, deployment, other), SLOW_SECONDS, "the slow one's are the other's")
        await all_read(deployment, produced)
    assert (slow.process.exit_code(), other.process.exit_code()) == (None, None)
    await other.process.end()
    await produced.more(deployment, 100)
    await all_read(deployment, produced)  # by the one that was slow
    await check_ingested(deployment, produced)
