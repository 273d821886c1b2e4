"""A record that cannot be fetched: what stands before it is asked for singly, and its offset is named."""

from typing import Any, cast

import structlog
from aiokafka import ConsumerRecord, TopicPartition

from runtime.metrics import REGISTRY
from service.blocked import BlockedPartitions

PARTITION = TopicPartition("orders-blocked", 3)


class _Record:
    def __init__(self, offset: int) -> None:
        self.offset = offset


def records(*offsets: int) -> list[ConsumerRecord[Any, Any]]:
    return [cast("ConsumerRecord[Any, Any]", _Record(offset)) for offset in offsets]


def figure() -> float | None:
    labels = {"topic": PARTITION.topic, "partition": str(PARTITION.partition)}
    return REGISTRY.get_sample_value("order_records_partition_blocked", labels)


def test_after_a_failure_records_come_singly_until_a_chunk_has_passed() -> None:
    partitions = BlockedPartitions(3)
    assert partitions.at_once(PARTITION) == 3
    assert partitions.failed(PARTITION) is False
    for offset in range(3):
        assert partitions.at_once(PARTITION) == 1
        partitions.fetched(PARTITION, records(offset))
    assert partitions.at_once(PARTITION) == 3


def test_a_failure_with_nothing_before_it_names_the_offset_until_that_is_passed() -> None:
    partitions = BlockedPartitions(3)
    partitions.failed(PARTITION)
    partitions.fetched(PARTITION, records(49))
    assert partitions.failed(PARTITION) is True
    partitions.blocked(PARTITION, 50, UnicodeDecodeError("utf-8", b"", 0, 1, ""))
    assert figure() == 50
    partitions.fetched(PARTITION, records(48, 49))  # a batch that comes again
    assert figure() == 50
    partitions.fetched(PARTITION, records(50))
    assert figure() is None


def test_a_partition_that_stands_still_is_named_until_it_goes_on() -> None:
    partitions = BlockedPartitions(3)
    with structlog.testing.capture_logs() as lines:
        partitions.stands_still(PARTITION, 50)
    (line,) = lines
    assert (line["topic"], line["partition"], line["offset"]) == (*PARTITION, 50)
    assert (list(partitions), figure()) == ([PARTITION], 50)
    partitions.fetched(PARTITION, records(50))
    assert (list(partitions), figure()) == ([], None)


def test_a_partition_that_another_member_reads_is_forgotten() -> None:
    partitions = BlockedPartitions(3)
    partitions.failed(PARTITION)
    partitions.blocked(PARTITION, 50, OSError())
    partitions.keep([PARTITION])
    assert figure() == 50
    partitions.keep([])
    assert figure() is None
    assert partitions.at_once(PARTITION) == 3
