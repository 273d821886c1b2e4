"""A replay that is killed anywhere, again and again: each order is stored once, each entry leaves once."""

import asyncio
import os
import random
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from typing import Final

import pytest

from records.mongo.client import Database
from tests.integration.verb_suite.shop import Shop, broken, ids, orders, variables
from tests.parts import StartMongod

pytestmark = pytest.mark.faults

ORDERS, BROKEN, KILLS = 1000, 2, 6
PATIENCE: Final = 60.0
LIFETIME: Final = 2
"""Seconds until MongoDB ends a transaction that was left open; the documents in it wait for that."""


async def replaying(shop: Shop, actor: str) -> Process:
    command = ("-m", "cli.main", "quarantine", "replay", "--all", "--rate", "800", "--actor", actor)
    return await asyncio.create_subprocess_exec(
        sys.executable, *command, env={**os.environ, **shop.variables}, stdout=PIPE, stderr=PIPE
    )


async def at_work(database: Database, started: Process, pseudonym: str) -> None:
    """Returns once it has replayed something, or has ended.

    What it announced itself: what the one before had in flight when it was killed may arrive meanwhile.
    """
    own = {"kind": "quarantine.replayed", "items": {"$elemMatch": {"$elemMatch": {"$eq": pseudonym}}}}
    async with asyncio.timeout(PATIENCE):
        while await database.outbox.find_one(own) is None:
            if started.returncode is not None:
                return
            await asyncio.sleep(0.01)


async def test_a_replay_that_is_killed_loses_nothing_and_repeats_nothing(own_mongod: StartMongod) -> None:
    server = await own_mongod(transactionLifetimeLimitSeconds=str(LIFETIME))
    shop = Shop(variables(server.uri, "shop"))
    await asyncio.to_thread(shop.prepare)
    good, bad = orders(ORDERS), broken()
    await asyncio.to_thread(shop.refuse, [*good, *bad])
    rng, codes = random.Random(7), Counter[int | None]()
    async with shop.database() as database:
        for number in range(KILLS):
            actor = f"run {number}"
            started = await replaying(shop, actor)
            await at_work(database, started, shop.keys.pseudonym(actor))
            await asyncio.sleep(rng.random() * 0.3)
            how = (signal.SIGKILL, signal.SIGINT, signal.SIGTERM)[number % 3]
            if started.returncode is None:
                started.send_signal(how)
            _, said = await asyncio.wait_for(started.communicate(), PATIENCE)
            assert b"Traceback" not in said
            codes[started.returncode] += 1
        assert codes[-signal.SIGKILL] >= 1
        assert codes[130] >= 1
        await asyncio.sleep(LIFETIME)
        last = await replaying(shop, "last")
        await asyncio.wait_for(last.communicate(), PATIENCE)
        assert last.returncode == 0
        stored = [int(row["created"].timestamp() * 1000) async for row in database.records.find()]
        assert sorted(stored) == sorted(event.timestamp for event in good)
        assert {row["_id"] async for row in database.quarantine.find()} == set(ids(bad))
        replayed = database.outbox.find({"kind": "quarantine.replayed"})
        items = [item async for entry in replayed for item in entry["items"]]
    created = Counter(item[2] for item in items if item[5] == "CREATED")
    assert created == Counter(event.offset for event in good)
    assert Counter(item[5] for item in items) == {"CREATED": ORDERS, "REFUSED": BROKEN}
