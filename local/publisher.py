"""Sends sample events to the order topic."""

import asyncio
import contextlib
from types import TracebackType
from typing import Any, Final, Self

from aiokafka import AIOKafkaProducer

from local.samples.forms import SampleEvent
from runtime.kafka import client_options
from runtime.kafka_settings import Kafka

_MAX_REQUEST_BYTES: Final = 4 * 2**20
_GIVE_UP_SECONDS: Final = 1.0


class Publisher:
    """A producer as a careful sender has one: acknowledged by all replicas, keyed by the order.

    Raises KafkaError where no broker answers. The first event that a broker refuses is raised by the next
    `send` or by leaving the block, as KafkaError.
    """

    def __init__(self, kafka: Kafka) -> None:
        self._topic = kafka.order_topic
        self._producer = AIOKafkaProducer(
            **client_options(kafka), acks="all", max_request_size=_MAX_REQUEST_BYTES, linger_ms=5
        )
        self._sent: set[asyncio.Future[Any]] = set()
        self._refusal: BaseException | None = None

    async def __aenter__(self) -> Self:
        try:
            await self._producer.start()
        except BaseException:
            await self._producer.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            # What is on its way is given a moment only: to a broker that is gone it would be 40 s.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GIVE_UP_SECONDS):
                    await self._producer.stop()
            return
        await self._producer.stop()
        await asyncio.gather(*self._sent, return_exceptions=True)
        self._raise_refusal()

    async def send(self, event: SampleEvent) -> None:
        """Hands the event over; leaving the block waits until all are acknowledged."""
        self._raise_refusal()
        sent = await self._producer.send(self._topic, event.value, event.key, headers=list(event.headers))
        self._sent.add(sent)
        sent.add_done_callback(self._note)

    def _note(self, sent: "asyncio.Future[Any]") -> None:
        self._sent.discard(sent)
        if not sent.cancelled():
            refusal = sent.exception()  # asked for also where it is not kept, or asyncio would complain
            self._refusal = self._refusal or refusal

    def _raise_refusal(self) -> None:
        if self._refusal is not None:
            raise self._refusal
