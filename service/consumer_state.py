"""What aiokafka's consumer keeps to itself, with no public way to it: assignment, positions, fetches."""

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer.fetcher import FetchError, FetchResult
from aiokafka.errors import RecordTooLargeError


def current_assignment(consumer: AIOKafkaConsumer) -> object:
    """Another object after each rebalance, whatever is in it; None before the first."""
    subscription = consumer._subscription.subscription  # noqa: SLF001 - this file's purpose
    return subscription.assignment if subscription is not None else None


def position_of(consumer: AIOKafkaConsumer, partition: TopicPartition) -> int | None:
    """Where the next fetch of a partition begins; None while that is not known, or when another reads it.

    aiokafka's own `position` waits, and takes an error of the group away from whoever is to hear of it.
    """
    if partition not in consumer.assignment():
        return None
    state = consumer._subscription.subscription.assignment.state_value(partition)  # noqa: SLF001
    return state.position if state.has_valid_position else None


def take_back_steps(consumer: AIOKafkaConsumer) -> None:
    """Where aiokafka has stepped over a record because it is cut off, the position is at the record again.

    It does so as soon as the answer comes; whoever commits then would give up the record without a word.
    """
    assignment = consumer._subscription.subscription.assignment  # noqa: SLF001
    for partition, held in consumer._fetcher._records.items():  # noqa: SLF001
        if not isinstance(held, FetchError) or not isinstance(held._error, RecordTooLargeError):  # noqa: SLF001
            continue
        _, _, offset, _ = held._error.args  # noqa: SLF001
        state = assignment.state_value(partition)
        if state is not None and state.has_valid_position and state.position == offset + 1:
            state.consumed_to(offset)


def offset_of_next_record(consumer: AIOKafkaConsumer, partition: TopicPartition) -> int | None:
    """Where the record stands that is decoded next, if something of the partition is in hand.

    Marks of transactions before it hold nothing, but aiokafka passes them only together with a record.
    """
    held = consumer._fetcher._records.get(partition)  # noqa: SLF001
    if isinstance(held, FetchResult) and held.has_more():
        return int(held._partition_records.next_fetch_offset)  # noqa: SLF001
    return None
