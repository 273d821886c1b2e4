"""The topics: how many partitions there are, and creating those that are absent."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    IncompatibleBrokerVersion,
    InvalidReplicationFactorError,
    KafkaError,
    NoError,
    TopicAlreadyExistsError,
    UnsupportedVersionError,
    for_code,
)

from runtime.errors import UserError
from runtime.kafka import REQUEST_SECONDS, admin_client
from runtime.kafka_settings import Kafka
from runtime.settings import Settings

DEADLINE_SECONDS = 30.0
ORDER_PARTITIONS = 6
# An order may be 1 MiB on both ways in; the topic takes twice that and its framing, or an event that is too
# large could not arrive to be refused (design, section 10).
MIN_ORDER_MESSAGE_BYTES = 2 * 1024 * 1024
ORDER_MESSAGE_BYTES = MIN_ORDER_MESSAGE_BYTES + 64 * 1024
# A checkpoint outlives the events under it: the retention that cuts the head of the audit topic must leave
# the checkpoint from which a verification then begins.
CHECKPOINT_EXTRA_DAYS = 365

BROKER_DEFAULT = -1
ELECTION_POLLS, ELECTION_POLL_SECONDS = 10, 0.2  # a real cluster names a new controller within this

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Topic:
    """A topic as it should be when we create it."""

    name: str
    partitions: int
    config: dict[str, str]


def wanted_topics(settings: Settings) -> list[Topic]:
    """The three topics with the partitions and limits that the design asks for."""
    kafka, days = settings.kafka, settings.audit.retention_days
    return [
        Topic(kafka.order_topic, ORDER_PARTITIONS, {"max.message.bytes": str(ORDER_MESSAGE_BYTES)}),
        Topic(kafka.audit_topic, 1, _kept_for(days)),
        Topic(kafka.checkpoint_topic, 1, _kept_for(days + CHECKPOINT_EXTRA_DAYS)),
    ]


async def ensure_topics(settings: Settings) -> None:
    """Creates the absent ones of the three topics if the settings say so; never changes one that exists.

    aiokafka's alter_configs would reset what it is not given (pitfall A6.8). Raises UserError when a broker
    refuses, KafkaError, OSError or TimeoutError when none answers.
    """
    if not settings.kafka.create_topics:
        return
    async with asyncio.timeout(DEADLINE_SECONDS), admin_client(settings.kafka) as admin:
        present = await partition_counts(admin)
        absent = [topic for topic in wanted_topics(settings) if topic.name not in present]
        if absent and not await _has_controller(admin):
            log.warning("this broker cannot create topics: they appear at their first use")
            return
        created = [topic.name for topic in absent if await _create(admin, topic)]
        # The other brokers learn of a topic a moment later, and nobody tells us.
        while not set(created) <= set(await partition_counts(admin)):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


class TopicMissing(Exception):
    """A topic that does not exist; using it would create one with who knows how many partitions."""

    def __init__(self, topic: str) -> None:
        super().__init__(f"topic {topic} is missing")


KAFKA_AWAY: Final = (KafkaError, OSError, TimeoutError, TopicMissing)
"""What only waiting mends on the side of Kafka."""


async def require_topic(kafka: Kafka, topic: str) -> int:
    """How many partitions a topic has. Raises TopicMissing, and what topic_partitions raises."""
    partitions = await topic_partitions(kafka, topic)
    if not partitions:
        raise TopicMissing(topic)
    return partitions


async def topic_partitions(kafka: Kafka, topic: str) -> int | None:
    """How many partitions a topic has; None when it is absent, and asking does not create it.

    Raises KafkaError, OSError or TimeoutError when no broker answers.
    """
    async with asyncio.timeout(DEADLINE_SECONDS), admin_client(kafka) as admin:
        return (await partition_counts(admin)).get(topic)


async def partition_counts(admin: AIOKafkaAdminClient) -> dict[str, int]:
    """How many partitions each topic has that this client may see; asking creates none."""
    # All topics: asking for one by name makes a broker with auto-creation create it (pitfall A6.7).
    return {topic["topic"]: len(topic["partitions"]) for topic in await admin.describe_topics()}


async def _has_controller(admin: AIOKafkaAdminClient) -> bool:
    """Whether somebody can create topics: the in-process broker names no controller, and aiokafka trips."""
    for _ in range(ELECTION_POLLS):
        cluster = await admin.describe_cluster()
        if cluster["controller_id"] in {broker["node_id"] for broker in cluster["brokers"]}:
            return True
        await asyncio.sleep(ELECTION_POLL_SECONDS)
    return False


async def _create(admin: AIOKafkaAdminClient, topic: Topic) -> bool:
    """Whether the topic is there now; False where the broker cannot create topics at all."""
    error = await _request(admin, topic, replication=BROKER_DEFAULT)
    if error is InvalidReplicationFactorError:
        error = await _request(admin, topic, replication=1)
    if error in {IncompatibleBrokerVersion, UnsupportedVersionError}:
        log.warning("this broker cannot create topics: they appear at their first use", topic=topic.name)
        return False
    if error not in {NoError, TopicAlreadyExistsError}:
        raise UserError(f"topic {topic.name} could not be created: {error.__name__}")
    log.info("topic created", topic=topic.name, partitions=topic.partitions, **topic.config)
    return True


async def _request(admin: AIOKafkaAdminClient, topic: Topic, *, replication: int) -> type[Exception]:
    # NewTopic's own check wants an assignment, if an empty one, beside -1, and none beside a number.
    assignments: dict[int, list[int]] | None = {} if replication == BROKER_DEFAULT else None
    new = NewTopic(topic.name, topic.partitions, replication, assignments, topic.config)
    try:
        response = await admin.create_topics([new], timeout_ms=int(REQUEST_SECONDS * 1000))
    except IncompatibleBrokerVersion as error:
        return type(error)
    code: type[Exception] = for_code(response.topic_errors[0][1])
    return code


def _kept_for(days: int) -> dict[str, str]:
    kept = timedelta(days=days) // timedelta(milliseconds=1)
    # By time alone: a broker's limit by size would cut the trail earlier than the attestations say.
    return {"cleanup.policy": "delete", "retention.ms": str(kept), "retention.bytes": "-1"}
