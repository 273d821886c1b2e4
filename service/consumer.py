"""FastStream on aiokafka: batches of events in, offsets committed only after everything is durable.

Every option here is there for a fact that was reproduced: docs/decisions/consumer-options.md.
"""

import asyncio
import dataclasses
import functools
import logging
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import structlog
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage

from records.clock import ClockUntrusted
from records.mongo.errors import StoreError
from runtime import metrics
from runtime.kafka import faststream_security
from runtime.process import sleep_unless
from runtime.settings import Settings
from service.consumer_state import position_of
from service.positions import Positions
from service.safe_consumer import SafeConsumer

log = structlog.get_logger(__name__)

Take = Callable[[Sequence["ConsumerRecord[bytes, bytes]"]], Awaitable[None]]

# Its warnings repeat what was asked for (topics are not created); its errors name failed commits.
_LIBRARY_LOG: Final = logging.getLogger("faststream")
_LIBRARY_LOG.setLevel(logging.ERROR)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 20.0
_DRAIN_SECONDS: Final = 9.0
_JOIN_SECONDS: Final = 40.0
"""Longer than a rebalance takes of a group with a member that is slow."""
_METADATA_MILLISECONDS: Final = 60_000
"""After so long at the latest, partitions that were added are read."""


class RetryLater(Exception):
    """Nothing of this batch is committed: it comes again. FastStream logs this, so it holds no data."""


class _Membership(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """Knows whether the group was joined; the assignment may be empty."""

    joined = False

    async def on_partitions_revoked(self, _: Sequence[TopicPartition]) -> None:
        """The loop is serial and commits its position, so there is nothing to save here."""
        self.joined = False

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        self.joined = True
        metrics.CONSUMER_LAG.clear()
        metrics.CONSUMER_ASSIGNED_PARTITIONS.set(len(assigned))
        log.info("partitions assigned", partitions=sorted(tp.partition for tp in assigned))


class OrderConsumer:
    """Reads the order topic while it is started; start and stop may alternate."""

    def __init__(self, settings: Settings, take: Take, positions: Positions) -> None:
        self._take = take
        self._ending = asyncio.Event()
        self._pause = _FIRST_PAUSE
        self._tries = 0
        self._started = False
        self._membership = _Membership()
        self._guides = {"settle": positions.settle, "step_over": positions.step_over}
        self._broker = _broker(settings)
        self._subscriber = self._subscribe(settings)

    @property
    def running(self) -> bool:
        """Whether events are read, or would be if Kafka answered."""
        return bool(self._subscriber.running)

    @property
    def joined(self) -> bool:
        """Whether the group was joined since the start; the assignment may be empty."""
        return self.running and self._membership.joined

    @property
    def trouble(self) -> str:
        """The error by which Kafka refuses the group or its topic, for as long as it does; else empty."""
        return self._subscriber.consumer.trouble if self._subscriber.consumer else ""

    @property
    def troubled_seconds(self) -> float:
        """For how long Kafka has refused the group or its topic so far; 0 when it does not."""
        return self._subscriber.consumer.troubled_seconds if self._subscriber.consumer else 0.0

    def assigned(self) -> list[int] | None:
        """The partitions of the order topic that it reads; None while it has not joined the group."""
        consumer = self._subscriber.consumer
        if not self.joined or consumer is None:
            return None
        return sorted(partition.partition for partition in consumer.assignment())

    def wanted(self) -> bool:
        """Whether it should be reading: started, and neither stopped nor refused by Kafka since."""
        return self._started and not self._ending.is_set() and not self.trouble

    def blocked(self) -> set[int]:
        """The partitions that wait for a record that cannot be fetched."""
        consumer = self._subscriber.consumer
        return set() if consumer is None else consumer.blocked()

    def stands_still(self, offsets: Mapping[int, int]) -> None:
        """Names partitions from which nothing comes, and the offset at which each waits."""
        if self._subscriber.consumer is not None:
            self._subscriber.consumer.stands_still(offsets)

    def tries(self) -> int:
        """How many batches were kept for a later try so far."""
        return self._tries

    def topic_is(self, topic_id: str | None) -> None:
        """Begins anew when the topic that it reads is not the one it began with."""
        if self.running and self._subscriber.consumer is not None:
            self._subscriber.consumer.beginnings.topic_is(topic_id)

    async def start(self) -> None:
        """Begins to read. Raises KafkaError, OSError or TimeoutError when no broker answers: try again.

        When it is cancelled, `close` ends what was begun.
        """
        self._started = True
        self._ending.clear()
        await self._broker.connect()
        config = self._broker.config.broker_config
        options = config.builder.keywords  # type: ignore[attr-defined]
        config.builder = functools.partial(SafeConsumer, **{**options, **self._guides})
        try:
            async with asyncio.timeout(_JOIN_SECONDS):
                await self._subscriber.start()
        except Exception:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Finishes and commits the batch in hand, unless it waits for a later try, and leaves the group."""
        self._ending.set()
        await self._subscriber.stop()
        self._membership.joined = False
        metrics.CONSUMER_ASSIGNED_PARTITIONS.set(0)

    async def close(self) -> None:
        """Stops, and lets the connection go."""
        self._ending.set()
        await self._broker.stop()

    def measure_lag(self) -> None:
        """Sets the lag of each assigned partition, as far as it is known."""
        consumer = self._subscriber.consumer
        for partition in consumer.assignment() if consumer else ():
            _measure_lag(consumer, partition)

    def _subscribe(self, settings: Settings) -> Any:
        subscriber = self._broker.subscriber(
            settings.kafka.order_topic,
            group_id=settings.kafka.group_id,
            batch=True,
            max_records=settings.consumer.max_records,
            auto_offset_reset="none",
            ack_policy=AckPolicy.NACK_ON_ERROR,
            no_reply=True,
            parser=_parse_no_header,
            decoder=_decode_nothing,
            listener=self._membership,
            session_timeout_ms=10_000,
            heartbeat_interval_ms=1_000,
            rebalance_timeout_ms=30_000,
            max_partition_fetch_bytes=4 * 2**20,
        )
        subscriber(self._handle)
        return subscriber

    async def _handle(self, message: KafkaMessage) -> None:
        try:
            await self._take(message.raw_message)
        except Exception as error:  # noqa: BLE001 - whatever it is, the batch must come again
            await self._wait(error)
            raise RetryLater(type(error).__name__) from None
        self._pause = _FIRST_PAUSE
        metrics.CLOCK_STOPPED.set(0)

    async def _wait(self, error: Exception) -> None:
        """A nack seeks back at once, without a pause of its own; so the pause is here."""
        delay = self._pause * random.uniform(0.5, 1)  # noqa: S311 - jitter, not a secret
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        self._tries += 1
        metrics.RETRIES.inc()
        metrics.CLOCK_STOPPED.set(isinstance(error, ClockUntrusted))
        if isinstance(error, ClockUntrusted):
            log.critical("no event is stored until the clocks agree", reason=str(error))
        elif isinstance(error, StoreError):
            log.warning("not stored, trying again", seconds=round(delay, 1), error=str(error))
        else:
            log.error("not stored, trying again", seconds=round(delay, 1), exc_info=error)
        await sleep_unless(self._ending, delay)


def _broker(settings: Settings) -> KafkaBroker:
    return KafkaBroker(
        settings.kafka.servers,
        security=faststream_security(settings.kafka),
        consumer_only=True,
        allow_auto_create_topics=False,
        graceful_timeout=_DRAIN_SECONDS,
        retry_backoff_ms=500,
        metadata_max_age_ms=_METADATA_MILLISECONDS,
        logger=_LIBRARY_LOG,
    )


def _measure_lag(consumer: SafeConsumer, partition: TopicPartition) -> None:
    position, end = position_of(consumer, partition), consumer.highwater(partition)
    if position is not None and end is not None:
        metrics.CONSUMER_LAG.labels(*partition).set(max(0, end - position))


async def _parse_no_header(batch: Any, original: Callable[[Any], Awaitable[KafkaMessage]]) -> KafkaMessage:
    """The stock parser drops the whole batch for one header that is null or not UTF-8; this looks at none."""
    message = await original((dataclasses.replace(batch[0], headers=()),))
    message.raw_message = batch  # handler and nack work on the whole batch
    return message


async def _decode_nothing(_: KafkaMessage) -> None:
    """The bytes are judged one by one in the handler, where one bad event harms no other."""
