"""The demo's orders on their way to the topic, and what must become of each."""

import asyncio
import contextlib
import itertools
import re
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from local.demo.waiting import end_task
from local.publisher import Publisher
from local.samples.events import LabelledEvent, sample_events
from records.identity import record_id
from records.keys import RecordKeys
from runtime.process import sleep_unless
from runtime.settings import Settings
from service.events import decode

_DUPLICATES, _BROKEN = 0.05, 0.02
_CHUNK = 50
_FLUSH_SECONDS: Final = 2.0
_SHORT, _IN_AN_ID = 5, 10
_HEX: Final = re.compile(r"[0-9A-Fa-f-]*")


@dataclass
class Sent:
    """What was handed over so far; `personal`: by order id, its texts that tell of somebody."""

    ids: set[str] = field(default_factory=set)
    personal: dict[str, tuple[str, ...]] = field(default_factory=dict)
    events: int = 0
    duplicates: int = 0
    broken: int = 0
    example: str | None = None
    first_at: float | None = None
    task: "asyncio.Task[None] | None" = None

    @property
    def age_seconds(self) -> float:
        """How long ago the first order was sent."""
        return 0.0 if self.first_at is None else time.monotonic() - self.first_at


@contextlib.asynccontextmanager
async def order_stream(settings: Settings, seed: int, orders: int | None, rate: float) -> AsyncIterator[Sent]:
    """Publishes `rate` events a second until the end of the block, or until so many were sent."""
    sent, enough = Sent(), asyncio.Event()
    sent.task = asyncio.create_task(_publish(settings, seed, orders, rate, sent, enough))
    try:
        yield sent
    finally:
        enough.set()
        await end_task(sent.task, _FLUSH_SECONDS)


async def _publish(
    settings: Settings, seed: int, orders: int | None, rate: float, sent: Sent, enough: asyncio.Event
) -> None:
    keys = RecordKeys.derive(settings.secrets.require("id_key"))
    async with Publisher(settings.kafka) as publisher:
        for labelled in itertools.islice(_endless(seed), orders):
            _note(sent, labelled, keys)
            await publisher.send(labelled.event)
            if await sleep_unless(enough, 1 / rate):
                return


def _endless(seed: int) -> Iterator[LabelledEvent]:
    for start in itertools.count(0, _CHUNK):
        yield from sample_events(
            seed, _CHUNK, at=datetime.now(UTC), duplicates=_DUPLICATES, broken=_BROKEN, start=start
        )


def _note(sent: Sent, labelled: LabelledEvent, keys: RecordKeys) -> None:
    """Noted before it is sent: what may have arrived counts."""
    sent.events += 1
    if labelled.kind == "duplicate":
        sent.duplicates += 1
    elif labelled.kind != "valid":
        sent.broken += 1
    else:
        incoming = decode(labelled.event.value, labelled.event.headers)
        if incoming != "skipped":
            identifier = record_id(keys.identity, incoming.natural_key)
            sent.ids.add(identifier)
            sent.first_at = sent.first_at or time.monotonic()
            sent.personal[identifier] = tuple(_personal(incoming.order))
            sent.example = sent.example or (identifier if "consumer" in incoming.order else None)


def _personal(order: Any) -> Iterator[str]:
    """Texts of an order that name or describe somebody, long enough to be found by chance nowhere else."""
    free = [order.get("customAttributes"), *(line.get("customAttributes") for line in order["lineItems"])]
    people = [order.get("consumer"), order.get("origin", {}).get("cashierId"), *free]
    yield from (text for text in texts(people) if _telling(text))


def _telling(text: str) -> bool:
    """Nothing short, and no few hex digits and dashes such as `80-001`: those turn up inside of ids."""
    return len(text) > _SHORT and not (len(text) < _IN_AN_ID and _HEX.fullmatch(text))


def texts(value: Any) -> Iterator[str]:
    """Every text in a JSON value, names of members aside."""
    if isinstance(value, str):
        yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from texts(child)
