"""The `work` process: builds the indexes, then leads or stands by."""

import asyncio
import os
import socket
from datetime import timedelta
from functools import partial
from uuid import uuid4

import structlog

from records.keys import RecordKeys
from records.mongo.client import Database, open_database
from records.mongo.errors import StoreUnavailable
from records.mongo.indexes import build_indexes
from records.mongo.lease import Lease
from records.mongo.startup import start_up
from records.policy import DateRules
from runtime.errors import UserError
from runtime.garbage import collect_rarely
from runtime.health import Health
from runtime.process import beside, build, until_answered
from runtime.settings import Settings
from runtime.topics import KAFKA_AWAY, ensure_topics
from worker.attestation import Attester
from worker.clock import Clock
from worker.figures import watch_figures
from worker.leader import Duty, lead_or_stand_by
from worker.notary import notary_of
from worker.relay import Relay
from worker.schedule import sweep_on_schedule
from worker.sweeper import Sweeper
from worker.trail_check import TrailCheck

log = structlog.get_logger(__name__)


async def work(settings: Settings, health: Health, stopping: asyncio.Event) -> None:
    """Runs until `stopping`. Raises SettingsDiffer, TrailAhead or WentBack when it may not run any more, and
    UserError without a signing key.
    """
    health.ready("start", "checking")
    mongo = settings.mongo
    async with open_database(mongo.uri.get_secret_value(), mongo.database, mongo.driver) as database:
        notary = notary_of(settings, database)
        await _start_up(settings, database, stopping)
        collect_rarely()
        check = TrailCheck(settings, database, health)
        ledger_time = timedelta(days=settings.retention.ledger_days)
        measuring = asyncio.create_task(watch_figures(database, ledger_time, stopping))
        topics = asyncio.create_task(_create_topics(settings, stopping))
        try:
            await check.before_leading(stopping)
            health.ready("start", True)
            async with database.session() as session, beside(check.watch(stopping), stopping):
                lease = Lease(database, session, _owner(), settings.worker.lease_seconds)
                duties = [*_duties(settings, database, lease, check), notary.run]
                await lead_or_stand_by(lease, settings.worker.lease_seconds, duties, stopping)
        finally:
            health.ready("start", "stopping")
            stopping.set()  # on Python 3.11 the driver can swallow the one cancellation of a loop
            for task in (measuring, topics):
                task.cancel()
            await asyncio.gather(measuring, topics, return_exceptions=True)


def _duties(settings: Settings, database: Database, lease: Lease, check: TrailCheck) -> list[Duty]:
    """What has a lease or a comparison to wait for; the notary has not."""
    sweeper = _sweeper(settings, database, lease)
    return [
        partial(sweep_on_schedule, sweeper, settings.worker.sweep_interval_seconds),
        check.once_compared(Relay(settings, database, lease.lasts).run),
        check.once_compared(Attester(settings, database).run),
        check.beat,
    ]


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


def _owner() -> str:
    """A name that no other process has, and that an operator recognizes."""
    return f"{socket.gethostname()}/{os.getpid()}/{uuid4()}"
