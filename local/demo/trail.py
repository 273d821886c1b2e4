"""What the audit topic says, collected as it is written."""

import asyncio
import contextlib
import json
import time
from collections import Counter, deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from pydantic import TypeAdapter, ValidationError

from audit.events import AuditEvent
from audit.merkle import leaf_hash
from audit.types import EVENT_QUARANTINED
from local.demo.waiting import end_task
from records.mongo.sweep import NEVER_ANONYMIZED
from runtime.kafka import client_options
from runtime.settings import Settings

_SCHEMA: TypeAdapter[Any] = TypeAdapter(AuditEvent)
_SHOWN = 5
_STOP_SECONDS = 1.0


@dataclass
class Trail:
    """The audit events so far, repeats removed."""

    values: dict[str, bytes] = field(default_factory=dict)
    leaves: list[bytes] = field(default_factory=list)
    """Of every record, repeats too: what checkpoints cover."""
    began: float = field(default_factory=time.time)
    acts: dict[str, Counter[str]] = field(default_factory=dict)
    newest: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_SHOWN))
    repeats: int = 0
    early: int = 0
    malformed: int = 0
    quarantined_at: dict[str, datetime] = field(default_factory=dict)
    never_anonymized: set[str] = field(default_factory=set)
    task: "asyncio.Task[None] | None" = None

    def add(self, value: bytes) -> None:
        """Takes one record of the topic."""
        self.leaves.append(leaf_hash(value))
        event = json.loads(value)
        if event["id"] in self.values:
            self.repeats += 1
            self.malformed += self.values[event["id"]] != value  # a repeat is identical to the byte
            return
        self.values[event["id"]] = value
        self.newest.append(event)
        self.acts.setdefault(event["type"], Counter())[event["subject"]] += 1
        if event["type"] == EVENT_QUARANTINED:
            self.quarantined_at[event["subject"]] = datetime.fromisoformat(event["time"])
        if NEVER_ANONYMIZED in event["data"].get("flags", ()):
            self.never_anonymized.add(event["subject"])
        self.early += event["data"].get("due", "") > event["time"]
        try:
            _SCHEMA.validate_json(value)
        except ValidationError:
            self.malformed += 1

    def subjects(self, event_type: str) -> Counter[str]:
        """How often each subject was announced with this type."""
        return self.acts.get(event_type, Counter())


@contextlib.asynccontextmanager
async def collected_trail(settings: Settings) -> AsyncIterator[Trail]:
    """The trail from its first record on, growing until the end of the block."""
    trail = Trail()
    trail.task = asyncio.create_task(_collect(settings, trail))
    try:
        yield trail
    finally:
        await end_task(trail.task, cancel_seconds=_STOP_SECONDS)


async def _collect(settings: Settings, trail: Trail) -> None:
    partition = TopicPartition(settings.kafka.audit_topic, 0)
    while True:  # ends by being cancelled
        consumer = AIOKafkaConsumer(**client_options(settings.kafka), enable_auto_commit=False)
        try:
            await consumer.start()
            consumer.assign([partition])
            consumer.seek(partition, len(trail.values) + trail.repeats)
            while True:
                for record in (await consumer.getmany(timeout_ms=500)).get(partition, ()):
                    trail.add(record.value or b"")
        except (KafkaError, OSError):
            await asyncio.sleep(1)
        finally:
            await consumer.stop()
