"""Events that were small on the wire: what a compressed record holds is judged by its size here."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

import pytest
from confluent_kafka import Producer

from records.quarantine import MAX_SEALED_BYTES
from tests.running_consumer import Topic, consuming, topic_of

MIB: Final = 2**20
BOMB: Final = 64 * MIB
GOOD: Final = 20


@pytest.fixture
async def topic(
    mongo_uri: str, fresh_database: str, real_kafka: str, topic_names: Callable[[str], str]
) -> AsyncIterator[Topic]:
    async with topic_of(mongo_uri, fresh_database, real_kafka, topic_names) as made:
        await made.make()
        yield made


def send_compressed(topic: Topic, codec: str, value: bytes) -> None:
    """One record, in one batch; the broker takes what is within its limit when it is compressed."""
    failed: list[str] = []

    def answered(error: object, _: object) -> None:
        if error:
            failed.append(str(error))

    producer = Producer(
        {
            "bootstrap.servers": topic.settings.kafka.bootstrap_servers,
            "compression.type": codec,
            "message.max.bytes": 2 * len(value),
            "linger.ms": 0,
        }
    )
    producer.produce(topic.name, value, on_delivery=answered)
    assert producer.flush(30) == 0
    assert failed == []


@pytest.mark.parametrize("codec", ["zstd", "gzip"])
async def test_a_record_that_unpacks_to_64_mib_is_refused_and_those_around_it_are_stored(
    topic: Topic, codec: str
) -> None:
    await topic.publish(GOOD)
    await asyncio.to_thread(send_compressed, topic, codec, bytes(BOMB))
    await topic.publish(GOOD)

    async with consuming(topic):
        await topic.stored(2 * GOOD)
        await topic.read_up_to(2 * GOOD + 1)

    (entry,) = await topic.database.quarantine.find().to_list()
    assert (entry["offset"], entry["reason"]) == (GOOD, "TOO_LARGE")
    assert "sealed" not in entry, f"more than {MAX_SEALED_BYTES} bytes stay on the topic alone"


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_every_codec_of_kafka_is_read(topic: Topic, codec: str) -> None:
    await topic.publish(GOOD)
    await asyncio.to_thread(send_compressed, topic, codec, b"{" + b" " * MIB)

    async with consuming(topic):
        await topic.read_up_to(GOOD + 1)

    (entry,) = await topic.database.quarantine.find().to_list()
    assert (entry["offset"], entry["reason"]) == (GOOD, "TOO_LARGE")
