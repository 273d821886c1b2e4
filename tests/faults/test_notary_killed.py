"""`work` is killed at each step of its notary, under load; and one wakes up after another went on."""

import asyncio
import signal
import time
from functools import partial
from typing import Final

import pytest

from local.demo.children import Child
from records.policy import GdprPolicy
from tests.e2e.deployment import Deployment, until
from tests.e2e.faults import NOTARY_STEPS
from tests.e2e.fixtures import Deploy
from tests.e2e.lifecycle_checker import check_lived
from tests.e2e.produced import loaded, with_events
from tests.e2e.trail_checker import away, check_signed

POLICY: Final = GdprPolicy(retention_time=3, deletion_time_after_retention=12, version=1)
EVENTS, CHUNK = 100, 10
REACHED_SECONDS: Final = 60
"""A checkpoint is due half a minute after the last one, and a worker takes a while to lead."""
LEAD_SECONDS: Final = 30
STANDS_STILL_SECONDS: Final = 25
"""MongoDB ends a transaction that is left open after 15; then another one can lead, and sign."""

pytestmark = pytest.mark.faults


async def leads(worker: Child) -> bool:
    return (await worker.figures()).get("order_records_leader") == 1


async def has_signed(worker: Child, more_than: int) -> bool:
    return (await worker.figures()).get("order_records_audit_signed_events", 0) > more_than


async def killed_at(deployment: Deployment, step: str) -> float:
    """A `work` runs until it kills itself there. When that was, in seconds since 1970."""
    victim = await deployment.start_faulty("work", f"{step}=kill", wait=False)
    assert await victim.process.wait(REACHED_SECONDS), f"{step} was not reached"
    at = time.time()
    assert victim.process.exit_code() == -signal.SIGKILL, victim.process.last_lines()
    return at


@pytest.mark.parametrize("signed_before", [False, True], ids=["nothing signed yet", "signed before"])
async def test_a_notary_that_is_killed_at_step_after_step_leaves_one_history_covered_in_time(
    deployed: Deploy, mongo_uri: str, real_kafka: str, *, signed_before: bool
) -> None:
    deployment = await deployed(mongo_uri, real_kafka, POLICY)
    produced = await with_events(deployment, EVENTS)
    await deployment.start("consume", wait=False)
    kills = []
    async with loaded(deployment, produced, CHUNK):
        if signed_before:
            first = await deployment.start("work")
            await until(partial(has_signed, first, EVENTS), REACHED_SECONDS, "the first events are signed")
            await first.process.end(kill=True)
            kills.append(time.time())
        kills += [await killed_at(deployment, step) for step in NOTARY_STEPS]
        last = await deployment.start("work")
        await until(partial(leads, last), LEAD_SECONDS, "another one leads")

    await check_lived(deployment, produced, POLICY)
    trail = await check_signed(deployment, last)
    trail.check_in_time(away(deployment, kills))
    sizes = [size for size, _ in trail.signed]
    assert sizes == sorted(sizes)


async def test_a_checkpoint_that_a_leader_sends_after_it_stood_still_changes_nothing(
    deployed: Deploy, mongo_uri: str, real_kafka: str
) -> None:
    deployment = await deployed(mongo_uri, real_kafka, POLICY)
    produced = await with_events(deployment, EVENTS)
    await deployment.start("consume", wait=False)
    async with loaded(deployment, produced, CHUNK):
        still = await deployment.start_faulty("work", f"signed@2=block:{STANDS_STILL_SECONDS}")
        await until(partial(leads, still), LEAD_SECONDS, "it leads")
        heir = await deployment.start("work")
        await until(partial(leads, heir), REACHED_SECONDS + STANDS_STILL_SECONDS, "another one leads")
        await until(partial(has_signed, heir, EVENTS), REACHED_SECONDS, "the other one has signed")
        await asyncio.sleep(STANDS_STILL_SECONDS)

    await check_lived(deployment, produced, POLICY)
    trail = await check_signed(deployment, heir)
    trail.check_in_time([])
    sizes = [size for size, _ in trail.signed]
    assert sizes != sorted(sizes), "the late checkpoint did not come"
