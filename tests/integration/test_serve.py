"""The process `serve` beside its requests: its probes, its figures, and what it takes from strangers."""

import asyncio
import socket
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from records.clock import ClockUntrusted
from records.mongo.client import Database, open_database
from records.mongo.errors import StoreUnavailable
from runtime import metrics, pace
from service import figures
from tests.api_app import ENDPOINTS, own_database
from tests.raw_http import MIB, Answer, answer, request
from tests.running_serve import RunningServe, running_serve
from tests.tokens import good

pytestmark = pytest.mark.asyncio(loop_scope="module")

DAY = timedelta(days=1)
LENGTH = {"Content-Length": str(15 * MIB)}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def serve(mongo_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningServe]:
    """With one record that nobody anonymizes, three days late."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    async with open_database(mongo_uri, name) as database:
        await add_late_record(database)
        try:
            async with running_serve(mongo_uri, name, tmp_path_factory.mktemp("serve")) as running:
                yield running
        finally:
            await database.client.drop_database(name)


async def add_late_record(database: Database) -> None:
    now = datetime.now(UTC)
    dates = {"gdprCleanupDate": now - 3 * DAY, "deletionDate": now + DAY}
    await database.records.insert_one({"_id": "late", "anonymized": False, "version": 1, **dates})


@pytest.mark.parametrize("probe", ["/livez", "/readyz", "/metrics"])
async def test_the_probes_are_on_the_health_port_and_never_on_the_apis(
    serve: RunningServe, probe: str
) -> None:
    assert (await serve.health.get(probe)).status_code == 200
    assert (await serve.client.get(probe)).status_code == 404


async def test_serve_counts_what_is_overdue_without_any_worker(serve: RunningServe) -> None:
    shown = await serve.process.figures()
    assert shown["order_records_overdue:anonymize"] == 1
    assert shown["order_records_oldest_overdue_seconds:anonymize"] >= 3 * 86_400
    assert shown["order_records_overdue:delete"] == 0


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "/api/orderrecords", 401),
        ("POST", "/api/orderrecords/search", 401),
        ("PUT", "/api/configurations/gdpr", 401),
        ("PUT", "/api/elsewhere", 404),
        ("PATCH", "/api/orderrecords", 405),
    ],
)
@pytest.mark.parametrize("token", [None, "Bearer nonsense", "expired"])
async def test_of_a_stranger_no_body_is_waited_for(
    serve: RunningServe, method: str, path: str, status: int, token: str | None
) -> None:
    token = good(exp=1_000_000_000) if token == "expired" else token  # noqa: S105 - a case, not a secret
    refused = await asyncio.to_thread(answer_to_head, serve, method, path, token)
    assert (refused.status, refused.headers["connection"]) == (status, "close")
    assert len(refused.faults) == 1
    assert refused.headers.get("www-authenticate") == ("Bearer" if status == 401 else None)


async def test_who_lacks_the_permission_is_told_so_after_the_body(serve: RunningServe) -> None:
    token = good(permissions=["CONFIG_READ"])
    refused = await serve.client.put("/api/orderrecords", json={}, headers={"Authorization": token})
    assert refused.status_code == 403


async def test_refused_tokens_are_counted_by_a_closed_reason(serve: RunningServe) -> None:
    before = await serve.process.figures()
    headers = {
        "missing": {"Authorization": ""},
        "signature": {"Authorization": good()[:-4] + "AAAA"},
        "permission": {"Authorization": good(permissions=["CONFIG_READ"])},
    }
    for each in headers.values():
        await serve.client.get(ENDPOINTS[0][1], headers=each)
    after = await serve.process.figures()
    for reason in headers:
        name = f"order_records_tokens_refused_total:{reason}"
        assert after[name] == before.get(name, 0) + 1


def answer_to_head(serve: RunningServe, method: str, path: str, token: str | None) -> Answer:
    """What is said to a request whose body never comes."""
    address = serve.client.base_url
    headers = (
        LENGTH | {"Content-Type": "application/json"} | ({} if token is None else {"Authorization": token})
    )
    with socket.create_connection((address.host, address.port or 0), timeout=5) as connection:
        connection.sendall(request(method, path, None, headers))
        return answer(connection)


class Unreliable:
    """A clock that fails in each way in turn, and then shows the time; says when it did so twice."""

    def __init__(self) -> None:
        self.asked = 0
        self.counted = asyncio.Event()

    async def latest(self) -> datetime:
        self.asked += 1
        if self.asked == 1:
            raise StoreUnavailable("deadline exceeded")
        if self.asked == 2:
            raise ZeroDivisionError
        if self.asked > 3:
            self.counted.set()
        return datetime.now(UTC)

    async def now(self) -> datetime:
        raise ClockUntrusted("an hour")


async def test_the_figures_go_on_after_whatever_went_wrong(
    mongo_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(pace, "_LONGEST_PAUSE", 0.01)
    clock, stopping = Unreliable(), asyncio.Event()
    async with own_database(mongo_uri) as database:
        await add_late_record(database)
        watching = asyncio.create_task(figures.watch(database, clock, stopping))
        await asyncio.wait_for(clock.counted.wait(), 5)
        stopping.set()
        await asyncio.wait_for(watching, 5)
    assert metrics.OVERDUE.labels("anonymize")._value.get() == 1
