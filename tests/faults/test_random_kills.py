"""Minutes of random SIGKILLs under load; the seed is in the failure, and a failed seed is worth keeping.

`make soak` takes a seed of its own: ORDER_RECORDS_TEST_SOAK_SEED and ORDER_RECORDS_TEST_SOAK_MINUTES choose.
"""

import asyncio
import os
import random
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final

import pytest

from local.demo.children import Child
from records.policy import GdprPolicy
from tests.e2e.deployment import Deployment, until
from tests.e2e.fixtures import Deploy
from tests.e2e.ingest_checker import all_read, watched
from tests.e2e.lifecycle_checker import check_lived
from tests.e2e.produced import with_events
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
    chance = random.Random(seed)
    produced = await with_events(deployment, WARM_UP, broken=0.02)
    survivors = [await deployment.start_faulty(verb) for verb in ("work", "consume")]
    await all_read(deployment, produced)
    await until(partial(_anonymized, deployment), 60, "the first ones are anonymized")
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

    await check_lived(deployment, produced, policy, 180)
    for survivor, figures in zip(survivors, held, strict=True):
        say(f"`{survivor.verb}` held so many MiB: {[round(each.memory_mib) for each in figures]}")
    for survivor, began in zip(survivors, before, strict=True):
        await check_back(survivor, began)
        say(f"`{survivor.verb}` began with {began}, and ends with {await resources(survivor)}")


async def _anonymized(deployment: Deployment) -> bool:
    return await deployment.database.records.count_documents({"anonymized": False}) == 0


async def _replace_one(deployment: Deployment, running: deque[Child], chance: random.Random) -> None:
    running.rotate(chance.randrange(len(running)))
    victim = running.popleft()
    await victim.process.end(kill=True)
    running.append(await deployment.start(victim.verb, wait=False))
