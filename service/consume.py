"""The `consume` process: checks that it may run, then reads while order records are enabled."""

import asyncio
from datetime import timedelta
from functools import partial
from typing import Final

import structlog

from records.keys import RecordKeys
from records.mongo.client import Database, open_database
from records.mongo.configuration import order_records_enabled
from records.mongo.errors import StoreError, StoreUnavailable
from records.mongo.restored import Pulse
from records.mongo.startup import require_indexes, start_up
from records.policy import DateRules
from records.quarantine import QuarantineKey
from runtime import metrics
from runtime.garbage import collect_rarely
from runtime.health import Health
from runtime.process import build, finish_unless, sleep_unless, told, until_answered
from runtime.settings import Settings
from runtime.topics import KAFKA_AWAY, ensure_topics, require_topic
from service.backlog import Backlog
from service.consumer import OrderConsumer
from service.ingest import Ingest
from service.persistent import Persistent
from service.positions import Positions
from service.surge import Surge
from service.trail_check import agreed

log = structlog.get_logger(__name__)

_NOT_JOINED: Final = "has not joined its group"
_LOOK_SECONDS: Final = 2.0
_REMIND_SECONDS: Final = 60.0
_REFUSED_SECONDS: Final = 45.0
_CLOSE_SECONDS: Final = 12.0
_BACKLOG_SECONDS: Final = 2.0


async def consume(settings: Settings, health: Health, stopping: asyncio.Event) -> None:
    """Runs until `stopping`. Raises UserError, SettingsDiffer, TrailAhead or WentBack when it may not."""
    settings.require_secrets("id_key", "quarantine_key")
    health.ready("start", "checking")
    mongo = settings.mongo
    async with open_database(mongo.uri.get_secret_value(), mongo.database, mongo.driver) as database:
        keys = RecordKeys.derive(settings.secrets.require("id_key"))
        await _start_up(settings, database, keys, stopping)
        pulse = Pulse(database)
        await agreed(settings, database, pulse, health, stopping)
        health.ready("consumer", _NOT_JOINED)
        health.ready("start", True)
        ingest = _ingest(settings, database, keys)
        positions = Positions(database, ingest.stamp)
        consumer = OrderConsumer(settings, Persistent(ingest).take, positions)
        collect_rarely()
        backlog = asyncio.create_task(Backlog(settings.kafka, database, consumer).watch(stopping))
        backlog.add_done_callback(partial(_end_unwatched, stopping))
        try:
            await _Gate(database, pulse, consumer, health, ingest.surge).watch(stopping)
        finally:
            health.ready("start", "stopping")
            stopping.set()  # also where an error ends it
            await _close(consumer)
            await asyncio.wait([backlog], timeout=_BACKLOG_SECONDS)
            backlog.cancel()


def _end_unwatched(stopping: asyncio.Event, _: asyncio.Task[None]) -> None:
    if not stopping.is_set():
        log.critical("nobody watches over the reading any more: the process ends, to be started anew")
        stopping.set()


async def _close(consumer: OrderConsumer) -> None:
    """Never fails: what is not committed comes again, and a member that is gone times out of its group."""
    try:
        async with asyncio.timeout(_CLOSE_SECONDS):
            await consumer.close()
    except Exception as error:  # noqa: BLE001 - the process ends in any case
        log.warning("Kafka did not take the farewell", error=told(error))


async def _start_up(
    settings: Settings, database: Database, keys: RecordKeys, stopping: asyncio.Event
) -> None:
    async def checked() -> bool:
        await start_up(database, settings.bound(keys.fingerprint), enabled=settings.enabled_on_first_start)
        await require_indexes(database)
        return True

    async def topic_is_there() -> bool:
        await ensure_topics(settings)
        await require_topic(settings.kafka, settings.kafka.order_topic)
        return True

    await until_answered(checked, StoreUnavailable, stopping, "MongoDB")
    await until_answered(topic_is_there, KAFKA_AWAY, stopping, "Kafka")


def _ingest(settings: Settings, database: Database, keys: RecordKeys) -> Ingest:
    retention = settings.retention
    dates = DateRules.of(**retention.date_numbers())
    quarantine_key = QuarantineKey.derive(settings.secrets.require("quarantine_key"))
    ledger_time = timedelta(days=retention.ledger_days)
    tax_mode = settings.pricing.tax_mode
    return Ingest(database, keys, quarantine_key, dates, ledger_time, build(), tax_mode)


class _Gate:
    """Starts and stops the consumer as order records are enabled and disabled."""

    def __init__(
        self, database: Database, pulse: Pulse, consumer: OrderConsumer, health: Health, surge: Surge
    ) -> None:
        self._database = database
        self._pulse = pulse
        self._consumer = consumer
        self._health = health
        self._surge = surge
        self._enabled: bool | None = None
        self._trouble = ""
        self._said_at = -_REMIND_SECONDS

    async def watch(self, stopping: asyncio.Event) -> None:
        """Looks every two seconds until `stopping`; while MongoDB is away all stays as it is.

        Raises TrailAhead, WentBack.
        """
        while not stopping.is_set():
            await finish_unless(stopping, self._look())
            await sleep_unless(stopping, _LOOK_SECONDS)

    async def _look(self) -> None:
        try:
            await self._pulse.look()
            self._enabled = await order_records_enabled(self._database)
            metrics.CONSUMER_ENABLED.set(self._enabled)
        except StoreError as error:
            log.warning("cannot read the configuration", error=str(error))
        else:
            await self._follow()
        self._consumer.measure_lag()
        self._tell()

    async def _follow(self) -> None:
        self._trouble = ""
        if self._enabled and self._consumer.troubled_seconds >= _REFUSED_SECONDS:
            # aiokafka never restarts a task of its group that has failed, were it by a single answer.
            log.warning("Kafka has refused it for long: it joins anew", error=self._consumer.trouble)
            await self._consumer.stop()
        if self._enabled and not self._consumer.running:
            try:
                await self._consumer.start()
            except KAFKA_AWAY as error:
                self._trouble = told(error)
                log.warning("cannot join the group, trying again", error=self._trouble)
        elif not self._enabled and self._consumer.running:
            await self._consumer.stop()

    def _tell(self) -> None:
        self._surge.tell()
        self._health.ready("consumer", self._state())
        now = asyncio.get_running_loop().time()
        if self._enabled is False and now - self._said_at >= _REMIND_SECONDS:
            self._said_at = now
            log.warning("order records are disabled: nothing is read and nothing committed")

    def _state(self) -> bool | str:
        if self._enabled is False:
            return True
        if self._enabled is None:
            return "does not know whether it is enabled"
        if trouble := self._trouble or self._consumer.trouble:
            return f"Kafka refuses it: {trouble}"
        return self._consumer.joined or _NOT_JOINED
