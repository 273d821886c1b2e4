"""A batch whose header is damaged with the rest: what it says of its own end is not believed."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import GroupCoordinatorNotAvailableError

from runtime.errors import UserError
from runtime.kafka_settings import Kafka
from runtime.order_topic import TopicFacts, order_topic_facts
from runtime.unfetchable import unfetchable
from tests.e2e.deployment import until
from tests.parts import StartKafka
from tests.running_consumer import PATIENCE

pytestmark = pytest.mark.faults

BATCH, BATCHES = 10, 3
_LAST_OFFSET, _RECORDS = 23, 61
"""Places in a batch (Kafka's RecordBatch, version 2): its last offset's distance, and its records."""
DAMAGES: Final = {0: {}, 1: {_LAST_OFFSET + 2: 0x01}, 2: {_LAST_OFFSET + 3: 0x02}}
"""By partition: one in the records alone; an end far beyond the log, and one amid the batch that follows."""


async def make_topic(kafka: Kafka) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.servers)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(kafka.order_topic, len(DAMAGES), 1)])
    finally:
        await admin.close()


async def publish(kafka: Kafka) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka.servers, linger_ms=300) as producer:
        for _ in range(BATCHES):
            sent = [
                await producer.send(kafka.order_topic, b"%d" % number, partition=partition)
                for partition in DAMAGES
                for number in range(BATCH)
            ]
            await asyncio.gather(*sent)


def damage(data: Path, topic: str) -> None:
    """Flips bits in the first batch of each partition."""
    for partition, flips in DAMAGES.items():
        segment = data / f"{topic}-{partition}" / f"{0:020}.log"
        log = bytearray(segment.read_bytes())
        for place, bits in {_RECORDS + 9: 0xFF, **flips}.items():
            log[place] ^= bits
        segment.write_bytes(bytes(log))


async def facts_of(kafka: Kafka) -> TopicFacts:
    """A broker's first question after a group makes it create a topic for groups, and it answers later."""
    found: list[TopicFacts] = []

    async def there() -> bool:
        with suppress(GroupCoordinatorNotAvailableError):
            found.append(await order_topic_facts(kafka, None))
        return bool(found)

    await until(there, PATIENCE, "the facts of the topic")
    return found[0]


async def test_a_range_is_given_up_only_where_a_batch_begins_behind_it(
    own_kafka: StartKafka, topic_names: Callable[[str], str]
) -> None:
    server = await own_kafka()
    kafka = Kafka(bootstrap_servers=server.bootstrap, order_topic=topic_names("orders"))
    await make_topic(kafka)
    await publish(kafka)
    await server.stop()
    damage(server.folder / "data", kafka.order_topic)
    await server.launch()
    facts = await facts_of(kafka)
    assert {each.end for each in facts.partitions.values()} == {BATCH * BATCHES}
    assert (await unfetchable(kafka, facts, 0, 0)).until == BATCH
    for partition in (1, 2):
        with pytest.raises(UserError, match="no batch begins there"):
            await unfetchable(kafka, facts, partition, 0)
