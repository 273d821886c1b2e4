"""A copy of the data folder from before erasures is put back, with real processes; mended through kills."""

import asyncio
import os
import shutil
import signal
import sys
from asyncio.subprocess import PIPE
from datetime import UTC, datetime
from typing import Final

import pytest

from audit.types import LEDGER_REAPPLIED, RECORD_ANONYMIZED, RECORD_DELETED
from local.samples.broken import BROKEN
from local.samples.events import LabelledEvent, sample_events
from local.servers.mongod import Mongod
from records.policy import GdprPolicy
from tests.e2e.checker import TrailFacts, check_nobody_named, check_sequence, read_trail
from tests.e2e.deployment import Deployment, until
from tests.e2e.expected import ids_of, people
from tests.e2e.fixtures import Deploy
from tests.parts import StartMongod
from tests.running_restore import verb
from tests.tokens import AUDIENCE, ISSUER, SECRET

# PyMongo leaves sockets of a server that was stopped to the garbage collector.
pytestmark = [
    pytest.mark.faults,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

SEED: Final = 20_261_127
POLICY: Final = GdprPolicy(retention_time=25, deletion_time_after_retention=10, version=1)
BEFORE, AFTER, KILLS = 1500, 500, 2
PATIENCE: Final = 90.0


async def ended(deployment: Deployment) -> None:
    """Every process of it, in order."""
    await deployment.stack.aclose()


async def named(deployment: Deployment, events: list[LabelledEvent]) -> set[str]:
    return {identifier for identifier in await ids_of(deployment, events) if identifier is not None}


async def stored(deployment: Deployment, orders: int, broken: int) -> None:
    database = deployment.database

    async def there() -> bool:
        held = await database.records.count_documents({}) + await database.ledger.count_documents({})
        return held >= orders and await database.quarantine.count_documents({}) >= broken

    await until(there, PATIENCE, f"{orders} orders stored, {broken} refused")


async def lived(deployment: Deployment) -> None:
    database = deployment.database

    async def over() -> bool:
        sealed = await database.quarantine.count_documents({"sealed": {"$exists": True}})
        left = await database.records.count_documents({}) + await database.outbox.count_documents({})
        return not left and not sealed

    await until(over, PATIENCE, "everything erased and announced")


async def read_to_the_end(deployment: Deployment) -> None:
    """What the group remembers of each partition is all that is on it."""
    database, topic = deployment.database, deployment.settings.kafka.order_topic

    async def there() -> bool:
        named = {"_id": {"$regex": f"^positions/{topic}/"}}
        found = await database.state.find(named).to_list(None)
        return bool(found) and all(row["readTo"] == row["end"] for row in found)

    await until(there, PATIENCE, "read to the end, and remembered")


async def refusals(deployment: Deployment, *names: str) -> dict[str, str]:
    """What each process says when it refuses to run; its exit code is 1."""
    auth = {
        "ORDER_RECORDS_AUTH__ISSUER": ISSUER,
        "ORDER_RECORDS_AUTH__AUDIENCE": AUDIENCE,
        "ORDER_RECORDS_AUTH__HS256_SECRET": SECRET,
        "ORDER_RECORDS_API__PORT": "0",
        "ORDER_RECORDS_HEALTH__PORT": "0",
    }
    said = {}
    for name in names:
        code, _, err = await verb({**deployment.variables, **auth}, name)
        assert code == 1, name
        said[name] = err.strip().splitlines()[-1]
    return said


async def killed_at_work(deployment: Deployment) -> bool:
    """Kills it once it has brought back more than those before it; False where it came to its end first."""
    state = deployment.database.state
    before = await state.find_one({"_id": "restore"}, {"counts": 1})
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli.main", "lifecycle", "reapply", "--actor", "test"),
        env={**os.environ, **deployment.variables},
        stdout=PIPE,
        stderr=PIPE,
    )
    reading = asyncio.create_task(process.communicate())

    async def at_work() -> bool:
        return reading.done() or await state.find_one({"_id": "restore"}, {"counts": 1}) != before

    async with asyncio.timeout(PATIENCE):
        while not await at_work():  # noqa: ASYNC110 - another process sets no event of ours
            await asyncio.sleep(0.002)
    if process.returncode is None:
        process.send_signal(signal.SIGKILL)
    _, err = await reading
    assert process.returncode in {0, -signal.SIGKILL}, err
    return await state.find_one({"_id": "restore"}) is not None


async def replaced(server: Mongod, copy: str) -> None:
    await server.stop()
    shutil.rmtree(server.folder / "data")
    shutil.copytree(copy, server.folder / "data")
    await server.launch()


async def test_a_data_folder_from_before_erasures_is_mended_and_nobody_is_back(
    deployed: Deploy, own_mongod: StartMongod, real_kafka: str
) -> None:
    server = await own_mongod()
    deployment = await deployed(server.uri, real_kafka, POLICY)
    at = datetime.now(UTC)
    events = list(sample_events(SEED, BEFORE + AFTER, at=at, broken=0.02))
    first, later = events[:BEFORE], events[BEFORE:]
    broken = sum(each.kind in BROKEN for each in events)
    ids, early = await named(deployment, events), await named(deployment, first)
    async with asyncio.timeout(400):
        await deployment.start("work")
        await deployment.start("consume")
        await deployment.publish(each.event for each in first)
        await stored(deployment, len(early), sum(each.kind in BROKEN for each in first))
        await ended(deployment)
        await server.stop()
        copy = str(server.folder / "copy")
        shutil.copytree(server.folder / "data", copy)
        await server.launch()

        await deployment.start("work")
        await deployment.start("consume")
        await deployment.publish(each.event for each in later)
        await stored(deployment, len(ids), broken)
        await lived(deployment)
        await ended(deployment)
        before = read_trail(await deployment.audit_values())
        check_sequence(before)

        await replaced(server, copy)
        back = await deployment.database.records.count_documents({})
        assert back > BEFORE / 2, "the copy was made too late to show anything"
        for line in (await refusals(deployment, "work", "consume", "serve")).values():
            assert line.startswith("Error: audit topic ")
            assert line.endswith("run `order-records lifecycle reapply`")
        for _ in range(KILLS):
            assert await killed_at_work(deployment), "it was not killed before its end"
            assert await refusals(deployment, "work")
        code, out, err = await verb(deployment.variables, "lifecycle", "reapply", "--actor", "test", "--json")
        assert (code, err) == (0, ""), err
        assert '"changed": true' in out
        code, out, _ = await verb(deployment.variables, "lifecycle", "reapply", "--actor", "test", "--json")
        assert (code, '"changed": false' in out) == (0, True)

        await deployment.start("work")
        await deployment.start("consume")
        await read_to_the_end(deployment)
        await lived(deployment)
        await replayed(deployment)
        await ended(deployment)
    trail = read_trail(await deployment.audit_values())
    await check(deployment, trail, ids)
    check_nobody_named({"the logs": deployment.logs()}, people(SEED, 200, at))
    assert len(trail.of(LEDGER_REAPPLIED)) == 1


async def replayed(deployment: Deployment) -> None:
    """Another group reads all of the order topic: nothing comes back."""
    group = f"replay-{deployment.settings.kafka.group_id}"
    replaying = await deployment.start("consume", ORDER_RECORDS_KAFKA__GROUP_ID=group)

    async def read() -> bool:
        figures = await replaying.figures()
        lags = [value for name, value in figures.items() if name.startswith("order_records_consumer_lag")]
        return bool(lags) and not sum(lags)

    await until(read, PATIENCE, "the whole topic read again")
    await lived(deployment)


async def check(deployment: Deployment, trail: TrailFacts, ids: set[str]) -> None:
    check_sequence(trail)
    deleted, anonymized = trail.subjects(RECORD_DELETED), trail.subjects(RECORD_ANONYMIZED)
    assert deleted.keys() == ids
    assert anonymized.keys() <= ids
    assert max(deleted.values()) == 2, "nothing was erased again"
    assert {row["_id"] async for row in deployment.database.ledger.find()} == ids
    assert await deployment.database.records.count_documents({}) == 0
