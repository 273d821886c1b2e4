"""Our own acts as the processes do them: the sweeper of `work`, its relay, and the one way in beside them."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import psutil
from prometheus_client import Counter

from benchmarks.lifecycle_records import BATCH, copies, templates
from benchmarks.lifecycle_task import Answer, Beat, Task
from benchmarks.meter import Run, Watched, cpu_seconds, measured
from records.mongo.client import Database
from records.mongo.ingest import store
from records.mongo.lease import Lease
from records.policy import DateRules
from runtime import metrics
from runtime.errors import UserError
from runtime.kafka_settings import Kafka
from runtime.process import build
from runtime.settings import Settings
from runtime.topics import ensure_topics
from worker.clock import Clock
from worker.relay import Relay
from worker.sweeper import Sweeper

READY: Final = "ready"
"""What an ingest has named its file once it is about to begin."""
_END_SECONDS: Final = 30.0
_PASSES: Final = 10


class _At(Clock):
    """A clock that stands at a moment in the past."""

    def __init__(self, moment: datetime) -> None:
        super().__init__()
        self._moment = moment

    def cutoff(self, mongo_now: datetime) -> datetime:
        return min(mongo_now, self._moment)


async def run_sweep(task: Task, database: Database) -> Run:
    """The sweeper until nothing is due, as `work` runs it while it leads. Raises UserError."""
    settings = Settings()
    async with database.session() as session:
        lease = Lease(database, session, "benchmark", settings.worker.lease_seconds)
        if not await lease.acquire():
            raise UserError("another worker leads")
        sweeper = Sweeper(
            database,
            lease,
            DateRules.of(**settings.retention.date_numbers()),
            timedelta(days=settings.retention.ledger_days),
            build(),
            settings.worker.batch_size,
            _At(task.cutoff),
        )
        with contextlib.nullcontext() if task.trail else _without_trail():
            return await _watched(task, _passes(sweeper), metrics.SWEEP_RECORDS)


async def _passes(sweeper: Sweeper) -> bool:
    """As the schedule does it: a pass that MongoDB interrupted is done again, and its time counts."""
    for _ in range(_PASSES):
        if await sweeper.sweep_all(asyncio.Event()):
            return True
    return False


@contextlib.contextmanager
def _without_trail() -> Iterator[None]:
    """Nothing is announced: what the trail costs is the difference."""

    async def nothing(*_: Any) -> None: ...

    with patch("records.mongo.outbox.append", nothing):
        yield


async def run_relay(task: Task, database: Database) -> Run:
    """The relay until the outbox is empty: an event counts once Kafka has it. Raises UserError."""
    kafka = Kafka(bootstrap_servers=task.kafka, audit_topic=task.audit_topic, create_topics=True)
    settings, stopping = Settings(kafka=kafka), asyncio.Event()
    await ensure_topics(settings)

    async def until_empty() -> bool:
        relaying = asyncio.create_task(Relay(settings, database).run(stopping))
        while await database.outbox.find_one({}, {"_id": 1}):  # noqa: ASYNC110 - nobody else tells
            await asyncio.sleep(0.1)
        stopping.set()
        await relaying
        return True

    return await _watched(task, until_empty(), metrics.AUDIT_EVENTS_SENT)


async def _watched(task: Task, act: Coroutine[Any, Any, bool], counter: Counter) -> Run:
    """Measures an act that counts what it has done, and lets it come to its end."""
    doing = asyncio.create_task(act)

    async def done() -> int:
        return _count(counter)

    async def fault() -> str | None:
        return f"{task.act} ended after {_count(counter):,} of {task.records:,}" if doing.done() else None

    try:
        watched = Watched([psutil.Process()], psutil.Process(task.mongod), done, fault)
        run = await measured(watched, task.records)
        async with asyncio.timeout(_END_SECONDS):
            if not await doing:
                raise UserError(f"{task.act} did not succeed")
    finally:
        doing.cancel()
        await asyncio.gather(doing, return_exceptions=True)
    return run


def _count(counter: Counter) -> int:
    return sum(int(sample.value) for family in counter.collect() for sample in family.samples)


async def run_ingest(task: Task, database: Database) -> Answer:
    """New records through the one way in, a thousand a batch: so many, or until SIGTERM."""
    stopping, made = asyncio.Event(), templates(task.records)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    process, beats = psutil.Process(), list[Beat]()
    Path(task.answer).with_name(READY).touch()
    began = time.time()
    while not stopping.is_set() and (done := beats[-1].records if beats else 0) < task.records:
        numbers = range(done, min(done + BATCH, task.records))
        now = datetime.now(UTC)
        batch = list(copies(made, numbers, now, timedelta()))
        await store(database, batch, now)
        beats.append(Beat(time.time(), numbers.stop, cpu_seconds(process), process.memory_info().rss))
    return Answer(began, time.time(), beats=tuple(beats))
