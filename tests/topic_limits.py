"""How large a batch a topic takes, changed while it is in use."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from runtime.kafka import admin_client
from runtime.kafka_settings import Kafka

LIMIT: Final = "max.message.bytes"
_OF_THE_TOPIC: Final = 1
"""Where a setting comes from: not from the broker's, nor from Kafka's own."""


async def take_up_to(kafka: Kafka, topic: str, size: int) -> None:
    """From now on the topic takes batches of up to so many bytes; its other settings stay."""
    async with admin_client(kafka) as admin:
        await _set(admin, topic, {**await _settings(admin, topic), LIMIT: str(size)})


@asynccontextmanager
async def limited(kafka: Kafka, topic: str, size: int) -> AsyncIterator[None]:
    """Within the block it takes no more; then what it took before."""
    async with admin_client(kafka) as admin:
        before = await _settings(admin, topic)
        await _set(admin, topic, {**before, LIMIT: str(size)})
        try:
            yield
        finally:
            await _set(admin, topic, before)


async def _settings(admin: AIOKafkaAdminClient, topic: str) -> dict[str, str]:
    """Its own ones: who sets one by aiokafka resets all that are not given."""
    (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    (resource,) = answer.to_object()["resources"]
    return {
        entry["config_names"]: entry["config_value"]
        for entry in resource["config_entries"]
        if entry["config_source"] == _OF_THE_TOPIC
    }


async def _set(admin: AIOKafkaAdminClient, topic: str, settings: dict[str, str]) -> None:
    (answer,) = await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, settings)])
    assert [resource["error_code"] for resource in answer.to_object()["resources"]] == [0]
