"""What a test has published to the order topic, place by place, and what must become of it."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from local.samples.broken import BROKEN
from local.samples.events import LabelledEvent, sample_events
from records.mongo.indexes import build_indexes
from runtime.topics import ensure_topics
from tests.e2e.deployment import Deployment, Place
from tests.e2e.expected import ids_of

SEED: Final = 6


@dataclass
class Produced:
    """Ids of orders that must be stored, and places of events that must be refused."""

    ids: dict[Place, str] = field(default_factory=dict)
    broken: set[Place] = field(default_factory=set)

    async def publish(self, deployment: Deployment, events: Iterable[LabelledEvent]) -> None:
        """Publishes them, and remembers where each one is."""
        labelled = list(events)
        places = await deployment.publish(each.event for each in labelled)
        ids = await ids_of(deployment, labelled)
        for each, place, identifier in zip(labelled, places, ids, strict=True):
            if identifier is not None:
                self.ids[place] = identifier
            else:
                assert each.kind in BROKEN
                self.broken.add(place)

    async def more(
        self, deployment: Deployment, count: int, *, duplicates: float = 0.1, broken: float = 0.05
    ) -> None:
        """Publishes so many new ones, with these shares of repeats and of broken ones."""
        now, start = datetime.now(UTC), len(self)
        events = sample_events(SEED, count, at=now, duplicates=duplicates, broken=broken, start=start)
        await self.publish(deployment, events)

    @property
    def orders(self) -> set[str]:
        return set(self.ids.values())

    def __len__(self) -> int:
        return len(self.ids) + len(self.broken)


@asynccontextmanager
async def loaded(deployment: Deployment, produced: Produced, chunk: int = 50) -> AsyncIterator[None]:
    """Publishes so many events twice a second, all through the block."""
    over = asyncio.Event()

    async def publish() -> None:
        while not over.is_set():
            await produced.more(deployment, chunk)
            await asyncio.sleep(0.5)

    publishing = asyncio.create_task(publish())
    try:
        yield
    finally:
        over.set()
        await publishing


async def with_events(
    deployment: Deployment, count: int, *, duplicates: float = 0.1, broken: float = 0.05
) -> Produced:
    """Makes the indexes and the topic of a deployment of which nothing runs yet; so many events on it."""
    await ensure_topics(deployment.settings)
    await build_indexes(deployment.database)
    produced = Produced()
    await produced.more(deployment, count, duplicates=duplicates, broken=broken)
    return produced
