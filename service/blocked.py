"""Partitions held up by a record that cannot be fetched: which, at what offset, and how to go on."""

from collections.abc import Collection, Iterator, Sequence

import structlog
from aiokafka import ConsumerRecord, TopicPartition

from runtime import metrics

log = structlog.get_logger(__name__)


class BlockedPartitions:
    """After a failed fetch a partition gives its records singly, until the bad one is first or passed."""

    def __init__(self, chunk: int) -> None:
        self._chunk = chunk
        self._singly: dict[TopicPartition, int] = {}
        self._blocked: dict[TopicPartition, int] = {}

    def __iter__(self) -> Iterator[TopicPartition]:
        """Those that wait now."""
        return iter(self._blocked)

    def at_once(self, partition: TopicPartition) -> int:
        """How many records the next fetch of a partition may ask for."""
        return 1 if partition in self._singly else self._chunk

    def failed(self, partition: TopicPartition) -> bool:
        """Whether the next record itself is the bad one; else those before it are to be fetched singly."""
        known = partition in self._singly
        self._singly[partition] = self._chunk
        return known

    def blocked(self, partition: TopicPartition, offset: int, error: Exception) -> None:
        """Says so in the log and in the figures."""
        self._tell(partition, offset, "a record cannot be fetched: its partition waits", type(error).__name__)

    def stands_still(self, partition: TopicPartition, offset: int) -> None:
        """Nothing comes of it while others are read: says so, too. Which error there is, nobody has told."""
        self._tell(partition, offset, "nothing comes from a partition while others are read: it waits", None)

    def _tell(self, partition: TopicPartition, offset: int, line: str, error: str | None) -> None:
        self._blocked[partition] = offset
        metrics.PARTITION_BLOCKED.labels(*partition).set(offset)
        place = {"topic": partition.topic, "partition": partition.partition, "offset": offset}
        log.error(line, **place, **({} if error is None else {"error": error}))

    def stepped_over(self, partition: TopicPartition) -> None:
        """What held it up is passed."""
        self._singly.pop(partition, None)
        if partition in self._blocked:
            self._goes_on(partition)

    def fetched(self, partition: TopicPartition, records: Sequence[ConsumerRecord]) -> None:
        """Counts what came since a failure: past the bad record all is as before."""
        if partition in self._singly:
            self._singly[partition] -= len(records)
            if self._singly[partition] <= 0:
                del self._singly[partition]
        if records[-1].offset >= self._blocked.get(partition, records[-1].offset + 1):
            self._goes_on(partition)

    def keep(self, assigned: Collection[TopicPartition]) -> None:
        """Forgets the partitions that others read now."""
        for partition in self._singly.keys() - assigned:
            del self._singly[partition]
        for partition in self._blocked.keys() - assigned:
            self._goes_on(partition)

    def _goes_on(self, partition: TopicPartition) -> None:
        del self._blocked[partition]
        metrics.PARTITION_BLOCKED.remove(*partition)
