"""The notary: reads the audit topic, and signs how long it is and what it holds.

It needs Kafka, the signing key, and to grow the floor (worker/floor.py). Two at once are harmless: the topic
alone decides which root belongs to which size.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from audit.checkpoints import Checkpoint, sign_checkpoint
from audit.following import Fault, Follower, LastCheckpoints, LogKeys, TrailFault, follow_from
from records.mongo.client import Database
from runtime import metrics
from runtime.environment import variable
from runtime.errors import UserError
from runtime.kafka_settings import Kafka
from runtime.process import finish_unless, sleep_unless, told
from runtime.settings import Settings
from runtime.topics import require_topic
from runtime.trail import PARTITION, UNDECODABLE, Event, partition_reader, read_latest
from worker.checkpoint_writer import CheckpointWriter
from worker.floor import Floor, StoredFloor

log = structlog.get_logger(__name__)

_LOOK_MS: Final = 500
_BATCH: Final = 2_000
"""Read and hashed at one go, in 20 ms: sweeps run in the same process."""
_METADATA_MS: Final = 5_000
_ANSWER_SECONDS: Final = 10.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0
_FAULT_SECONDS: Final = 30.0


@dataclass(frozen=True)
class Pace:
    """When a checkpoint is due, in seconds: at most so often for any event, and for `many` of them.

    Each costs whoever verifies the trail two signatures, so a trickle of events is covered twice a minute.
    """

    apart: float = 30.0
    apart_if_many: float = 5.0
    many: int = 10_000
    gather: float = 1.0
    idle: float = 3_600.0

    def due(self, uncovered: int, waited: float, since_signed: float) -> bool:
        """Whether so many events, the oldest of which has waited so long, are to be covered now."""
        if since_signed >= self.idle:
            return True
        if uncovered >= self.many and since_signed >= self.apart_if_many:
            return True
        return uncovered > 0 and waited >= self.gather and since_signed >= self.apart


_PACE: Final = Pace()


class Notary:
    """Signs what is on the audit topic, as long as that is a whole and what was signed before."""

    def __init__(
        self,
        kafka: Kafka,
        seed: bytes,
        keys: LogKeys,
        pace: Pace = _PACE,
        monotonic: Callable[[], float] = time.monotonic,
        clock: Callable[[], float] = time.time,
        floor: Floor | None = None,
    ) -> None:
        self._kafka, self._seed, self._keys, self._pace = kafka, seed, keys, pace
        self._monotonic, self._clock = monotonic, clock
        self._floor = floor or Floor()
        self._writer = CheckpointWriter(kafka)
        self._pause = _FIRST_PAUSE
        self._signed_size, self._signed_at = 0, float("-inf")
        self._read_at: float | None = None
        self._written_at = 0.0

    async def run(self, stopping: asyncio.Event) -> None:
        """Follows the topic until `stopping`, waiting while Kafka is away; never fails the leader."""
        try:
            while not stopping.is_set():
                try:
                    await finish_unless(stopping, self._follow(stopping))
                except TrailFault as fault:
                    self._found(fault)
                    await self._rest(stopping, _FAULT_SECONDS)
                except Exception as error:  # noqa: BLE001 - whatever it is, erasing on time goes on
                    log.warning("the trail is not signed, trying again", error=told(error))
                    await self._writer.close()
                    await self._rest(stopping, self._pause)
                    self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        finally:
            self._sound()
            metrics.AUDIT_UNCOVERED_SECONDS.set(0)
            await self._writer.close()

    async def _follow(self, stopping: asyncio.Event) -> None:
        """Ends by an error, when it is to stop, or by being cancelled."""
        topic = self._kafka.audit_topic
        _require_one(await require_topic(self._kafka, topic))
        floor = await self._floor.look()
        options = {"auto_offset_reset": "none", "metadata_max_age_ms": _METADATA_MS}
        async with partition_reader(self._kafka, topic, **options) as (reader, first, end):
            found = await self._last_checkpoints(first, LastCheckpoints(self._keys, floor, end))
            follower = follow_from(found, first, await _end(reader, topic), floor)
            self._resume(found, follower)
            reader.seek(TopicPartition(topic, PARTITION), follower.size)
            while not stopping.is_set():
                follower = await self._go_on(reader, follower)

    async def _go_on(self, reader: AIOKafkaConsumer, follower: Follower) -> Follower:
        """A round; which to follow after it. Who has got hold of a retired key can end nothing by it."""
        try:
            await self._round(reader, follower)
        except TrailFault as fault:
            if fault.fault is not Fault.DIFFERENT or follower.compared or follower.instead is None:
                raise
            follower = follower.instead
            log.warning("a retired key has signed another trail", reading_from=follower.size)
            reader.seek(TopicPartition(self._kafka.audit_topic, PARTITION), follower.size)
        return follower

    async def _last_checkpoints(self, first: int, found: LastCheckpoints) -> LastCheckpoints:

        def take(record: Event) -> None:
            found.take(record.value, record.headers)

        await read_latest(self._kafka, self._kafka.checkpoint_topic, take, lambda: found.enough(first))
        return found

    def _resume(self, found: LastCheckpoints, follower: Follower) -> None:
        """What the last checkpoint covers needs no new one; a key that has signed none signs at once."""
        self._read_at = None
        last = found.last
        self._signed_size = 0 if last is None else last.size
        self._signed_at = float("-inf")
        if last is not None and last.signed.signed_at is not None and found.signed_by_current:
            self._signed_at = self._monotonic() - max(0.0, self._clock() - last.signed.signed_at)
            _show(last.size, last.signed.signed_at)
        log.info("following the trail", signed=self._signed_size, reading_from=follower.size)

    async def _round(self, reader: AIOKafkaConsumer, follower: Follower) -> None:
        partition = TopicPartition(self._kafka.audit_topic, PARTITION)
        try:
            found = await reader.getmany(partition, timeout_ms=_LOOK_MS, max_records=_BATCH)
        except UNDECODABLE:
            text = f"an event after the first {follower.size} cannot be decoded"
            raise TrailFault(Fault.UNREADABLE, text) from None
        events = found.get(partition, [])
        follower.take([event.offset for event in events], [event.value for event in events])
        follower.require_position(await reader.position(partition))
        _require_one(len(reader.partitions_for_topic(partition.topic) or ()))
        self._note(events)
        if follower.compared:
            self._sound()
            if self._pace.due(follower.size - self._signed_size, self._waited(), self._since_signed()):
                await self._sign(follower)
        self._tell()

    def _note(self, events: list[Event]) -> None:
        """Remembers the oldest event that no checkpoint covers: when it was read, and written."""
        if self._read_at is None:
            for event in events:
                if event.offset >= self._signed_size:
                    now = self._clock()
                    self._read_at = self._monotonic()
                    self._written_at = now if event.timestamp < 0 else event.timestamp / 1000
                    return

    def _since_signed(self) -> float:
        return self._monotonic() - self._signed_at

    def _waited(self) -> float:
        """How long it has waited; a time that its writer has set is believed only where it is longer."""
        if self._read_at is None:
            return 0.0
        return max(self._monotonic() - self._read_at, self._clock() - self._written_at)

    async def _sign(self, follower: Follower) -> None:
        tree, signed_at = follower.snapshot(), self._clock()
        checkpoint = Checkpoint.of(self._keys.current.name, tree)
        await self._floor.raise_to(checkpoint)
        value = sign_checkpoint(checkpoint, self._seed, int(signed_at))
        await self._writer.write(checkpoint.origin, value, tree)
        self._signed_size, self._signed_at, self._read_at = checkpoint.size, self._monotonic(), None
        self._pause = _FIRST_PAUSE
        _show(checkpoint.size, signed_at)
        log.debug("checkpoint signed", size=checkpoint.size)

    def _found(self, fault: TrailFault) -> None:
        log.error("the trail is not signed any more", fault=fault.fault, found=str(fault))
        for each in Fault:
            metrics.AUDIT_FAULT.labels(each.lower()).set(each is fault.fault)

    def _sound(self) -> None:
        for each in Fault:
            metrics.AUDIT_FAULT.labels(each.lower()).set(0)

    async def _rest(self, stopping: asyncio.Event, seconds: float) -> None:
        self._tell()
        await sleep_unless(stopping, seconds)
        self._tell()

    def _tell(self) -> None:
        metrics.AUDIT_UNCOVERED_SECONDS.set(self._waited())


def notary_of(settings: Settings, database: Database | None = None) -> Notary:
    """The notary of these settings; without a database it remembers for its own life what it has signed.

    Raises UserError, naming the variable that is missing or wrong.
    """
    seed, audit = settings.secrets.require("audit_signing_key"), settings.audit
    try:
        keys = LogKeys.of(seed, audit.log_name, audit.public_keys)
    except ValueError as error:
        raise UserError(f"{variable('audit', 'public_keys')}: {error}") from None
    floor = None if database is None else StoredFloor(database, audit.log_name)
    return Notary(settings.kafka, seed, keys, floor=floor)


def _show(size: int, signed_at: float) -> None:
    metrics.AUDIT_SIGNED_SIZE.set(size)
    metrics.AUDIT_LAST_CHECKPOINT.set(signed_at)


def _require_one(partitions: int) -> None:
    """Raises TrailFault: with a second partition an offset is no place in the trail."""
    if partitions > 1:
        raise TrailFault(Fault.PARTITIONS, f"the audit topic has {partitions} partitions")


async def _end(reader: AIOKafkaConsumer, topic: str) -> int:
    """Asked once the checkpoints are read: another notary may have signed more meanwhile."""
    partition = TopicPartition(topic, PARTITION)
    async with asyncio.timeout(_ANSWER_SECONDS):
        end: int = (await reader.end_offsets([partition]))[partition]
    return end
