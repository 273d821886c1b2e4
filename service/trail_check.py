"""Before `consume` reads, the database is compared with the end of the trail: it may be a backup."""

import asyncio
from typing import Final

import structlog

from audit.comparison import EndReader, Known, Verdict, compare
from audit.templates import event_id
from records.mongo.client import Database
from records.mongo.errors import StoreError
from records.mongo.restored import Ahead, Pulse, TrailAhead, mark, stand
from runtime import metrics
from runtime.health import Health
from runtime.process import finish_unless, sleep_unless, told
from runtime.settings import Settings
from runtime.topics import KAFKA_AWAY
from runtime.trail import read_back

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
    say_at = 0.0
    while not stopping.is_set():
        try:
            if await finish_unless(stopping, _known(settings, database, pulse)):
                health.ready("trail", True)
                metrics.TRAIL_NOT_COMPARED.set(0)
                return
            why = "the audit topic is not there, or may not be read"
        except (*KAFKA_AWAY, StoreError) as error:
            why = told(error)
        health.ready("trail", "waits to be compared with the database")
        metrics.TRAIL_NOT_COMPARED.set(1)
        now = asyncio.get_running_loop().time()
        if now >= say_at and not stopping.is_set():
            say_at = now + _REMIND_SECONDS
            log.warning("nothing is read before the database was compared with its audit trail", error=why)
        await sleep_unless(stopping, _AGAIN_SECONDS)


async def _known(settings: Settings, database: Database, pulse: Pulse) -> bool:
    """Whether the database agrees with its trail; or is in service, where the trail cannot be read.

    A new database needs no topic. Raises TrailAhead, WentBack, StoreError, KafkaError, OSError, UserError.
    """
    in_service = (await pulse.look()).in_service
    reader = EndReader(settings.audit.log_name)
    seconds = _READ_SECONDS if not in_service else _SHORT_SECONDS
    try:
        there = await read_back(settings.kafka, reader.take, lambda: reader.found, seconds)
    except KAFKA_AWAY:
        if in_service:
            return True  # its worker compares
        raise
    found, end = await stand(database), reader.end()
    fresh = not found.beaten and found.n == 0
    if not there:
        return fresh or in_service  # else somebody who may see the topic has to compare
    unsent = {n: event_id(entry, 0) for n, entry in found.unsent.items()}
    verdict = compare(end, Known(found.n, found.policy_version, fresh, unsent))
    if verdict is not Verdict.AGREES:
        topic = settings.kafka.audit_topic
        ahead = Ahead(verdict, topic, end.n, end.policy_version, found.n, found.policy_version)
        await mark(database, ahead, settings.audit.log_name)
        raise TrailAhead(ahead)
    await pulse.renew()
    return True
