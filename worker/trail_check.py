"""Before it leads, `work` compares the database with the end of the trail: it may be a backup."""

import asyncio
from functools import partial
from typing import Final

import structlog

from audit.comparison import EndReader, compare
from records.mongo.client import Database
from records.mongo.errors import StoreError, StoreUnavailable
from records.mongo.judgement import Trail, judged, stand
from records.mongo.restored import Pulse, Service
from records.mongo.startup import SettingsDiffer
from records.mongo.state import differing
from runtime import metrics
from runtime.errors import UserError
from runtime.health import Health
from runtime.process import finish_unless, sleep_unless, told, until_answered
from runtime.settings import Settings
from runtime.topics import KAFKA_AWAY
from runtime.trail import BackwardReading
from worker.leader import Duty

log = structlog.get_logger(__name__)

_FIRST_SECONDS: Final = 5.0
_READ_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 5.0
_REMIND_SECONDS: Final = 60.0
_BEAT_SECONDS: Final = 30.0
_AWAY: Final = (*KAFKA_AWAY, UserError)


class TrailCheck:
    """Compares once in the life of the process, and watches for a verdict, its own or another's."""

    def __init__(self, settings: Settings, database: Database, health: Health) -> None:
        kafka, log_name = settings.kafka, settings.audit.log_name
        self._trail = Trail(kafka.audit_topic, log_name)
        self._bound = settings.bound_trail()
        self._reader = EndReader(log_name)
        self._reading = BackwardReading(kafka, self._reader.take, lambda: self._reader.found)
        self._database = database
        self._health = health
        self._pulse = Pulse(database)
        self._new = False
        self._compared = asyncio.Event()
        self._say_at = self._say_untold_at = 0.0

    async def before_leading(self, stopping: asyncio.Event) -> None:
        """Returns once this worker may lead. Raises TrailAhead, SettingsDiffer.

        While Kafka is away it may at once, for erasing on time matters; but not where the database was
        silent for over an hour: it may be a backup, late is harmless, and a number that is given out
        twice is not.
        """
        self._health.ready("trail", "is being compared with the database")
        while not stopping.is_set():
            if await until_answered(self._may_lead, StoreUnavailable, stopping, "MongoDB"):
                self._tell(waits=False)
                return
            if not stopping.is_set():
                self._tell(waits=True)
                await sleep_unless(stopping, _LOOK_SECONDS)

    async def _may_lead(self) -> bool:
        found = await self._look()
        self._new = found.heartbeat is None and not (await stand(self._database)).sent
        return await self._compare(_FIRST_SECONDS) or self._new or found.in_service

    async def _look(self) -> Service:
        """What is known, while no other trail was begun. Raises TrailAhead, WentBack, SettingsDiffer."""
        found = await self._pulse.look()
        if names := await differing(self._database, self._bound):
            raise SettingsDiffer(names)
        return found

    async def _compare(self, seconds: float) -> bool:
        """False while the trail cannot be read, or tells nothing. Raises TrailAhead, StoreError."""
        try:
            await self._reading.go_on(seconds)
        except _AWAY as error:
            log.warning("the trail cannot be read, trying again", error=told(error))
            return False
        end = self._reader.end()
        if not await judged(self._database, end, partial(compare, end), self._trail):
            self._tell_untold()
            return False
        # Before any event is sent: who has sent one is no new database.
        await self._pulse.renew(compared=True)
        self._compared.set()
        metrics.TRAIL_NOT_COMPARED.set(0)
        return True

    async def watch(self, stopping: asyncio.Event) -> None:
        """Compares as soon as Kafka answers, and looks for a verdict, or whether another trail was begun.

        Raises TrailAhead, WentBack, SettingsDiffer.
        """
        while not await sleep_unless(stopping, _LOOK_SECONDS):
            try:
                await self._look()
                if not self._compared.is_set():
                    await finish_unless(stopping, self._compare(_READ_SECONDS))
            except StoreError as error:
                log.warning("cannot look for a restore", error=str(error))

    async def beat(self, stepping_down: asyncio.Event) -> None:
        """Renews the heartbeat while this worker leads. Raises WentBack.

        A new database has none before it was compared: by that it is known as new.
        """
        while not stepping_down.is_set():
            if self._compared.is_set() or not self._new:
                try:
                    await self._pulse.renew(compared=self._compared.is_set())
                except StoreError as error:
                    log.warning("the heartbeat was not renewed", error=str(error))
            await sleep_unless(stepping_down, _BEAT_SECONDS)

    def once_compared(self, duty: Duty) -> Duty:
        """The duty, begun only when the database agrees with its trail: what is sent cannot be unsent."""

        async def begun(stepping_down: asyncio.Event) -> None:
            await finish_unless(stepping_down, self._compared.wait())
            if not stepping_down.is_set():
                await duty(stepping_down)

        return begun

    def _tell_untold(self) -> None:
        metrics.TRAIL_NOT_COMPARED.set(1)
        now = asyncio.get_running_loop().time()
        if now >= self._say_untold_at:
            self._say_untold_at = now + _REMIND_SECONDS
            log.error(
                "no audit event is sent: the audit topic is missing, or has nothing of this database, though "
                "erasures were sent to it; see docs/operator.md, `The audit topic is empty`",
                topic=self._trail.topic,
            )

    def _tell(self, *, waits: bool) -> None:
        metrics.TRAIL_NOT_COMPARED.set(waits)
        self._health.ready("trail", "waits to be compared with the database" if waits else True)
        now = asyncio.get_running_loop().time()
        if waits and now >= self._say_at:
            self._say_at = now + _REMIND_SECONDS
            log.warning(
                "nothing is erased: the database was silent for over an hour, so it may be a backup, and "
                "nobody knows how the trail ends"
            )
