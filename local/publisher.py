"""Sends sample events to the order topic."""

from types import TracebackType
from typing import Final, Self

from aiokafka import AIOKafkaProducer

from local.samples.forms import SampleEvent
from runtime.kafka import client_options
from runtime.settings import Kafka

_MAX_REQUEST_BYTES: Final = 4 * 2**20


class Publisher:
    """A producer as a careful sender has one: acknowledged by all replicas, keyed by the order.

    Raises KafkaError where no broker answers or one refuses.
    """

    def __init__(self, kafka: Kafka) -> None:
        self._topic = kafka.order_topic
        self._producer = AIOKafkaProducer(
            **client_options(kafka), acks="all", max_request_size=_MAX_REQUEST_BYTES, linger_ms=5
        )

    async def __aenter__(self) -> Self:
        await self._producer.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._producer.stop()

    async def send(self, event: SampleEvent) -> None:
        """Hands the event over; leaving the block waits until all are acknowledged."""
        await self._producer.send(self._topic, event.value, event.key, headers=list(event.headers))
