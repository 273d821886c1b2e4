"""A consumer that is stuck ends by itself; one whose servers are away, however long, does not."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import pytest

from local.servers.process import Process, free_port
from tests.e2e.deployment import until
from tests.parts import StartKafka, StartMongod
from tests.running_consumer import SECRET, Topic, topic_of

PATIENCE: Final = 4
"""Seconds without a move after which these processes end; five minutes in earnest."""
AWAY: Final = 4 * PATIENCE
END_SECONDS: Final = 60.0

# The real process, with less patience, and the fault that is asked for planted in its way to MongoDB.
PROCESS: Final = """
import asyncio, sys, time
from runtime.health import Health
from service import backlog, standstill
from service.ingest import Ingest

standstill.PATIENCE_SECONDS, backlog.LOOK_SECONDS = float(sys.argv[1]), 0.5
Health.__init__.__kwdefaults__["stall_seconds"] = float(sys.argv[1]) / 2

async def hang(*_):
    await asyncio.Event().wait()

async def block(*_):
    time.sleep(3600)

fault = {"hang": hang, "block": block}.get(sys.argv[2])
if fault:
    Ingest.take = fault
sys.argv[1:] = ["consume"]
from cli.main import main
main()
"""


def started(topic: Topic, folder: Path, fault: str) -> Process:
    variables = {
        **topic.variables,
        "ORDER_RECORDS_SECRETS__QUARANTINE_KEY": SECRET,
        "ORDER_RECORDS_HEALTH__PORT": str(free_port()),
    }
    command = [sys.executable, "-c", PROCESS, str(PATIENCE), fault]
    return Process(command, folder / "consume.log", {**os.environ, **variables})


@pytest.mark.parametrize(("fault", "line"), [("hang", "reading stands still"), ("block", "the event loop")])
async def test_a_process_that_is_stuck_ends_with_a_clear_line(
    mongo_uri: str,
    fresh_database: str,
    real_kafka: str,
    topic_names: Callable[[str], str],
    tmp_path: Path,
    fault: str,
    line: str,
) -> None:
    async with topic_of(mongo_uri, fresh_database, real_kafka, topic_names) as topic:
        await topic.make()
        await topic.publish(1)
        process = started(topic, tmp_path, fault)
        try:
            await until(_ends(process), END_SECONDS, "its end")
            assert process.exit_code() == 1
            assert line in (tmp_path / "consume.log").read_text()
        finally:
            await process.end(kill=True)


@pytest.mark.faults
@pytest.mark.parametrize("away", ["kafka", "mongod"])
async def test_an_outage_longer_than_its_patience_is_survived(
    own_mongod: StartMongod,
    own_kafka: StartKafka,
    topic_names: Callable[[str], str],
    tmp_path: Path,
    away: str,
) -> None:
    mongod, kafka = await own_mongod(), await own_kafka()
    async with topic_of(mongod.uri, "shop", kafka.bootstrap, topic_names) as topic:
        await topic.make()
        await topic.publish(10)
        process = started(topic, tmp_path, "none")
        try:
            await topic.stored(10, seconds=END_SECONDS)
            await topic.publish(10)
            frozen = {"kafka": kafka.pid, "mongod": mongod.pid}[away]
            assert frozen is not None
            os.kill(frozen, signal.SIGSTOP)
            try:
                await asyncio.sleep(AWAY)
                assert process.exit_code() is None
            finally:
                os.kill(frozen, signal.SIGCONT)
            await topic.publish(10)
            await topic.stored(30, seconds=END_SECONDS)
            assert process.exit_code() is None
        finally:
            await process.end(kill=True)


def _ends(process: Process) -> Callable[[], Awaitable[bool]]:
    async def ended() -> bool:
        return process.exit_code() is not None

    return ended
