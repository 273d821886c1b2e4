"""The producer of whoever writes to the trail's topics: begun when it is needed, and anew after a failure.

Not idempotent on purpose: an idempotent aiokafka producer waits for ever when the broker is away, and a
repeat is harmless on both topics (docs/decisions/relay-without-idempotent-producer.md).
"""

import asyncio
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaProducer

from runtime.kafka import client_options
from runtime.kafka_settings import Kafka
from runtime.topics import KAFKA_AWAY

log = structlog.get_logger(__name__)

_REQUEST_MS: Final = 10_000


class TrailProducer:
    """Waits for all replicas' acknowledgements; `options` are aiokafka's, beside ours."""

    def __init__(self, kafka: Kafka, close_seconds: float, **options: Any) -> None:
        self._kafka = kafka
        self._close_seconds = close_seconds
        self._options = options
        self._producer: AIOKafkaProducer | None = None

    @property
    def started(self) -> bool:
        """Whether there is one, so that the next `get` gives it."""
        return self._producer is not None

    async def get(self) -> AIOKafkaProducer:
        """Raises KafkaError, OSError, UserError."""
        if self._producer is None:
            producer = AIOKafkaProducer(
                **client_options(self._kafka),
                acks="all",
                enable_idempotence=False,
                request_timeout_ms=_REQUEST_MS,
                **self._options,
            )
            await producer.start()
            self._producer = producer
        return self._producer

    async def close(self) -> None:
        """Ends the connection; never fails."""
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                async with asyncio.timeout(self._close_seconds):
                    await producer.stop()
            except KAFKA_AWAY as error:
                log.warning("the producer did not close", error=type(error).__name__)
