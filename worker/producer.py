"""The producer of whoever writes to the trail's topics: begun when it is needed, and anew after a failure.

Not idempotent on purpose: an idempotent aiokafka producer waits for ever when the broker is away, and a
repeat is harmless on both topics (docs/decisions/relay-without-idempotent-producer.md).
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaError,
    MessageSizeTooLargeError,
    NotEnoughReplicasAfterAppendError,
    NotEnoughReplicasError,
    TopicAuthorizationFailedError,
)
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatch

from runtime.kafka import client_options
from runtime.kafka_settings import Kafka
from runtime.topics import KAFKA_AWAY

log = structlog.get_logger(__name__)

_REQUEST_MS: Final = 10_000
_TOO_FEW: Final = "fewer of its replicas are in sync than its min.insync.replicas asks for"
_CAUSES: Final[dict[type[KafkaError], str]] = {
    TopicAuthorizationFailedError: "this user has no right to write to it",
    MessageSizeTooLargeError: "its max.message.bytes is too small",
    NotEnoughReplicasError: _TOO_FEW,
    NotEnoughReplicasAfterAppendError: _TOO_FEW,
}


class TopicRefuses(Exception):
    """A topic takes nothing, for a cause that somebody has to mend; the text names both."""

    def __init__(self, topic: str, cause: str) -> None:
        super().__init__(f"topic {topic} refuses: {cause}")


@contextmanager
def refusals_named(topic: str) -> Iterator[None]:
    """Sending to the topic: what it refuses for a cause known here is raised as TopicRefuses."""
    try:
        yield
    except tuple(_CAUSES) as error:
        raise TopicRefuses(topic, _CAUSES[type(error)]) from error


class LeadersBatch(BatchBuilder):  # type: ignore[misc]  # the library has no types
    """A batch, packed by lz4, that counts as empty once its sender may not send any more.

    aiokafka asks how many records there are whenever it takes a batch out of its buffer, at the first try, at
    another one, and when it ends. It drops an empty one; what is awaited is then None.
    """

    def __init__(self, size: int, may_send: Callable[[], bool]) -> None:
        super().__init__(size, DefaultRecordBatch.CODEC_LZ4, is_transactional=False)
        self._may_send = may_send

    def record_count(self) -> int:
        """0 where nothing is to be sent."""
        count: int = super().record_count()
        return count if self._may_send() else 0


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
