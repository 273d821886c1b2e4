"""Which partitions of a consumer have a settled position to be read from; the others wait."""

import asyncio
import math
import time
from collections.abc import Mapping, Sequence
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import ConsumerStoppedError

from records.read_positions import Found
from runtime.process import told
from runtime.topic_id import topic_id
from service.consumer_state import current_assignment
from service.positions import Settle

log = structlog.get_logger(__name__)

_SETTLE_SECONDS: Final = 10.0
_PAUSE_SECONDS: Final = 1.0
_REMIND_SECONDS: Final = 60.0


class Beginnings:
    """Settled once for each assignment, and again for an offset that Kafka does not have any more.

    aiokafka reads every position anew with each assignment, so that is when offsets may be found gone.
    """

    def __init__(self, consumer: AIOKafkaConsumer, settle: Settle) -> None:
        self._consumer = consumer
        self._settle = settle
        self._assignment: object = None
        self._settled: set[TopicPartition] = set()
        self._again_at, self._say_at = -math.inf, -math.inf
        self.topic_id: str | None = None
        """The topic's id when positions were last settled."""

    def find_anew(self, partition: TopicPartition) -> None:
        """The position of this one is no good any more."""
        self._settled.discard(partition)

    def topic_is(self, topic_id: str | None) -> None:
        """Another id than that by which positions were settled makes them positions in another topic."""
        if topic_id is not None and self.topic_id is not None and topic_id != self.topic_id:
            self._settled.clear()

    async def of(self, partitions: Sequence[TopicPartition]) -> list[TopicPartition]:
        """Those of the assigned partitions that may be read from. One that Kafka or MongoDB fails waits."""
        assignment = current_assignment(self._consumer)
        if assignment is not self._assignment:
            self._assignment, self._settled = assignment, set()
        waiting = [each for each in partitions if each not in self._settled]
        if waiting and time.monotonic() >= self._again_at:
            await self._try(waiting)
        return [each for each in partitions if each in self._settled]

    async def _try(self, waiting: Sequence[TopicPartition]) -> None:
        try:
            async with asyncio.timeout(_SETTLE_SECONDS):
                await self._begin(waiting)
        except ConsumerStoppedError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the partitions wait and it is tried again
            self._again_at = time.monotonic() + _PAUSE_SECONDS
            if self._again_at >= self._say_at:
                log.warning("cannot tell where to read from, trying again", error=told(error))
                self._say_at = self._again_at + _REMIND_SECONDS

    async def _begin(self, waiting: Sequence[TopicPartition]) -> None:
        assignment, topic = self._assignment, waiting[0].topic
        identifier = await topic_id(self._consumer._client, topic)  # noqa: SLF001 - no public way
        found = await self._found(waiting, identifier)
        offsets = await self._settle(topic, found)
        if current_assignment(self._consumer) is not assignment:
            return  # another assignment since: these offsets may be another member's
        await self._commit_instead(found, offsets, topic)
        if current_assignment(self._consumer) is not assignment:
            return
        self.topic_id = identifier
        state = self._consumer._subscription.subscription.assignment  # noqa: SLF001
        for partition in waiting:
            known = state.state_value(partition)
            if not known.has_valid_position or known.position != offsets[partition.partition]:
                self._consumer.seek(partition, offsets[partition.partition])
            self._settled.add(partition)

    async def _commit_instead(
        self, found: Mapping[int, Found], offsets: Mapping[int, int], topic: str
    ) -> None:
        """A group's offset that is passed over is of a topic that is gone, or of events that are.

        Whoever settles again, before the first batch is stored, would take it for one of this topic.
        """
        stale = {
            TopicPartition(topic, number): offset
            for number, offset in offsets.items()
            if found[number].committed not in (None, offset)
        }
        if stale:
            await self._consumer.commit(stale)

    async def _found(self, waiting: Sequence[TopicPartition], identifier: str | None) -> dict[int, Found]:
        coordinator = self._consumer._coordinator  # noqa: SLF001
        committed = await coordinator.fetch_committed_offsets(list(waiting))
        first = await self._consumer.beginning_offsets(waiting)
        end = await self._consumer.end_offsets(waiting)
        return {
            each.partition: Found(
                identifier, first[each], end[each], committed[each].offset if each in committed else None
            )
            for each in waiting
        }
