"""API-1..5 on the real process: bodies that are cheap to send and dear to read, and what its log says."""

import asyncio
import json
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import cache
from typing import Final

import httpx
import pytest
import pytest_asyncio

from local.servers.process import HOST
from records.mongo.client import open_database
from tests.api_app import CANARY, order, put
from tests.api_table import ROWS, Row
from tests.raw_http import Answer, answer, growing_less_than, request
from tests.running_serve import RunningServe, running_serve

pytestmark = pytest.mark.asyncio(loop_scope="module")

JSON: Final = {"Content-Type": "application/json"}
PUT: Final = "/api/orderrecords"
SEARCH: Final = "/api/orderrecords/search"
MIB: Final = 2**20
PATIENCE_SECONDS: Final = 30.0
ORDER: Final = json.dumps(order(1)).encode()[1:-1]


@cache
def keys(number: int) -> bytes:
    """So many members of a JSON object."""
    return b",".join(b'"key%07d":1' % each for each in range(number))


def orders_of(members: bytes) -> bytes:
    return b'{"operations":[%b]}' % b",".join([b"{%b}" % members] * 25)


# Made when they are sent: together they are 100 MB.
DEEP: Final[dict[str, Callable[[], tuple[str, bytes]]]] = {
    "lists": lambda: (PUT, b"[" * 100_000 + b"]" * 100_000),
    "objects": lambda: (SEARCH, b'{"query":' * 100_000 + b"{}" + b"}" * 100_000),
    "never closed": lambda: (SEARCH, b'{"and":[' * 100_000),
}
HEAVY: Final[dict[str, Callable[[], tuple[str, bytes, int]]]] = {
    "beside the operations": lambda: (PUT, b'{%b,"operations":[{}]}' % keys(10**6), 200),
    "in an order": lambda: (PUT, b'{"operations":[{%b}]}' % keys(10**6), 200),
    "in free JSON": lambda: (
        PUT,
        b'{"operations":[{%b,"customAttributes":{%b}}]}' % (ORDER, keys(10**6)),
        200,
    ),
    "in a search": lambda: (SEARCH, b'{"query":{%b}}' % keys(10**6), 400),
}
HEAVIER: Final[dict[str, Callable[[], bytes]]] = {
    "unknown members": lambda: orders_of(keys(42_000) + b"," + ORDER),
    "empty lines": lambda: orders_of(b'"lineItems":[%b{}]' % (b"{}," * 200_000)),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def serve(mongo_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningServe]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ORDER_RECORDS_LOG__LEVEL", "DEBUG")
        async with open_database(mongo_uri, name) as database:
            try:
                async with running_serve(mongo_uri, name, tmp_path_factory.mktemp("serve")) as running:
                    yield running
            finally:
                await database.client.drop_database(name)


async def sent(serve: RunningServe, path: str, body: bytes) -> httpx.Response:
    method = "PUT" if path == PUT else "POST"
    return await serve.client.request(method, path, content=body, headers=JSON, timeout=PATIENCE_SECONDS)


async def answered_meanwhile(serve: RunningServe, heavy: Awaitable[httpx.Response]) -> httpx.Response:
    """The answer to the heavy request; every other one that is asked until then must be answered."""
    waiting = asyncio.ensure_future(heavy)
    asked = 0
    while asked < 20 or not waiting.done():
        other = await serve.client.get("/api/orderrecords", timeout=PATIENCE_SECONDS)
        assert other.status_code == 200
        asked += 1
    return await waiting


@pytest.mark.parametrize("name", DEEP)
async def test_a_depth_of_100_000_is_refused_without_being_parsed(serve: RunningServe, name: str) -> None:
    path, body = DEEP[name]()
    with growing_less_than(50, serve.process.process.pid):
        refused = await sent(serve, path, body)
    assert refused.status_code == 400
    assert refused.json()[0]["description"] == "arrays and objects nest to more than 100 levels"


@pytest.mark.parametrize("name", HEAVY)
async def test_a_million_keys_take_bounded_memory_and_others_are_answered_meanwhile(
    serve: RunningServe, name: str
) -> None:
    path, body, status = HEAVY[name]()
    await check_costly(serve, path, body, status)


@pytest.mark.faults
@pytest.mark.parametrize("name", HEAVIER)
async def test_so_do_those_that_take_longest(serve: RunningServe, name: str) -> None:
    await check_costly(serve, PUT, HEAVIER[name](), 200)


async def check_costly(serve: RunningServe, path: str, body: bytes, status: int) -> None:
    assert 13 * MIB < len(body) < 16 * MIB
    with growing_less_than(500, serve.process.process.pid):
        answered = await answered_meanwhile(serve, sent(serve, path, body))
    assert answered.status_code in (status, 503), "or it took longer than a request may"
    assert answered.status_code == 503 or b"key0000001" not in answered.content


@pytest.mark.faults
async def test_the_same_body_again_and_again_takes_no_more_memory(serve: RunningServe) -> None:
    await flood(serve)
    with growing_less_than(300, serve.process.process.pid):  # they are 360 MiB together
        for _ in range(6):
            await flood(serve)


async def flood(serve: RunningServe) -> None:
    """Four at once: two are read at a time, and one that has waited too long may be cut off."""
    path, body, _ = HEAVY["in an order"]()
    answered = await asyncio.gather(*(sent(serve, path, body) for _ in range(4)), return_exceptions=True)
    statuses = [each.status_code for each in answered if isinstance(each, httpx.Response)]
    assert 200 in statuses
    assert set(statuses) <= {200, 503}
    others = [each for each in answered if isinstance(each, BaseException)]
    assert all(isinstance(each, httpx.NetworkError) for each in others)


async def test_no_refusal_of_the_process_and_no_line_of_its_log_repeats_what_was_sent(
    serve: RunningServe,
) -> None:
    """The table once more, in HTTP, with log lines of level DEBUG."""
    policy = {"version": 0, "retentionTime": 31}
    assert (await serve.client.put("/api/configurations/gdpr", json=policy)).status_code == 200
    rows = [row for row in ROWS if row.status != 413]
    port, token = serve.client.base_url.port or 0, {"Authorization": serve.client.headers["Authorization"]}
    stored = (await put(serve.client, order(1)))["details"][0]["orderRecord"]["id"]
    told = [await asyncio.to_thread(ask, port, row, stored, token) for row in rows]
    assert [each.status for each in told] == [row.status for row in rows]
    assert CANARY not in "".join(f"{each.headers}{each.body!r}" for each in told if each.status >= 400)
    log = serve.process.process.log_file.read_text()
    assert log.count('"event":"request"') > len(rows) // 2, "a head that is too large reaches no route"
    assert CANARY not in log


def ask(port: int, row: Row, stored: str, token: dict[str, str]) -> Answer:
    """A connection for each, since most are closed after a refusal."""
    headers = token | ({} if row.content is None else {"Content-Length": str(len(row.content))}) | row.headers
    with socket.create_connection((HOST, port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(
            request(row.endpoint.split()[0], row.address(stored), None, headers) + (row.content or b"")
        )
        return answer(connection)
