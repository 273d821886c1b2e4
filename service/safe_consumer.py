"""A Kafka consumer that a single bad partition cannot stop, and that forgets nothing it has fetched."""

import asyncio
import time
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import ConsumerStoppedError

log = structlog.get_logger(__name__)

_PAUSE_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.01


class SafeConsumer(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka ships no types
    """Asks each partition alone, where aiokafka's `getmany` drops what it drained when a later one raises.

    A record that cannot even be fetched (a broken checksum, an unknown codec, a header name that is
    not UTF-8) makes its partition wait, by name in the log; the other partitions go on. Reproduced
    with aiokafka 0.14: docs/decisions/own-poll-loop.md.
    """

    _turn = 0

    async def getmany(
        self, *_: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[ConsumerRecord]]:
        """Records by partition, at most `max_records` together; empty after `timeout_ms` milliseconds."""
        end, limit = time.monotonic() + timeout_ms / 1000, max_records or 1000
        while True:  # bounded by `end`
            fetched = await self._fetch(limit)
            if fetched or time.monotonic() >= end:
                return fetched
            await asyncio.sleep(_POLL_SECONDS)

    async def _fetch(self, limit: int) -> dict[TopicPartition, list[ConsumerRecord]]:
        partitions = sorted(self.assignment())
        self._turn = (self._turn + 1) % max(1, len(partitions))  # another one is first each time
        fetched: dict[TopicPartition, list[ConsumerRecord]] = {}
        for partition in partitions[self._turn :] + partitions[: self._turn]:
            left = limit - sum(map(len, fetched.values()))
            if not left:
                break
            fetched |= await self._fetch_one(partition, left)
        return fetched

    async def _fetch_one(
        self, partition: TopicPartition, limit: int
    ) -> dict[TopicPartition, list[ConsumerRecord]]:
        # aiokafka counts open fetches to know that somebody polls, and miscounts after an error.
        counter = self._subscription
        open_fetches = counter._fetch_count  # noqa: SLF001 - no public way
        try:
            fetched: dict[TopicPartition, list[ConsumerRecord]] = await super().getmany(
                partition, max_records=limit
            )
        except ConsumerStoppedError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the other partitions must go on
            counter._fetch_count, counter._last_fetch_ended = open_fetches, time.monotonic()  # noqa: SLF001
            self._let_wait(partition, error)
            return {}
        return fetched

    def _let_wait(self, partition: TopicPartition, error: Exception) -> None:
        log.error(
            "a record cannot be fetched: its partition waits",
            topic=partition.topic,
            partition=partition.partition,
            error=type(error).__name__,
        )
        if partition in self.assignment():
            self.pause(partition)
            asyncio.get_running_loop().call_later(_PAUSE_SECONDS, self._let_go_on, partition)

    def _let_go_on(self, partition: TopicPartition) -> None:
        if partition in self.assignment():
            self.resume(partition)
