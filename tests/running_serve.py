"""`serve` as it is in service: the real process on a database of its own, and a client of it."""

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from local.demo.children import Child, child
from local.servers.process import HOST, free_port
from records.mongo.client import Database, open_database
from records.mongo.indexes import build_indexes
from tests.api_app import ALL
from tests.tokens import AUDIENCE, ISSUER, SECRET, good

ANSWER_SECONDS: Final = 5.0
"""What a client waits for an answer, whatever is wrong."""
_ID_KEY: Final = "b25seSBmb3IgdGVzdHMsIDMyIGJ5dGVzIG9mIGl0Li4="


@dataclass(frozen=True)
class RunningServe:
    """The process, its database, and a client with every permission."""

    process: Child
    database: Database
    client: httpx.AsyncClient
    health: httpx.AsyncClient


@asynccontextmanager
async def running_serve(mongo_uri: str, name: str, folder: Path) -> AsyncIterator[RunningServe]:
    """Ready to answer, with orders enabled; ended with the block."""
    async with open_database(mongo_uri, name) as database:
        await build_indexes(database)
    async with started_serve(mongo_uri, name, folder) as serve:
        await serve.process.ready()
        yield serve


@asynccontextmanager
async def started_serve(mongo_uri: str, name: str, folder: Path) -> AsyncIterator[RunningServe]:
    """Just started, whatever its MongoDB is like."""
    port = free_port()
    environ = {
        **os.environ,
        "ORDER_RECORDS_MONGO__URI": mongo_uri,
        "ORDER_RECORDS_MONGO__DATABASE": name,
        "ORDER_RECORDS_SECRETS__ID_KEY": _ID_KEY,
        "ORDER_RECORDS_API__PORT": str(port),
        "ORDER_RECORDS_AUTH__ISSUER": ISSUER,
        "ORDER_RECORDS_AUTH__AUDIENCE": AUDIENCE,
        "ORDER_RECORDS_AUTH__HS256_SECRET": SECRET,
        "ORDER_RECORDS_ENABLED_ON_FIRST_START": "true",
    }
    token = good(permissions=ALL, exp=int(time.time()) + 3600)
    async with (
        open_database(mongo_uri, name) as database,
        child("serve", environ, folder) as process,
        _client(port, {"Authorization": token}) as client,
        _client(process.port, {}) as health,
    ):
        yield RunningServe(process, database, client, health)


def _client(port: int, headers: dict[str, str]) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=f"http://{HOST}:{port}",
        headers=headers,
        timeout=ANSWER_SECONDS,
        limits=httpx.Limits(max_connections=None),
    )
