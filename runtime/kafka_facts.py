"""What Kafka tells of topics and the consumer group, for `doctor`. Nothing here changes anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from runtime.consumer_stop import stop_whole
from runtime.kafka import admin_client, client_options
from runtime.kafka_settings import Kafka
from runtime.topics import partition_counts

REQUEST_SECONDS: Final = 3.0
"""Short, so that one server of several that is away leaves time to ask the next."""


@dataclass(frozen=True)
class GroupFacts:
    """How far the consumer group has read the order topic: offsets by partition."""

    members: int
    committed: dict[int, int]
    """Only partitions of which something was committed."""
    first: dict[int, int]
    """The oldest event that is still there."""
    end: dict[int, int]
    """Where the next event will be."""


async def topics(kafka: Kafka) -> dict[str, int]:
    """The partitions of each topic that we may see. Raises KafkaError, OSError, UserError."""
    async with admin_client(kafka, REQUEST_SECONDS) as admin:
        return await partition_counts(admin)


async def topic_configs(kafka: Kafka, names: Sequence[str]) -> dict[str, dict[str, str]]:
    """The settings of each topic, the broker's defaults included; absent and forbidden topics lack.

    Raises KafkaError, OSError, UserError.
    """
    async with admin_client(kafka, REQUEST_SECONDS) as admin:
        wanted = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        answers = [answer.to_object() for answer in await admin.describe_configs(wanted)]
    told = [resource for answer in answers for resource in answer["resources"] if not resource["error_code"]]
    return {
        resource["resource_name"]: {
            entry["config_names"]: entry["config_value"] for entry in resource["config_entries"]
        }
        for resource in told
    }


async def group_facts(kafka: Kafka) -> GroupFacts | None:
    """How the group stands; None where no such group or no order topic is (or may be seen).

    Raises KafkaError, OSError, UserError.
    """
    async with admin_client(kafka, REQUEST_SECONDS) as admin:
        count = (await partition_counts(admin)).get(kafka.order_topic, 0)
        # Looked for first: to ask for the coordinator of any group creates the topic of offsets.
        known = {group[0] for group in await admin.list_consumer_groups()}
        if not count or kafka.group_id not in known:
            return None
        partitions = [TopicPartition(kafka.order_topic, number) for number in range(count)]
        committed = await admin.list_consumer_group_offsets(kafka.group_id, partitions=partitions)
        members = await _members(admin, kafka.group_id)
    first, end = await _bounds(kafka, partitions)
    return GroupFacts(
        members=members,
        committed={tp.partition: known.offset for tp, known in committed.items() if known.offset >= 0},
        first=first,
        end=end,
    )


async def _members(admin: AIOKafkaAdminClient, group: str) -> int:
    answers = [answer.to_object() for answer in await admin.describe_consumer_groups([group])]
    return sum(len(each["members"]) for answer in answers for each in answer["groups"])


async def _bounds(kafka: Kafka, partitions: list[TopicPartition]) -> tuple[dict[int, int], dict[int, int]]:
    consumer = AIOKafkaConsumer(
        **client_options(kafka),
        group_id=None,
        enable_auto_commit=False,
        request_timeout_ms=int(REQUEST_SECONDS * 1000),
    )
    try:
        await consumer.start()
        first = await consumer.beginning_offsets(partitions)
        end = await consumer.end_offsets(partitions)
    finally:
        await stop_whole(consumer, consumer.stop)
    return {tp.partition: at for tp, at in first.items()}, {tp.partition: at for tp, at in end.items()}
