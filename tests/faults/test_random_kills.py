"""Minutes of random SIGKILLs under load; the seed is in the failure, and a failed seed is worth keeping.

`make soak` takes a seed of its own: ORDER_RECORDS_TEST_SOAK_SEED and ORDER_RECORDS_TEST_SOAK_MINUTES choose.
"""

import asyncio
import os
import random
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import pytest

from local.demo.children import Child
from records.policy import GdprPolicy
from tests.e2e.checker import QUARANTINED, check_lives, check_nobody_named, check_sequence, read_trail
from tests.e2e.deployment import Deployment, until
from tests.e2e.expected import due_of, people
from tests.e2e.fixtures import Deploy
from tests.e2e.ingest_checker import all_read, watched
from tests.e2e.produced import SEED, Produced, with_events
from tests.e2e.resources import check_back, resources

REPLICAS: Final = 2
CHUNK: Final = 400
WARM_UP: Final = 3000
"""Whole batches of the largest size: what they take is kept for the next ones, and is no growth."""
SAMPLE_SECONDS: Final = 3.0
SOAK_SEED: Final = int(os.environ.get("ORDER_RECORDS_TEST_SOAK_SEED") or random.randrange(10**6))
SOAK_MINUTES: Final = float(os.environ.get("ORDER_RECORDS_TEST_SOAK_MINUTES") or 10)


@pytest.mark.parametrize(
    ("seed", "minutes"),
    [
        pytest.param(1, 2, marks=pytest.mark.faults),
        pytest.param(SOAK_SEED, SOAK_MINUTES, marks=pytest.mark.soak, id="soak"),
    ],
)
async def test_random_kills_lose_nothing_double_nothing_and_name_nobody(
    deployed: Deploy, mongo_uri: str, real_kafka: str, seed: int, minutes: float, say: Callable[[str], None]
) -> None:
    say(f"{minutes:g} minutes of random kills, seed {seed}")
    policy = GdprPolicy(retention_time=10, deletion_time_after_retention=60, version=1)
    deployment = await deployed(mongo_uri, real_kafka, policy)
    chance, at = random.Random(seed), datetime.now(UTC)
    produced = await with_events(deployment, WARM_UP, broken=0.02)
    survivors = [await deployment.start_faulty(verb) for verb in ("work", "consume")]
    await all_read(deployment, produced)
    before = [await resources(survivor) for survivor in survivors]

    running = deque([await deployment.start(verb) for verb in ("work", "consume") * REPLICAS])
    end = time.monotonic() + minutes * 60
    held = [[each] for each in before]
    async with watched(deployment, produced, SAMPLE_SECONDS):
        while time.monotonic() < end:
            await produced.more(deployment, CHUNK, broken=0.02)
            await asyncio.sleep(chance.uniform(0, 4))
            await _replace_one(deployment, running, chance)
            for figures, survivor in zip(held, survivors, strict=True):
                figures.append(await resources(survivor))
        await all_read(deployment, produced, 180)

    await _all_lived(deployment, produced, seed)
    trail = read_trail(await deployment.audit_values())
    check_sequence(trail)
    # Members that are killed before they are missed can keep the group from reading for a minute.
    due = await due_of(deployment, list(produced.ids.values()), list(produced.ids), policy)
    check_lives(trail, due, some_came_late=True)
    broken = len(produced.broken)
    assert await deployment.database.quarantine.count_documents({}) == broken
    assert trail.subjects(QUARANTINED).total() == len(trail.subjects(QUARANTINED)) == broken

    await _replayed(deployment, produced)
    assert len(read_trail(await deployment.audit_values()).events) == len(trail.events)
    topic = b"\n".join(await deployment.audit_values()).decode()
    check_nobody_named({"audit topic": topic, "logs": deployment.logs()}, people(SEED, 300, at))
    for survivor, figures in zip(survivors, held, strict=True):
        say(f"`{survivor.verb}` held so many MiB: {[round(each.memory_mib) for each in figures]}")
    for survivor, began in zip(survivors, before, strict=True):
        await check_back(survivor, began)
        say(f"`{survivor.verb}` began with {began}, and ends with {await resources(survivor)}")


async def _replace_one(deployment: Deployment, running: deque[Child], chance: random.Random) -> None:
    running.rotate(chance.randrange(len(running)))
    victim = running.popleft()
    await victim.process.end(kill=True)
    running.append(await deployment.start(victim.verb, wait=False))


async def _all_lived(deployment: Deployment, produced: Produced, seed: int) -> None:
    database, orders = deployment.database, len(produced.orders)

    async def lived() -> bool:
        gone = await database.ledger.count_documents({})
        held = await database.records.count_documents({})
        waiting = await database.outbox.count_documents({})
        return gone == orders and not held and not waiting

    await until(lived, 180, f"everything erased and announced (seed {seed})")


async def _replayed(deployment: Deployment, produced: Produced) -> None:
    """Everything is read again by another group, and nothing comes back."""
    database, group = deployment.database, f"{deployment.settings.kafka.group_id}-replay"
    replaying = await deployment.start("consume", ORDER_RECORDS_KAFKA__GROUP_ID=group)
    await all_read(deployment, produced, 120, group)
    await replaying.process.end()
    assert await database.records.count_documents({}) == 0
    assert await database.ledger.count_documents({}) == len(produced.orders)
    assert await database.quarantine.count_documents({}) == len(produced.broken)
