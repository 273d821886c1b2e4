"""What the demo leaves on servers that somebody else runs goes with it."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from aiokafka.errors import KafkaError, for_code

from records.mongo.client import open_database, settle
from records.mongo.errors import StoreError, translated
from runtime.errors import UserError
from runtime.kafka import admin_client
from runtime.settings import load_settings

Say = Callable[[str], None]

_SECONDS: Final = 3.0
_GONE: Final = {"NoError", "UnknownTopicOrPartitionError"}


async def drop_database(uri: str, name: str, say: Say) -> None:
    """Drops the database, and says whether that was done; raises nothing that a server does."""
    try:
        with translated():
            async with asyncio.timeout(_SECONDS), open_database(uri, name) as database:
                await settle(database.client.drop_database(name))
    except StoreError as error:
        say(f"Database {name} could not be dropped ({error}): drop it yourself.")
    else:
        say(f"Dropped database {name}.")


async def drop_topics(variables: Mapping[str, str], say: Say) -> None:
    """Deletes the three topics that the variables name, and says whether that was done.

    Their group stays: without offsets of a topic that is there Kafka lets it expire.
    """
    kafka = load_settings(variables).kafka
    topics = [kafka.order_topic, kafka.audit_topic, kafka.checkpoint_topic]
    try:
        async with asyncio.timeout(_SECONDS), admin_client(kafka) as admin:
            answer = await admin.delete_topics(topics, timeout_ms=int(_SECONDS * 1000))
        refused = {for_code(code).__name__ for _, code in answer.topic_error_codes} - _GONE
    except (KafkaError, OSError, UserError) as error:  # TimeoutError is an OSError
        refused = {type(error).__name__}
    names = ", ".join(topics)
    if refused:
        say(f"Topics {names} could not be deleted ({', '.join(refused)}): delete them yourself.")
    else:
        say(f"Deleted topics {names}.")
