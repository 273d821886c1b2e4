"""Checkpoints to Kafka: not idempotent, as the relay; a repeat is harmless, waiting for ever is not."""

import asyncio
from typing import Final

import structlog
from aiokafka import AIOKafkaProducer

from audit.checkpoints import range_headers
from audit.merkle import CompactRange
from runtime.kafka import client_options
from runtime.kafka_settings import Kafka
from runtime.topics import KAFKA_AWAY
from runtime.trail import PARTITION

log = structlog.get_logger(__name__)

_REQUEST_MS: Final = 10_000
_ACKNOWLEDGE_SECONDS: Final = 15.0
_CLOSE_SECONDS: Final = 1.5


class CheckpointWriter:
    """Writes to the checkpoint topic; after an error it is to be closed, and begins anew by itself."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self._producer: AIOKafkaProducer | None = None

    async def write(self, origin: str, note: bytes, tree: CompactRange) -> None:
        """Returns once it is acknowledged. Raises KafkaError, OSError, TimeoutError, UserError."""
        producer = await self._connected()
        async with asyncio.timeout(_ACKNOWLEDGE_SECONDS):
            await producer.send_and_wait(
                self._kafka.checkpoint_topic, note, origin.encode(), PARTITION, headers=range_headers(tree)
            )

    async def close(self) -> None:
        """Ends the connection; never fails."""
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await producer.stop()
            except KAFKA_AWAY as error:
                log.warning("the producer did not close", error=type(error).__name__)

    async def _connected(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                **client_options(self._kafka),
                acks="all",
                enable_idempotence=False,
                request_timeout_ms=_REQUEST_MS,
            )
            await producer.start()
            self._producer = producer
        return self._producer
