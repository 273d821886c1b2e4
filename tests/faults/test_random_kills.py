"""Minutes of random SIGKILLs under load; the seed is in the failure, and a failed seed is worth keeping."""

import asyncio
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

import pytest

from local.demo.children import Child
from local.samples.broken import BROKEN
from local.samples.events import LabelledEvent, sample_events
from records.policy import GdprPolicy
from tests.e2e.checker import QUARANTINED, check_lives, check_nobody_named, check_sequence, read_trail
from tests.e2e.deployment import Deployment, Place, until
from tests.e2e.expected import due_of, ids_of, people

Deploy = Callable[[str, str, GdprPolicy], Awaitable[Deployment]]

MINUTES: Final = 2
REPLICAS: Final = 2
CHUNK: Final = 400


@pytest.mark.faults
@pytest.mark.parametrize("seed", [1, 2])
async def test_random_kills_lose_nothing_double_nothing_and_name_nobody(
    deployed: Deploy, mongo_uri: str, real_kafka: str, seed: int
) -> None:
    policy = GdprPolicy(retention_time=10, deletion_time_after_retention=60, version=1)
    deployment = await deployed(mongo_uri, real_kafka, policy)
    chance, at = random.Random(seed), datetime.now(UTC)
    running = deque([await deployment.start(verb) for verb in ("work", "consume") * REPLICAS])
    events, places, end = list[LabelledEvent](), list[Place](), time.monotonic() + MINUTES * 60

    while time.monotonic() < end:
        chunk = list(sample_events(seed, CHUNK, at=at, duplicates=0.1, broken=0.02, start=len(events)))
        events += chunk
        places += await deployment.publish(labelled.event for labelled in chunk)
        await asyncio.sleep(chance.uniform(0, 4))
        await _replace_one(deployment, running, chance)

    ids = await ids_of(deployment, events)
    due = await due_of(deployment, ids, places, policy)
    broken = sum(labelled.kind in BROKEN for labelled in events)
    database = deployment.database

    async def lived() -> bool:
        gone = await database.ledger.count_documents({})
        held = await database.records.count_documents({})
        waiting = await database.outbox.count_documents({})
        return gone == len(due) and not held and not waiting

    await until(lived, 180, f"everything erased and announced (seed {seed})")
    trail = read_trail(await deployment.audit_values())
    check_sequence(trail)
    # Members that are killed before they are missed can keep the group from reading for a minute.
    check_lives(trail, due, some_came_late=True)
    assert await database.quarantine.count_documents({}) == broken
    assert trail.subjects(QUARANTINED).total() == len(trail.subjects(QUARANTINED)) == broken
    topic = b"\n".join(await deployment.audit_values()).decode()
    check_nobody_named({"audit topic": topic, "logs": deployment.logs()}, people(seed, 300, at))


async def _replace_one(deployment: Deployment, running: deque[Child], chance: random.Random) -> None:
    running.rotate(chance.randrange(len(running)))
    victim = running.popleft()
    await victim.process.end(kill=True)
    running.append(await deployment.start(victim.verb, wait=False))
