"""What must hold for the way in, whatever happened: nothing lost, nothing twice, nothing committed too early.

`watched` samples it while all is running; `check_ingested` looks at the end, when all has recovered.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from aiokafka.errors import KafkaError
from pymongo.errors import PyMongoError

from records.mongo.client import Document
from runtime.kafka import admin_client
from runtime.process import sleep_unless
from tests.e2e.deployment import Deployment, Place, until
from tests.e2e.produced import Produced

RECOVERY_SECONDS: Final = 60.0
"""Within so long after the last fault all is read, without a human."""
SAMPLE_SECONDS: Final = 0.1
_ASK_SECONDS: Final = 5.0
_AWAY: Final = (KafkaError, OSError, TimeoutError, PyMongoError)
_QUARANTINED: Final = "quarantined"


async def committed(deployment: Deployment, group: str | None = None) -> dict[int, int]:
    """The group's committed offset in each partition of the order topic that has one. Raises KafkaError."""
    kafka = deployment.settings.kafka
    async with asyncio.timeout(_ASK_SECONDS), admin_client(kafka, _ASK_SECONDS) as admin:
        found = await admin.list_consumer_group_offsets(group or kafka.group_id)
    return {place.partition: at.offset for place, at in found.items() if place.topic == kafka.order_topic}


@dataclass(frozen=True)
class Durable:
    """The orders that are records or erased ids, and the places of events that are in quarantine."""

    orders: set[str]
    kept: set[Place]

    def places(self, produced: Produced) -> set[Place]:
        """Those of the events that are durable."""
        return {place for place, order in produced.ids.items() if order in self.orders} | self.kept


async def durable(deployment: Deployment) -> Durable:
    """What is durable now. Raises PyMongoError."""
    database = deployment.database
    orders = {row["_id"] async for row in database.records.find({}, {"_id": 1})}
    orders |= {row["_id"] async for row in database.ledger.find({}, {"_id": 1})}
    rows = database.quarantine.find({}, {"partition": 1, "offset": 1})
    return Durable(orders, {(row["partition"], row["offset"]) async for row in rows})


def check_commits(commits: Mapping[int, int], found: Durable, produced: Produced) -> None:
    """No offset is committed beyond an event that is neither stored nor in quarantine."""
    for partition, offset in {*produced.ids, *produced.broken} - found.places(produced):
        told = commits.get(partition, 0)
        assert offset >= told, f"partition {partition}: {told} is committed, {offset} is not durable"


@asynccontextmanager
async def watched(
    deployment: Deployment, produced: Produced, every: float = SAMPLE_SECONDS
) -> AsyncIterator[list[dict[int, int]]]:
    """Holds commits against what is durable, `every` so many seconds; gives the samples so far."""
    samples: list[dict[int, int]] = []
    over = asyncio.Event()

    async def watch() -> None:
        while not over.is_set():
            try:
                commits = await committed(deployment)  # first: what is durable only grows after it
                found = await durable(deployment)
            except _AWAY:
                pass  # a server that is away on purpose says nothing
            else:
                check_commits(commits, found, produced)
                samples.append(commits)
            await sleep_unless(over, every)

    watching = asyncio.create_task(watch())
    try:
        yield samples
    finally:
        over.set()  # and no cancellation: the driver may swallow it, and the loop go on for ever
        await watching
    assert samples, "nothing was sampled"


async def check_ingested(
    deployment: Deployment, produced: Produced, seconds: float = RECOVERY_SECONDS
) -> None:
    """Nothing is lost, nothing is there twice, all is read, and a replay of the topic changes nothing.

    At least one `consume` must be running; it is given so many seconds to recover. No `work` may run.
    """
    await all_read(deployment, produced, seconds)
    check_commits(await committed(deployment), await durable(deployment), produced)
    await check_stored(deployment, produced)
    before = await _everything(deployment)
    replay = f"{deployment.settings.kafka.group_id}-replay"
    consumer = await deployment.start("consume", ORDER_RECORDS_KAFKA__GROUP_ID=replay)
    await all_read(deployment, produced, seconds, replay)
    await consumer.process.end()
    assert await _everything(deployment) == before, "a replay changed something"


async def all_read(
    deployment: Deployment, produced: Produced, seconds: float = RECOVERY_SECONDS, group: str | None = None
) -> None:
    """Waits until every event is committed."""
    ends: dict[int, int] = defaultdict(int)
    for partition, offset in (*produced.ids, *produced.broken):
        ends[partition] = max(ends[partition], offset + 1)

    async def read() -> bool:
        try:
            commits = await committed(deployment, group)
        except _AWAY:
            return False
        return all(commits.get(partition, 0) >= end for partition, end in ends.items())

    await until(read, seconds, "everything read and committed")


async def check_stored(deployment: Deployment, produced: Produced) -> None:
    """One record an order and no other, untouched; one entry and one pointer a broken event and no other."""
    database, topic = deployment.database, deployment.settings.kafka.order_topic
    records = {row["_id"]: row["version"] async for row in database.records.find({}, {"version": 1})}
    erased = {row["_id"] async for row in database.ledger.find({}, {"_id": 1})}
    missing, foreign = produced.orders - records.keys() - erased, records.keys() - produced.orders
    assert not missing, f"{len(missing)} orders are lost"
    assert not foreign, f"{len(foreign)} records are of no order"
    assert set(records.values()) <= {1}, "a record was written twice"
    entries = Counter[Place]()
    async for row in database.quarantine.find({"topic": topic}):
        entries[row["partition"], row["offset"]] += 1
    assert entries == Counter(produced.broken), "in quarantine is not each broken event once"
    pointers = Counter[Place]()
    async for entry in database.outbox.find({"kind": _QUARANTINED}):
        pointers.update((item[1], item[2]) for item in entry["items"])
    assert pointers == Counter(produced.broken), "announced is not each broken event once"


async def _everything(deployment: Deployment) -> dict[str, list[Document]]:
    database = deployment.database
    collections: dict[str, Any] = {
        "records": database.records,
        "quarantine": database.quarantine,
        "outbox": database.outbox,
        "ledger": database.ledger,
    }
    return {name: await each.find().sort("_id", 1).to_list(None) for name, each in collections.items()}
