"""The trail that is verified: batches of a thousand erasures by the real templates, as export or topic."""

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaProducer

from audit.checkpoint_book import CheckpointRecord, told
from audit.checkpoints import Checkpoint, range_headers, sign_checkpoint
from audit.keys import seed_key
from audit.merkle import CompactRange
from audit.templates import AuditRecord, expand
from audit.verdict import Batch
from benchmarks.progress import Steps
from cli.audit_writing import Writer
from runtime.kafka import client_options
from runtime.kafka_settings import Kafka
from runtime.settings import Settings
from runtime.topics import ensure_topics
from runtime.trail import PARTITION

BATCH: Final = 1_000
LOG: Final = "order-records"
SEED: Final = bytes(32)
KEY: Final = seed_key(SEED, LOG)
_CHECKPOINT_EVERY: Final = 10
_TOLD_EVERY: Final = 50
_BATCH_BYTES: Final = 256 * 1024
_RETENTION_DAYS: Final = 1460


@dataclass(frozen=True)
class Export:
    """A folder of so many events, and one record of which an event is in their middle."""

    folder: Path
    events: int
    record: str


def entries(events: int) -> Iterator[dict[str, Any]]:
    """Batches of a thousand erasures, as the outbox holds them."""
    now = datetime.now(UTC)
    common = {
        "time": now,
        "template": 1,
        "build": "0.1.0",
        "policyVersion": 3,
        "policyDigest": f"sha256:{'0' * 64}",
    }
    for n in range(1, events // BATCH + 1):
        items = [[str(uuid.uuid4()), 2, now, []] for _ in range(BATCH)]
        kind = "anonymized" if n % 2 else "deleted"
        yield {**common, "_id": str(uuid.uuid4()), "kind": kind, "n": n, "items": items}


def make_export(folder: Path, events: int, steps: Steps) -> Export:
    """As `audit export` would have made it; a checkpoint for every ten batches."""
    folder.mkdir()
    writer, tree, now = Writer(folder), CompactRange(), time.time()
    checkpoints, record = list[CheckpointRecord](), ""
    for made in _batches(events, steps):
        values = [each.value for each in made]
        writer.write_events(Batch(range(tree.size, tree.size + BATCH), values, [int(now * 1000)] * BATCH))
        tree.extend(values)
        if tree.size % (_CHECKPOINT_EVERY * BATCH) == 0 or tree.size == events:
            note = sign_checkpoint(Checkpoint.of(LOG, tree), SEED, int(now))
            checkpoints.append(CheckpointRecord(len(checkpoints), note, range_headers(tree)))
        if tree.size <= max(BATCH, events // 2):
            record = made[-1].key.decode()
    writer.write_checkpoints(checkpoints)
    whole = {
        "log_name": LOG,
        "made_at": told(now),
        "build": "0.1.0",
        "period_from": None,
        "period_to": None,
    }
    edges = {"topic_first": 0, "first": 0, "end": events, "open_end": True}
    writer.finish({**whole, **edges, "retention_days": _RETENTION_DAYS})
    return Export(folder, events, record)


async def fill_topic(kafka: Kafka, events: int, steps: Steps) -> None:
    """Makes the trail's topics, and sends so many events as the relay does. Raises KafkaError, OSError."""
    await ensure_topics(Settings(kafka=kafka))
    producer = AIOKafkaProducer(
        **client_options(kafka), acks="all", compression_type="lz4", max_batch_size=_BATCH_BYTES
    )
    async with producer:
        for made in _batches(events, steps):
            await _send(producer, kafka.audit_topic, made)


async def _send(producer: AIOKafkaProducer, topic: str, records: list[AuditRecord]) -> None:
    batch = producer.create_batch()
    for record in records:
        key_and_value = {"key": record.key, "value": record.value, "timestamp": None}
        if batch.append(**key_and_value) is None:
            await (await producer.send_batch(batch, topic, partition=PARTITION))
            batch = producer.create_batch()
            batch.append(**key_and_value)
    await (await producer.send_batch(batch, topic, partition=PARTITION))


def _batches(events: int, steps: Steps) -> Iterator[list[AuditRecord]]:
    for number, entry in enumerate(entries(events)):
        if number % _TOLD_EVERY == 0:
            steps.begin(f"{number * BATCH:,} of {events:,} events made")
        yield expand(entry, LOG)
