"""The API within the test's process, over a real MongoDB, and what every error answer of it must keep."""

import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
from structlog.testing import capture_logs

from local.samples.orders import sample_order
from records.keys import RecordKeys
from records.mongo.client import Database, open_database
from records.mongo.clock import CheckedClock
from records.mongo.configuration import enable_on_first_start
from records.mongo.indexes import build_indexes
from records.mongo.policies import CachedPolicy
from records.policy import DateRules
from runtime.settings import load_settings
from service.api.app import create_app
from service.api.auth import Authenticator
from service.api.context import ApiContext
from service.api.keys import SharedSecret
from service.api.server import shell
from tests.tokens import AUDIENCE, ISSUER, SECRET, good

Json = dict[str, Any]

AT: Final = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
KEYS: Final = RecordKeys.derive(b"api tests, 32 bytes of a secret.")
ALL: Final = ("ORDER_RECORD_READ", "ORDER_RECORD_WRITE", "CONFIG_READ", "CONFIG_WRITE", "LIFECYCLE_READ")
CANARY: Final = "canary-7f3a"
"""Planted in requests; no answer that refuses one and no log line may hold it."""

ENDPOINTS: Final = (
    ("GET", "/api/orderrecords", "ORDER_RECORD_READ"),
    ("GET", "/api/orderrecords/{orderRecordId}", "ORDER_RECORD_READ"),
    ("POST", "/api/orderrecords/search", "ORDER_RECORD_READ"),
    ("PUT", "/api/orderrecords", "ORDER_RECORD_WRITE"),
    ("GET", "/api/configurations/orderrecords", "CONFIG_READ"),
    ("PUT", "/api/configurations/orderrecords", "CONFIG_WRITE"),
    ("GET", "/api/configurations/gdpr", "CONFIG_READ"),
    ("PUT", "/api/configurations/gdpr", "CONFIG_WRITE"),
    ("GET", "/api/lifecycle", "LIFECYCLE_READ"),
)
"""Method, route template, and the permission it asks for."""

_PLACE: Final = re.compile(r"(/[^ ]*): .+")


def context(database: Database, *, day: timedelta = timedelta(days=1)) -> ApiContext:
    settings = load_settings(
        {
            "ORDER_RECORDS_AUTH__ISSUER": ISSUER,
            "ORDER_RECORDS_AUTH__AUDIENCE": AUDIENCE,
            "ORDER_RECORDS_AUTH__HS256_SECRET": SECRET,
        }
    )
    return ApiContext(
        database=database,
        clock=CheckedClock(database),
        keys=KEYS,
        dates=DateRules(day=day),
        tax_mode="exclusive",
        policy=CachedPolicy(database),
        authenticator=Authenticator(settings.auth, SharedSecret(SECRET.encode())),
        indexed=True,
        build="test",
    )


def client_of(api: ApiContext, *permissions: str) -> httpx.AsyncClient:
    """A client of the app in its shell, with a token of these permissions (all of them without any)."""
    transport = httpx.ASGITransport(app=shell(create_app(api), admits=api.admits))
    headers = {"Authorization": good(permissions=list(permissions or ALL))}
    return httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)


@asynccontextmanager
async def own_database(uri: str) -> AsyncIterator[Database]:
    """A new database with its indexes, in which orders are taken; dropped at the end of the block."""
    async with open_database(uri, f"test_{uuid.uuid4().hex[:12]}") as database:
        await build_indexes(database)
        await enable_on_first_start(database, enabled=True)
        try:
            yield database
        finally:
            await database.client.drop_database(database.records.database.name)


def order(number: int, **changed: Any) -> Json:
    return {**sample_order(5, number, at=AT), **changed}


async def put(client: httpx.AsyncClient, *orders: Any, **headers: str) -> Json:
    answered = await client.put("/api/orderrecords", json={"operations": list(orders)}, headers=headers)
    assert answered.status_code == 200, answered.text
    body: Json = answered.json()
    return body


async def ask(client: httpx.AsyncClient, method: str, path: str, **how: Any) -> httpx.Response:
    """One request; neither its refusal nor a log line may hold the canary."""
    with capture_logs() as lines:
        answered = await client.request(method, path, **how)
    assert lines, "every request has its line"
    assert CANARY not in str(lines)
    if answered.status_code >= 400:
        assert CANARY not in str(answered.headers) + answered.text
    return answered


def places(answered: httpx.Response) -> list[str]:
    """Where the faults of an error answer are, sorted; empty for one of the request as a whole.

    Fails unless the answer is the contract's `ApiError`.
    """
    assert answered.headers["content-type"] == "application/json"
    faults = answered.json()
    assert isinstance(faults, list)
    assert faults
    for fault in faults:
        assert fault["summary"]
        assert set(fault) <= {"summary", "description", "requestVersion", "version"}
    found = [_PLACE.fullmatch(fault.get("description", "")) for fault in faults]
    return sorted(match[1] if match else "" for match in found)
