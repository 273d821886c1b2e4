"""MongoDB is away, and comes back: what `serve` answers meanwhile, and that nobody has to help it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import pytest_asyncio

from local.servers.mongod import Mongod
from local.servers.mongod_binary import find_mongod
from records.mongo.search_indexes import what_is_fast
from runtime.errors import UserError
from tests.api_app import ENDPOINTS, order, places
from tests.parts import ended
from tests.running_serve import ANSWER_SECONDS, RunningServe, running_serve, started_serve

pytestmark = pytest.mark.asyncio(loop_scope="module")

RECOVERY_SECONDS: Final = 10.0
POOL: Final = 100  # the driver's own figure
BODIES: Final[dict[str, Any]] = {
    "POST /api/orderrecords/search": {"query": {}},
    "PUT /api/configurations/orderrecords": {"version": 1, "isOrderRecordsEnabled": True},
    "PUT /api/configurations/gdpr": {"version": 1, "retentionTime": 31},
}


@dataclass(frozen=True)
class Served:
    """A MongoDB of our own, and `serve` on it."""

    mongod: Mongod
    serve: RunningServe

    async def ask(self, method: str, path: str, orders: Sequence[Any]) -> httpx.Response:
        """One request; TimeoutError when its answer is not whole in time."""
        body = BODIES.get(f"{method} {path}", {"operations": orders} if method == "PUT" else None)
        async with asyncio.timeout(ANSWER_SECONDS):
            return await self.serve.client.request(method, path.format(orderRecordId="x"), json=body)

    async def ask_all(self, orders: Sequence[Any]) -> dict[str, httpx.Response]:
        """Every endpoint at the same time."""
        answers = await asyncio.gather(*(self.ask(method, path, orders) for method, path, _ in ENDPOINTS))
        return dict(zip((f"{method} {path}" for method, path, _ in ENDPOINTS), answers, strict=True))

    async def put(self, orders: Sequence[Any]) -> list[str]:
        answered = await self.ask("PUT", "/api/orderrecords", orders)
        assert answered.status_code == 200, answered.text
        return [detail["status"] for detail in answered.json()["details"]]

    async def answers_again(self) -> None:
        """Every endpoint, within the time that an outage may outlast itself."""
        async with asyncio.timeout(RECOVERY_SECONDS):
            while any(each.status_code == 503 for each in (await self.ask_all([order(1)])).values()):
                pass  # the requests themselves take their time


Outage = Callable[[Served], AbstractAsyncContextManager[None]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    try:
        find_mongod()
    except UserError as reason:
        pytest.skip(f"needs a mongod of its own to stop and restart: {reason}")
    folder = tmp_path_factory.mktemp("away")
    mongod = await Mongod.start(folder / "mongod", parameters={"enableTestCommands": "1"})
    async with ended(mongod), running_serve(mongod.uri, "away", folder) as serve:
        served = Served(mongod, serve)
        assert (
            await serve.client.put("/api/configurations/gdpr", json={"version": 0, "retentionTime": 31})
        ).is_success
        yield served


@asynccontextmanager
async def killed(served: Served) -> AsyncIterator[None]:
    await served.mongod.stop(kill=True)
    try:
        yield
    finally:
        await served.mongod.launch()


@asynccontextmanager
async def frozen(served: Served) -> AsyncIterator[None]:
    """Connections are accepted by the system, and nobody answers."""
    assert served.mongod.pid
    os.kill(served.mongod.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(served.mongod.pid, signal.SIGCONT)


@asynccontextmanager
async def without_primary(served: Served) -> AsyncIterator[None]:
    admin = served.serve.database.client.admin
    await admin.command("replSetStepDown", 6, force=True)
    yield
    await asyncio.sleep(2)


@asynccontextmanager
async def exhausted(served: Served) -> AsyncIterator[None]:
    """Every connection of the pool waits for a slow query."""
    admin = served.serve.database.client.admin
    slow = {"failCommands": ["find"], "blockConnection": True, "blockTimeMS": 5_500}
    await admin.command("configureFailPoint", "failCommand", mode="alwaysOn", data=slow)
    many = [asyncio.create_task(served.ask("GET", ENDPOINTS[1][1], ())) for _ in range(POOL + 20)]
    try:
        await asyncio.sleep(0.5)
        yield
        for each in await asyncio.gather(*many):
            assert each.status_code == 503
    finally:
        await admin.command("configureFailPoint", "failCommand", mode="off")


@pytest.mark.parametrize(
    ("outage", "first"),
    [
        pytest.param(killed, 100, id="killed"),
        pytest.param(frozen, 200, id="frozen"),
        pytest.param(exhausted, 300, id="pool exhausted", marks=pytest.mark.faults),
        pytest.param(without_primary, 400, id="no primary", marks=pytest.mark.faults),
    ],
)
async def test_while_mongodb_is_away_every_endpoint_is_503_in_time_and_then_recovers_by_itself(
    served: Served, outage: Outage, first: int
) -> None:
    orders = [order(number) for number in range(first, first + 3)]
    assert await served.put(orders[:1]) == ["CREATED"]
    async with outage(served):
        answers = await served.ask_all(orders)
        ready = await served.serve.health.get("/readyz")
    assert {endpoint: each.status_code for endpoint, each in answers.items()} == dict.fromkeys(answers, 503)
    for each in answers.values():
        assert 1 <= int(each.headers["retry-after"]) <= 5
        assert places(each) == [""]
    assert ready.status_code == 200, "an outage is no reason to take `serve` out of service"

    await served.answers_again()
    assert set(await served.put(orders)) <= {"CREATED", "UNCHANGED"}
    assert await served.put(orders) == ["UNCHANGED"] * 3
    names = [each["tenantOrderRecordId"] for each in orders]
    stored = served.serve.database.records.count_documents({"tenantOrderRecordId": {"$in": names}})
    assert await stored == 3


async def test_serve_that_starts_while_mongodb_is_away_says_so_and_then_answers(
    served: Served, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        async with killed(served):
            serve = await stack.enter_async_context(started_serve(served.mongod.uri, "away", tmp_path))
            starting = Served(served.mongod, serve)
            await opened(serve)
            answers = await starting.ask_all([order(1)])
            assert {answered.status_code for answered in answers.values()} == {503}
            assert {answered.headers["retry-after"] for answered in answers.values()} == {"2"}
            assert "starting" in answers["GET /api/lifecycle"].text
            assert (await serve.health.get("/readyz")).status_code == 503
        await starting.answers_again()
        assert (await serve.health.get("/readyz")).status_code == 200


async def opened(serve: RunningServe) -> None:
    """Waits until its port is open, which takes as long as Python takes to start."""
    async with asyncio.timeout(RECOVERY_SECONDS):
        while True:
            with suppress(httpx.ConnectError):
                await serve.client.get("/")
                return
            await asyncio.sleep(0.1)


async def test_a_list_or_search_that_is_too_slow_is_told_what_to_narrow(served: Served) -> None:
    admin = served.serve.database.client.admin
    too_slow = {"failCommands": ["find"], "errorCode": 50, "appName": "order-records"}
    await admin.command("configureFailPoint", "failCommand", mode="alwaysOn", data=too_slow)
    try:
        answers = await served.ask_all([order(1)])
    finally:
        await admin.command("configureFailPoint", "failCommand", mode="off")
    for endpoint, each in answers.items():
        assert (each.status_code, int(each.headers["retry-after"])) == (503, 2)
        told = each.json()[0].get("description", "")
        helped = endpoint in {"GET /api/orderrecords", "POST /api/orderrecords/search"}
        assert (what_is_fast(indexed=True) in told) == helped, endpoint


@pytest.mark.faults
async def test_a_put_under_which_mongodb_dies_is_refused_whole_and_repeated_without_harm(
    served: Served,
) -> None:
    async def put_until_stored(number: int) -> None:
        for _ in range(50):
            answered = await served.ask("PUT", "/api/orderrecords", [order(number)])
            if answered.status_code == 200:
                assert answered.json()["details"][0]["status"] in {"CREATED", "UNCHANGED"}
                return
            assert answered.status_code == 503, answered.text
            await asyncio.sleep(0.2)
        pytest.fail("never stored")

    async def put_many(first: int) -> None:
        for number in range(first, first + 200):
            await put_until_stored(number)

    before = await served.serve.database.records.count_documents({})
    putting = asyncio.gather(*(put_many(first) for first in range(1000, 2000, 200)))
    for _ in range(3):
        await asyncio.sleep(0.7)
        async with killed(served):
            await asyncio.sleep(0.3)
    await putting
    assert await served.serve.database.records.count_documents({}) == before + 1000
