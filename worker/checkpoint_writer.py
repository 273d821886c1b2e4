"""Checkpoints to Kafka, each acknowledged; a repeat is harmless."""

import asyncio
from typing import Final

from aiokafka import AIOKafkaProducer

from audit.checkpoints import range_headers
from audit.merkle import CompactRange
from runtime.kafka_settings import Kafka
from runtime.trail import PARTITION
from worker.producer import TrailProducer, refusals_named

_ACKNOWLEDGE_SECONDS: Final = 15.0
_CLOSE_SECONDS: Final = 1.5


class CheckpointWriter:
    """Writes to the checkpoint topic; after an error it is to be closed, and begins anew by itself."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self._producer = TrailProducer(kafka, _CLOSE_SECONDS)

    async def write(self, origin: str, note: bytes, tree: CompactRange) -> None:
        """Returns once it is acknowledged.

        Raises TopicRefuses, KafkaError, OSError, TimeoutError, UserError.
        """
        await self._send(await self._producer.get(), origin.encode(), note, range_headers(tree))

    async def _send(
        self, producer: AIOKafkaProducer, key: bytes, note: bytes, headers: list[tuple[str, bytes]]
    ) -> None:
        topic = self._kafka.checkpoint_topic
        with refusals_named(topic):
            async with asyncio.timeout(_ACKNOWLEDGE_SECONDS):
                await producer.send_and_wait(topic, note, key, PARTITION, headers=headers)

    async def close(self) -> None:
        """Ends the connection; never fails."""
        await self._producer.close()
