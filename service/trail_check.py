"""Before `consume` reads, the database is compared with the end of the trail: it may be a backup."""

import asyncio
from functools import partial
from typing import Final

import structlog

from audit.comparison import EndReader, compare
from records.mongo.client import Database
from records.mongo.errors import StoreError
from records.mongo.judgement import Trail, judged, stand
from records.mongo.restored import Pulse
from runtime import metrics
from runtime.health import Health
from runtime.process import finish_unless, sleep_unless, told
from runtime.settings import Settings
from runtime.topics import KAFKA_AWAY
from runtime.trail import BackwardReading

log = structlog.get_logger(__name__)

_READ_SECONDS: Final = 60.0
_SHORT_SECONDS: Final = 5.0
_AGAIN_SECONDS: Final = 2.0
_REMIND_SECONDS: Final = 60.0


async def agreed(
    settings: Settings, database: Database, pulse: Pulse, health: Health, stopping: asyncio.Event
) -> None:
    """Returns once the database is known not to be a backup, or on `stopping`. Raises TrailAhead, WentBack.

    Nothing is read, stored or remembered before: how far the group has read is remembered in the database,
    and after a restore only that says how far the database is.
    """
    say_at, comparison = 0.0, _Comparison(settings, database, pulse)
    while not stopping.is_set():
        try:
            if await finish_unless(stopping, comparison.known()):
                health.ready("trail", True)
                metrics.TRAIL_NOT_COMPARED.set(0)
                return
            why = "the audit topic is not there, may not be read, or has nothing of this database"
        except (*KAFKA_AWAY, StoreError) as error:
            why = told(error)
        health.ready("trail", "waits to be compared with the database")
        metrics.TRAIL_NOT_COMPARED.set(1)
        now = asyncio.get_running_loop().time()
        if now >= say_at and not stopping.is_set():
            say_at = now + _REMIND_SECONDS
            log.warning("nothing is read before the database was compared with its audit trail", error=why)
        await sleep_unless(stopping, _AGAIN_SECONDS)


class _Comparison:
    def __init__(self, settings: Settings, database: Database, pulse: Pulse) -> None:
        kafka, log_name = settings.kafka, settings.audit.log_name
        self._trail = Trail(kafka.audit_topic, log_name)
        self._reader = EndReader(log_name)
        self._reading = BackwardReading(kafka, self._reader.take, lambda: self._reader.found)
        self._database = database
        self._pulse = pulse

    async def known(self) -> bool:
        """Whether the database agrees with its trail; or is in service, where the trail does not say.

        A new database needs no topic. Raises TrailAhead, WentBack, StoreError, UserError, and what
        KAFKA_AWAY names.
        """
        in_service = (await self._pulse.look()).in_service
        try:
            there = await self._reading.go_on(_SHORT_SECONDS if in_service else _READ_SECONDS)
        except KAFKA_AWAY:
            if in_service:
                return True  # its worker compares
            raise
        if not there:  # somebody who may see the topic has to compare
            found = await stand(self._database)
            return in_service or not (found.beaten or found.sent)
        end = self._reader.end()
        if not await judged(self._database, end, partial(compare, end), self._trail):
            return in_service
        await self._pulse.renew(compared=True)
        return True
