"""`work` is killed or stopped at each step of its way, and another one goes on where it has to."""

import asyncio
import json
import os
import signal
from collections import Counter
from pathlib import Path

import pytest

from local.demo.children import Child
from records.policy import GdprPolicy
from tests.e2e.deployment import Deployment, until
from tests.e2e.faults import RELAY_STEPS, WORK_STEPS
from tests.e2e.fixtures import Deploy
from tests.e2e.ingest_checker import all_read
from tests.e2e.lifecycle_checker import check_lived
from tests.e2e.produced import Produced, with_events

EVENTS, BATCH = 300, 20
POLICY = GdprPolicy(retention_time=3, deletion_time_after_retention=12, version=1)
REACHED_SECONDS = 40
LEASE_SECONDS = 5
TAKE_OVER_SECONDS = 30
WORKERS = 5
OLDER, NEWER = "1.4.2", "1.5.0"

pytestmark = pytest.mark.faults


async def stored(
    deploy: Deploy, mongo_uri: str, real_kafka: str, broken: float = 0.05
) -> tuple[Deployment, Produced]:
    """A deployment whose orders are stored, and of which no `work` runs yet."""
    deployment = await deploy(mongo_uri, real_kafka, POLICY)
    deployment.variables["ORDER_RECORDS_WORKER__BATCH_SIZE"] = str(BATCH)
    produced = await with_events(deployment, EVENTS, broken=broken)
    await deployment.start("consume", wait=False)
    await all_read(deployment, produced)
    return deployment, produced


async def changed(deployment: Deployment) -> int:
    """How many batches were erased so far."""
    lease = await deployment.database.state.find_one({"_id": "lease"})
    return lease["n"] if lease else 0


@pytest.mark.parametrize(
    ("step", "first"),
    [
        (step, first)
        for step in (*WORK_STEPS, *RELAY_STEPS)
        for first in (1, 4)
        if (step, first) != ("leading", 4)  # a worker begins to lead once
    ],
)
async def test_a_worker_that_is_killed_leaves_every_act_done_once_and_announced(
    deployed: Deploy, mongo_uri: str, real_kafka: str, step: str, first: int
) -> None:
    deployment, produced = await stored(deployed, mongo_uri, real_kafka)
    victim = await deployment.start_faulty("work", f"{step}@{first}=kill", wait=False)
    assert await victim.process.wait(REACHED_SECONDS), "the step was not reached"
    assert victim.process.exit_code() == -signal.SIGKILL, victim.process.last_lines()

    await deployment.start("work", wait=False)
    await check_lived(deployment, produced, POLICY)


async def test_what_a_killed_worker_has_sent_one_of_a_newer_build_repeats_to_the_byte(
    deployed: Deploy, mongo_uri: str, real_kafka: str, tmp_path: Path
) -> None:
    deployment, produced = await stored(deployed, mongo_uri, real_kafka, broken=0)
    older, newer = build_on_path(tmp_path, OLDER), build_on_path(tmp_path, NEWER)
    victim = await deployment.start_faulty("work", "acknowledged@3=kill", wait=False, PYTHONPATH=older)
    assert await victim.process.wait(REACHED_SECONDS), "the step was not reached"

    await deployment.start("work", wait=False, PYTHONPATH=newer)
    await check_lived(deployment, produced, POLICY)
    times = Counter(await deployment.audit_values())
    builds = {value: json.loads(value)["data"]["worker"]["build"] for value in times}
    assert set(builds.values()) == {OLDER, NEWER}
    assert {build for value, build in builds.items() if times[value] > 1} == {OLDER}


def build_on_path(folder: Path, version: str) -> str:
    """A folder by which a process is of this build, where it comes first among those it imports from."""
    facts = folder / version / f"order_records-{version}.dist-info" / "METADATA"
    facts.parent.mkdir(parents=True)
    facts.write_text(f"Metadata-Version: 2.1\nName: order-records\nVersion: {version}\n")
    return str(folder / version)


@pytest.mark.parametrize("seconds", [2 * LEASE_SECONDS, 60])
async def test_a_leader_that_is_stopped_and_wakes_up_after_another_took_over_changes_nothing(
    deployed: Deploy, mongo_uri: str, real_kafka: str, seconds: int
) -> None:
    deployment, produced = await stored(deployed, mongo_uri, real_kafka)
    zombie = await deployment.start("work")

    async def at_work() -> bool:
        return await changed(deployment) > 1

    await until(at_work, TAKE_OVER_SECONDS, "the first batches are erased")
    stop(zombie, signal.SIGSTOP)
    heir = await deployment.start("work")

    async def leads() -> bool:
        return (await heir.figures())["order_records_leader"] == 1

    await until(leads, TAKE_OVER_SECONDS, "another one leads")
    await asyncio.sleep(seconds - LEASE_SECONDS)
    stop(zombie, signal.SIGCONT)
    trail = await check_lived(deployment, produced, POLICY)
    await asyncio.sleep(LEASE_SECONDS)

    assert len(trail.events) == len((await check_lived(deployment, produced, POLICY)).events)
    assert (await heir.figures())["order_records_leader"] == 1
    assert heir.process.exit_code() is None


def stop(child: Child, how: signal.Signals) -> None:
    assert child.process.pid is not None
    os.kill(child.process.pid, how)


async def test_of_five_workers_one_leads_and_whichever_is_killed_the_next_leads_in_time(
    deployed: Deploy, mongo_uri: str, real_kafka: str
) -> None:
    deployment, produced = await stored(deployed, mongo_uri, real_kafka)
    workers = [await deployment.start("work") for _ in range(WORKERS)]

    async def leaders() -> list[Child]:
        figures = await asyncio.gather(*(worker.figures() for worker in workers))
        return [w for w, found in zip(workers, figures, strict=True) if found["order_records_leader"] == 1]

    async def one_leads() -> bool:
        return len(await leaders()) == 1

    while len(workers) > 1:
        await until(one_leads, TAKE_OVER_SECONDS, "one leads")
        (leader,) = await leaders()
        workers.remove(leader)
        await leader.process.end(kill=True)
    await until(one_leads, TAKE_OVER_SECONDS, "the last one leads")

    await check_lived(deployment, produced, POLICY)
