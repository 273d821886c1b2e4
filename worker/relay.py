"""The relay: audit events to Kafka, in order, and out of the outbox only once acknowledged.

A repeat is identical to the byte (docs/decisions/relay-without-idempotent-producer.md).
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaProducer

from audit.templates import AuditRecord, OtherTrail, UnknownTemplate, expand
from records.mongo.client import Database
from records.mongo.errors import LeaseLost, StoreError
from records.mongo.outbox import remove, unsent
from runtime import metrics
from runtime.errors import UserError
from runtime.process import sleep_unless, told
from runtime.settings import Settings
from runtime.topics import KAFKA_AWAY, require_topic
from runtime.trail import PARTITION
from worker.producer import LeadersBatch, TopicRefuses, TrailProducer, refusals_named
from worker.throttle import Throttle

log = structlog.get_logger(__name__)

_ENTRIES: Final = 10
_BATCH_BYTES: Final = 256 * 1024
_ACKNOWLEDGE_SECONDS: Final = 30.0
_CLOSE_SECONDS: Final = 5.0
_IDLE_SECONDS: Final = 0.5
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0
_RAN_OUT: Final = "the lease has run out, and another worker may lead"

_WAIT: Final = (*KAFKA_AWAY, TopicRefuses, UnknownTemplate, OtherTrail, StoreError, UserError)


class Relay:
    """Sends what the outbox holds, while it `may_send`; one worker's relay runs at a time.

    Kafka cannot fence a worker that stood still, so this is asked whenever a batch leaves the producer's
    buffer, at each try: what another one has sent long ago is not to come again.
    """

    def __init__(
        self, settings: Settings, database: Database, may_send: Callable[[], bool] = lambda: True
    ) -> None:
        self._kafka = settings.kafka
        self._log_name = settings.audit.log_name
        self._database = database
        self._may_send = may_send
        self._throttle = Throttle(settings.worker.events_per_second)
        self._producer = TrailProducer(settings.kafka, _CLOSE_SECONDS)

    async def run(self, stopping: asyncio.Event) -> None:
        """Sends until `stopping`, waiting while Kafka or MongoDB is away."""
        pause = _FIRST_PAUSE
        try:
            while not stopping.is_set():
                try:
                    sent = await self._send_some(stopping)
                except Exception as error:  # noqa: BLE001 - whatever it is, erasing must go on
                    await self._failed(error)
                    await sleep_unless(stopping, pause)
                    pause = min(2 * pause, _LONGEST_PAUSE)
                else:
                    pause = _FIRST_PAUSE
                    if not sent:
                        await sleep_unless(stopping, _IDLE_SECONDS)
        finally:
            await self._producer.close()

    async def _send_some(self, stopping: asyncio.Event) -> int:
        """Removes what is acknowledged once for all of them: a kill before it repeats so many at most."""
        entries = await unsent(self._database, _ENTRIES)
        acknowledged: list[str] = []
        try:
            for entry in entries:
                if stopping.is_set():
                    break
                await self._send(expand(entry, self._log_name))
                acknowledged.append(entry["_id"])
        finally:
            if acknowledged:
                await remove(self._database, acknowledged)
        return len(entries)

    async def _send(self, records: list[AuditRecord]) -> None:
        """A batch goes when the one before is there: where one is refused, none overtakes it."""
        producer, topic = await self._connected(), self._kafka.audit_topic
        with refusals_named(topic):
            async with asyncio.timeout(_ACKNOWLEDGE_SECONDS):
                for batch in self._batches(records):
                    await asyncio.sleep(self._throttle.wait(batch.record_count()))
                    if await (await producer.send_batch(batch, topic, partition=PARTITION)) is None:
                        raise LeaseLost(_RAN_OUT)
        metrics.AUDIT_EVENTS_SENT.inc(len(records))

    def _batches(self, records: Iterable[AuditRecord]) -> list[LeadersBatch]:
        """Built here: handing events to the producer one by one takes twice the processor time."""
        batches = [LeadersBatch(_BATCH_BYTES, self._may_send)]
        for record in records:
            if not _append(batches[-1], record):
                batches.append(LeadersBatch(_BATCH_BYTES, self._may_send))
                if not _append(batches[-1], record):
                    raise ValueError("an audit event is larger than a batch")
        return batches

    async def _connected(self) -> AIOKafkaProducer:
        if not self._producer.started:
            await self._check_topic()
        return await self._producer.get()

    async def _check_topic(self) -> None:
        partitions = await require_topic(self._kafka, self._kafka.audit_topic)
        if partitions > 1:
            log.error(
                "the audit topic should have one partition: only the first is written", found=partitions
            )

    async def _failed(self, error: Exception) -> None:
        """Nothing is known of what was in flight, so the next try begins with a new producer."""
        metrics.AUDIT_SEND_FAILURES.inc()
        if isinstance(error, _WAIT):
            log.warning("audit events wait in the outbox", error=told(error))
        else:
            log.error("audit events wait in the outbox", exc_info=error)
        await self._producer.close()


def _append(batch: LeadersBatch, record: AuditRecord) -> bool:
    """Whether there was room for it."""
    return batch.append(timestamp=None, key=record.key, value=record.value, headers=_CLOUD_EVENT) is not None


_CLOUD_EVENT: Final[list[tuple[str, Any]]] = [
    ("content-type", b"application/cloudevents+json; charset=UTF-8")
]
