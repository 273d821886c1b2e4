"""The `work` process: builds the indexes, then leads or stands by."""

import asyncio
import os
import socket
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import uuid4

import structlog

from records.keys import RecordKeys
from records.mongo.client import Database, open_database
from records.mongo.errors import StoreError, StoreUnavailable
from records.mongo.indexes import build_indexes
from records.mongo.lease import Lease
from records.mongo.startup import start_up
from records.policy import DateRules
from runtime.errors import UserError
from runtime.health import Health
from runtime.process import build, sleep_unless, until_answered
from runtime.settings import Settings
from runtime.topics import KAFKA_AWAY, ensure_topics
from worker.clock import Clock
from worker.leader import Duty, lead_or_stand_by
from worker.relay import Relay
from worker.schedule import sweep_on_schedule
from worker.sweeper import Sweeper, measure

log = structlog.get_logger(__name__)

_MEASURE_SECONDS: Final = 5.0


async def work(settings: Settings, health: Health, stopping: asyncio.Event) -> None:
    """Runs until `stopping`. Raises SettingsDiffer when it may not run at all."""
    health.ready("start", "checking")
    mongo = settings.mongo
    async with open_database(mongo.uri.get_secret_value(), mongo.database, mongo.driver) as database:
        await _start_up(settings, database, stopping)
        health.ready("start", True)
        measuring = asyncio.create_task(_measure(database, stopping))
        topics = asyncio.create_task(_create_topics(settings, stopping))
        try:
            async with database.session() as session:
                lease = Lease(database, session, _owner(), settings.worker.lease_seconds)
                await _lead(settings, database, lease, stopping)
        finally:
            health.ready("start", "stopping")
            for task in (measuring, topics):
                task.cancel()
            await asyncio.gather(measuring, topics, return_exceptions=True)


async def _lead(settings: Settings, database: Database, lease: Lease, stopping: asyncio.Event) -> None:
    worker = settings.worker
    sweeper = _sweeper(settings, database, lease)
    duties: list[Duty] = [
        partial(sweep_on_schedule, sweeper, worker.sweep_interval_seconds),
        Relay(settings, database).run,
    ]
    await lead_or_stand_by(lease, worker.lease_seconds, duties, stopping)


async def _start_up(settings: Settings, database: Database, stopping: asyncio.Event) -> None:
    id_key = settings.secrets.id_key
    fingerprint = RecordKeys.derive(id_key.get_secret_value()).fingerprint if id_key else None

    async def checked() -> None:
        await start_up(database, settings.bound(fingerprint), enabled=settings.enabled_on_first_start)
        await build_indexes(database, search=settings.search.indexes)

    await until_answered(checked, StoreUnavailable, stopping, "MongoDB")


def _sweeper(settings: Settings, database: Database, lease: Lease) -> Sweeper:
    dates = DateRules.of(**settings.retention.date_numbers())
    ledger_time = timedelta(days=settings.retention.ledger_days)
    return Sweeper(database, lease, dates, ledger_time, build(), settings.worker.batch_size, Clock())


async def _create_topics(settings: Settings, stopping: asyncio.Event) -> None:
    """Beside the work: erasing on time does not wait for Kafka, nor for a Kafka setting that is wrong."""
    try:
        await until_answered(partial(ensure_topics, settings), KAFKA_AWAY, stopping, "Kafka")
    except UserError as error:
        log.error("the topics cannot be looked after", reason=str(error))  # noqa: TRY400 - one line says it


async def _measure(database: Database, stopping: asyncio.Event) -> None:
    """The figures come from every replica, so that a frozen leader cannot hide itself."""
    while not stopping.is_set():
        try:
            await measure(database)
        except StoreError as error:
            log.warning("the figures are stale", error=str(error))
        await sleep_unless(stopping, _MEASURE_SECONDS)


def _owner() -> str:
    """A name that no other process has, and that an operator recognizes."""
    return f"{socket.gethostname()}/{os.getpid()}/{uuid4()}"
