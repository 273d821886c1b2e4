"""`consume` while its broker restarts, is away, is not there yet, or holds batches that nobody can read."""

import asyncio
import struct
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.record.util import calc_crc32c

from local.samples.events import sample_events
from local.servers.apache_kafka import ApacheKafka
from tests.e2e.deployment import Deployment, until
from tests.e2e.expected import ids_of
from tests.e2e.fixtures import LONG, Deploy
from tests.e2e.ingest_checker import all_read, check_ingested, check_stored, committed, watched
from tests.e2e.produced import Produced, with_events
from tests.parts import StartKafka

pytestmark = pytest.mark.faults

BATCH: Final = 10
UNKNOWN_CODEC: Final = 6
_CRC, _ATTRIBUTES, _RECORDS = 17, 21, 61
"""Places in a batch (Kafka's RecordBatch, version 2): its checksum, of all from the attributes on."""


async def restarted(kafka: ApacheKafka) -> None:
    for _ in range(2):
        await kafka.restart()
        await asyncio.sleep(3)


async def killed(kafka: ApacheKafka) -> None:
    await kafka.stop(kill=True)
    await asyncio.sleep(10)
    await kafka.launch()


async def long_away(kafka: ApacheKafka) -> None:
    await kafka.stop(kill=True)
    await asyncio.sleep(30)
    await kafka.launch()


@pytest.mark.parametrize("fault", [restarted, killed, long_away])
async def test_when_the_broker_comes_back_consume_goes_on_and_nothing_is_lost(
    deployed: Deploy, mongo_uri: str, own_kafka: StartKafka, fault: Callable[[ApacheKafka], Awaitable[None]]
) -> None:
    kafka = await own_kafka()
    deployment = await deployed(mongo_uri, kafka.bootstrap, LONG)
    deployment.variables["ORDER_RECORDS_CONSUMER__MAX_RECORDS"] = "50"
    produced = await with_events(deployment, 600)
    async with watched(deployment, produced):
        consumer = await deployment.start_faulty("consume", "stored@3=hang:2")
        await fault(kafka)
        await produced.more(deployment, 100)
        await all_read(deployment, produced)
    assert consumer.process.exit_code() is None
    await check_ingested(deployment, produced)


async def test_started_before_kafka_consume_waits_and_then_reads(
    deployed: Deploy, mongo_uri: str, own_kafka: StartKafka
) -> None:
    kafka = await own_kafka()
    deployment = await deployed(mongo_uri, kafka.bootstrap, LONG)
    produced = await with_events(deployment, 200)
    await kafka.stop()
    consumer = await deployment.start("consume", wait=False)
    assert not await consumer.process.wait(8), consumer.process.last_lines()
    await kafka.launch()
    await all_read(deployment, produced)
    await check_ingested(deployment, produced)


async def test_started_before_its_topic_consume_waits_and_then_reads(
    deployed: Deploy, mongo_uri: str, real_kafka: str
) -> None:
    deployment = await deployed(mongo_uri, real_kafka, LONG)
    consumer = await deployment.start("consume", wait=False, ORDER_RECORDS_KAFKA__CREATE_TOPICS="false")
    assert not await consumer.process.wait(5), consumer.process.last_lines()
    produced = await with_events(deployment, 200)
    await all_read(deployment, produced)
    await check_ingested(deployment, produced)


async def test_a_group_that_is_set_back_to_the_beginning_reads_all_again_and_changes_nothing(
    deployed: Deploy, mongo_uri: str, real_kafka: str
) -> None:
    deployment = await deployed(mongo_uri, real_kafka, LONG)
    produced = await with_events(deployment, 300)
    consumer = await deployment.start("consume")
    await all_read(deployment, produced)
    await consumer.process.end()
    await set_back(deployment)
    assert set((await committed(deployment)).values()) == {0}
    again = await deployment.start("consume")
    await all_read(deployment, produced)

    async def counted() -> bool:  # a batch is counted a moment after it is committed
        return (await again.figures()).get("order_records_events_total:unchanged") == len(produced.ids)

    await until(counted, 10, "every order seen again")
    await check_ingested(deployment, produced)


async def set_back(deployment: Deployment) -> None:
    kafka = deployment.settings.kafka
    partitions = [TopicPartition(kafka.order_topic, number) for number in await committed(deployment)]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka.servers, group_id=kafka.group_id, enable_auto_commit=False
    )
    consumer.assign(partitions)
    await consumer.start()
    try:
        await consumer.commit(dict.fromkeys(partitions, 0))
    finally:
        await consumer.stop()


async def test_beside_a_batch_with_a_bad_checksum_and_one_of_an_unknown_codec_all_others_are_stored(
    deployed: Deploy, mongo_uri: str, own_kafka: StartKafka
) -> None:
    kafka = await own_kafka()
    deployment = await deployed(mongo_uri, kafka.bootstrap, LONG)
    await with_events(deployment, 0)
    produced = Produced()
    for number in range(9):
        partition, batch = divmod(number, 3)
        within_reach = partition == 2 or batch == 0
        await one_batch(deployment, partition, number * BATCH, produced if within_reach else Produced())
    await kafka.stop()
    data, topic = kafka.folder / "data", deployment.settings.kafka.order_topic
    spoil(data / f"{topic}-0", bad_checksum)
    spoil(data / f"{topic}-1", unknown_codec)
    await kafka.launch()
    consumer = await deployment.start("consume")
    await all_read(deployment, produced)

    async def blocked() -> bool:
        figures = await consumer.figures()
        name, topic = "order_records_partition_blocked", deployment.settings.kafka.order_topic
        return [figures.get(f"{name}:{number}:{topic}") for number in range(3)] == [BATCH, BATCH, None]

    await until(blocked, 30, "the offsets of both batches are named")
    await check_stored(deployment, produced)
    commits = {number: offset for number, offset in (await committed(deployment)).items() if offset}
    assert commits == {0: BATCH, 1: BATCH, 2: 3 * BATCH}
    for error in ("CorruptRecordException", "UnsupportedCodecError"):
        assert error in deployment.logs()


async def one_batch(deployment: Deployment, partition: int, start: int, produced: Produced) -> None:
    """Publishes the orders from number `start` on as one batch; `produced` is told of it."""
    kafka = deployment.settings.kafka
    events = list(sample_events(9, BATCH, at=datetime.now(UTC), start=start))
    options = {"linger_ms": 500, "max_batch_size": 2**20}
    async with AIOKafkaProducer(bootstrap_servers=kafka.servers, **options) as producer:
        sent = [
            await producer.send(
                kafka.order_topic,
                each.event.value,
                each.event.key,
                partition=partition,
                headers=list(each.event.headers),
            )
            for each in events
        ]
        places = [(m.partition, m.offset) for m in await asyncio.gather(*sent)]
    for place, identifier in zip(places, await ids_of(deployment, events), strict=True):
        assert identifier is not None
        produced.ids[place] = identifier


def batches(log: bytes) -> Iterator[tuple[int, int]]:
    """Where each batch of a segment begins and ends."""
    start = 0
    while start < len(log):
        (length,) = struct.unpack_from(">i", log, start + 8)
        yield start, start + 12 + length
        start += 12 + length


def bad_checksum(batch: bytearray) -> None:
    batch[_RECORDS + 9] ^= 0xFF


def unknown_codec(batch: bytearray) -> None:
    batch[_ATTRIBUTES + 1] |= UNKNOWN_CODEC
    struct.pack_into(">I", batch, _CRC, calc_crc32c(bytes(batch[_ATTRIBUTES:])))


def spoil(folder: Path, change: Callable[[bytearray], Any]) -> None:
    """Changes the second of three batches of a partition in place."""
    segment = folder / f"{0:020}.log"
    log = bytearray(segment.read_bytes())
    found = list(batches(bytes(log)))
    assert len(found) == 3
    start, end = found[1]
    batch = log[start:end]
    change(batch)
    log[start:end] = batch
    segment.write_bytes(bytes(log))
