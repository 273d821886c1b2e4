"""`consume` is killed at each step of its way, and another one goes on where it has to."""

import signal

import pytest

from tests.e2e.fixtures import LONG, Deploy
from tests.e2e.ingest_checker import all_read, check_ingested, committed, durable, watched
from tests.e2e.produced import with_events

BATCH = 50
EVENTS = 400
START_SECONDS = 40

pytestmark = pytest.mark.faults


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param(("fetched@2=kill",), id="after fetching"),
        pytest.param(("parsing@7=kill",), id="while parsing"),
        pytest.param(("stored@2=kill",), id="between records and quarantine"),
        pytest.param(("durable@2=kill",), id="before the commit"),
        pytest.param(("committing@2=kill",), id="during the commit"),
        pytest.param(("stored@2=hang:30", "revoked=kill"), id="during a rebalance"),
    ],
)
async def test_a_consumer_that_is_killed_loses_nothing_and_leaves_at_most_a_batch_to_repeat(
    deployed: Deploy, mongo_uri: str, real_kafka: str, faults: tuple[str, ...]
) -> None:
    deployment = await deployed(mongo_uri, real_kafka, LONG)
    deployment.variables["ORDER_RECORDS_CONSUMER__MAX_RECORDS"] = str(BATCH)
    produced = await with_events(deployment, EVENTS, duplicates=0)
    async with watched(deployment, produced):
        victim = await deployment.start_faulty("consume", *faults, wait=False)
        if any(fault.startswith("revoked") for fault in faults):
            await victim.ready()
            await deployment.start("consume", wait=False)
        assert await victim.process.wait(START_SECONDS), "the step was not reached"
        assert victim.process.exit_code() == -signal.SIGKILL, victim.process.last_lines()
        told, done = await committed(deployment), (await durable(deployment)).places(produced)
        assert len(done) < len(produced), "killed too late to show anything"
        await deployment.start("consume", wait=False)
        await all_read(deployment, produced)
    if not any(fault.startswith("revoked") for fault in faults):  # else another one works already
        assert 0 <= len(done) - sum(told.values()) <= BATCH
    await check_ingested(deployment, produced)
