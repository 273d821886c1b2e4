"""A Kafka broker inside this process, for machines without Java: librdkafka's mock cluster, over real TCP."""

import asyncio
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from runtime.errors import UserError

if TYPE_CHECKING:
    from confluent_kafka import Producer

_ANSWER_SECONDS: Final = 10.0
LIMITS: Final = (
    "good for a demo: a member cannot join a running group, topics have 4 partitions and appear at first use,"
    " so the audit trail is not signed, about 5 MB a partition are kept, all is gone with this process"
)


class InProcessKafka:
    """One broker on 127.0.0.1 that lives as long as this object; `LIMITS` says what it cannot do."""

    def __init__(self, producer: "Producer", bootstrap: str) -> None:
        self._producer: Producer | None = producer
        self.bootstrap = bootstrap

    @classmethod
    async def start(cls) -> Self:
        """Raises UserError when confluent-kafka is not installed."""
        return await asyncio.to_thread(cls._started)

    @classmethod
    def _started(cls) -> Self:
        try:
            from confluent_kafka import Producer  # noqa: PLC0415 - in the extra `local` only
        except ImportError as error:
            raise UserError(
                "the in-process broker needs confluent-kafka: install the extra `local`"
            ) from error
        producer = Producer({"test.mock.num.brokers": 1, "log_level": 3})
        brokers = list(producer.list_topics(timeout=_ANSWER_SECONDS).brokers.values())
        return cls(producer, f"{brokers[0].host}:{brokers[0].port}")

    @property
    def source(self) -> str:
        return f"confluent-kafka's in-process broker on {self.bootstrap} ({LIMITS})"

    async def touch(self, topics: Iterable[str]) -> None:
        """Makes topics appear: nobody can create them here, but asking for one by name is its first use."""
        for topic in topics:
            if self._producer is not None:
                await asyncio.to_thread(self._producer.list_topics, topic, timeout=_ANSWER_SECONDS)

    async def stop(self) -> None:
        """Ends the broker; what it held is gone."""
        self._producer = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
