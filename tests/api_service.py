"""The API with a clock that the test moves, over a real MongoDB, and the sweeps by the same clock."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import httpx

from records.mongo.client import Database
from records.mongo.lease import Lease
from records.mongo.outbox import Stamp
from records.mongo.sweep import Action, SweepContext, sweep
from tests.api_app import ALL, client_of, context
from tests.api_model import POLICY_DAY, START
from tests.tokens import good

Json = dict[str, Any]

_STAMP: Final = Stamp("test", 0, f"sha256:{'0' * 64}")
_HOURS: Final = 3600


@dataclass
class MovedClock:
    """The time that the test says, in UTC; the service's, and the sweep's cutoff."""

    time: datetime = START

    async def now(self) -> datetime:
        return self.time

    async def latest(self) -> datetime:
        return self.time

    def cutoff(self, _mongo: datetime) -> datetime:
        return self.time


@dataclass(frozen=True)
class Service:
    """Calls of the API that are answered with 200, and the worker's two acts."""

    database: Database
    client: httpx.AsyncClient
    sweeps: SweepContext
    clock: MovedClock

    async def put(self, operations: list[Any], key: str | None = None) -> Json:
        headers = {} if key is None else {"Idempotency-Key": key}
        return _content(
            await self.client.put("/api/orderrecords", json={"operations": operations}, headers=headers)
        )

    async def search(self, body: Json) -> Json:
        return _content(await self.client.post("/api/orderrecords/search", json=body))

    async def list(self, **parameters: Any) -> Json:
        given = {name: value for name, value in parameters.items() if value is not None}
        return _content(await self.client.get("/api/orderrecords", params=given))

    async def get(self, identifier: str) -> httpx.Response:
        return await self.client.get(f"/api/orderrecords/{identifier}")

    async def sweep(self, action: Action, limit: int) -> set[str]:
        """One step of a sweep; the ids of what it changed."""
        return set(await sweep(self.sweeps, action, limit))

    async def empty(self) -> None:
        self.clock.time = START
        for collection in (self.database.records, self.database.outbox, self.database.ledger):
            await collection.delete_many({})


def _content(answer: httpx.Response) -> Json:
    assert answer.status_code == 200, answer.text
    content: Json = answer.json()
    return content


@asynccontextmanager
async def serving(database: Database) -> AsyncIterator[Service]:
    """The service on this database, whose indexes are there and whose orders are enabled."""
    clock = MovedClock()
    api = replace(context(database, day=POLICY_DAY), clock=clock)
    async with database.session() as session, client_of(api) as client:
        client.headers["Authorization"] = good(permissions=ALL, exp=int(time.time()) + 12 * _HOURS)
        lease = Lease(database, session, "worker", seconds=12 * _HOURS)
        assert await lease.acquire()
        sweeps = SweepContext(database, lease, _STAMP, timedelta(days=400), clock.cutoff)
        yield Service(database, client, sweeps, clock)
