"""API-6..10 and 13: bytes that are no UTF-8, forged cursors, odd keys, texts meant to slow patterns down."""

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import quote_from_bytes

import httpx
import pytest
import pytest_asyncio

from records.mongo.client import Database
from tests.api_app import ask, client_of, context, order, own_database, places, put
from tests.full_orders import Json
from tests.injection_corpus import LONE_SURROGATES, NO_UTF_8, PATHS, SLOW_PATTERNS, TEXTS, UNICODE

pytestmark = pytest.mark.asyncio(loop_scope="module")

JSON: Final = {"Content-Type": "application/json"}
SEARCH: Final = "/api/orderrecords/search"
BODIES: Final = (
    ("PUT", "/api/orderrecords", b'{"operations": [{"facilityRef": "%b"}]}'),
    ("PUT", "/api/orderrecords", b'{"operations": [{"customAttributes": {"%b": 1}}]}'),
    ("POST", SEARCH, b'{"query": {"facilityRef": {"eq": "%b"}}}'),
    ("POST", SEARCH, b'{"query": {}, "after": "%b"}'),
    ("POST", SEARCH, b'{"query": {"%b": {}}}'),
    ("PUT", "/api/configurations/orderrecords", b'{"version": 1, "isOrderRecordsEnabled": true, "id": "%b"}'),
    ("PUT", "/api/configurations/gdpr", b'{"version": 0, "retentionTime": 1, "id": "%b"}'),
    ("PUT", "/api/configurations/gdpr", b'{"version": 0, "retentionTime": 1, "%b": 1}'),
)
ADDRESSES: Final = (
    "/api/orderrecords?facilityRef={}",
    "/api/orderrecords?tenantOrderRecordId=a{}",
    "/api/orderrecords?startAfterId={}b",
    "/api/orderrecords/{}",
    "/api/orderrecords/a{}b",
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def database(mongo_uri: str) -> AsyncIterator[Database]:
    async with own_database(mongo_uri) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(context(database)) as opened:
        yield opened


@pytest.mark.parametrize(("method", "path", "body"), BODIES)
async def test_bytes_that_are_no_utf_8_are_refused_in_every_body(
    client: httpx.AsyncClient, database: Database, method: str, path: str, body: bytes
) -> None:
    stored = await database.records.count_documents({})
    for odd in (*NO_UTF_8, *(each.encode() for each in LONE_SURROGATES)):
        answered = await ask(client, method, path, content=body.replace(b"%b", odd), headers=JSON)
        assert (answered.status_code, places(answered)) == (400, [""]), odd
    assert await database.records.count_documents({}) == stored


@pytest.mark.parametrize("address", ADDRESSES)
async def test_bytes_that_are_no_utf_8_are_refused_in_an_address(
    client: httpx.AsyncClient, address: str
) -> None:
    for odd in NO_UTF_8:
        answered = await ask(client, "GET", address.format(quote_from_bytes(odd)))
        assert answered.status_code == 400, odd
        assert places(answered)


async def test_each_idempotency_key_is_a_name_of_its_own(client: httpx.AsyncClient) -> None:
    nameless = order(1)
    del nameless["tenantOrderRecordId"]
    # A field of HTTP has no control characters, and no spaces at its ends.
    keys = [text for text in PATHS + UNICODE if text.isprintable() and text == text.strip()]
    for expected in ("CREATED", "UNCHANGED"):
        for key in keys:
            headers = {b"Idempotency-Key": key.encode()}
            answered = await client.put("/api/orderrecords", json={"operations": [nameless]}, headers=headers)
            assert answered.json()["details"][0]["status"] == expected, key


async def test_no_text_is_a_cursor_but_those_that_were_given_out(client: httpx.AsyncClient) -> None:
    for text in (*TEXTS, "", "A" * 8192, base64.urlsafe_b64encode(b"\x01" * 60).decode()):
        for member in ("after", "before"):
            answered = await ask(client, "POST", SEARCH, json={"query": {}, member: text})
            assert (answered.status_code, places(answered)) == (400, [f"/{member}"]), text


async def test_a_cursor_serves_its_own_query_and_sort_whole_and_nothing_else(
    client: httpx.AsyncClient,
) -> None:
    await put(client, order(1), order(2))
    mine: Json = {"query": {}, "size": 1, "sort": [{"origin": {"cashierId": "ASC"}}]}
    cursor = (await client.post(SEARCH, json=mine)).json()["pageInfo"]["endCursor"]
    middle = len(cursor) // 2
    forged = cursor[:middle] + ("B" if cursor[middle] == "A" else "A") + cursor[middle + 1 :]
    foreign = [
        *(mine | {"after": text} for text in (cursor[:-1], cursor + "A", cursor * 2, forged, cursor[::-1])),
        mine | {"after": cursor, "query": {"facilityRef": {"notEq": "x"}}},
        mine | {"after": cursor, "sort": [{"origin": {"cashierId": "DESC"}}]},
        {"query": {}, "after": cursor},
    ]
    for search in foreign:
        answered = await ask(client, "POST", SEARCH, json=search)
        assert (answered.status_code, places(answered)) == (400, ["/after"]), search
    assert (await client.post(SEARCH, json=mine | {"after": cursor})).status_code == 200


async def test_no_text_makes_a_pattern_of_ours_slow(client: httpx.AsyncClient) -> None:
    """Far longer than a pattern with a bad worst case would bear; the deadline is for all of them."""
    texts = [
        *SLOW_PATTERNS,
        *(each * 20_000 for each in ("1", "a", " ", "0:", "-", "T1", "a+json", "\u0661")),
    ]
    async with asyncio.timeout(10):
        for text in texts:
            for start in ("", "2026-01-01T00:00:00.", "P1Y", "PT1H"):
                await check_texts(client, start + text)
            for scheme in (b"", b"Bearer ", b"application/", b"application/json;"):
                await check_fields(client, scheme + text.encode()[:20_000])


async def check_texts(client: httpx.AsyncClient, text: str) -> None:
    line = {"quantity": 1, "article": {"tenantArticleId": "a", "attributes": []}}
    lines = [{**line, "warranty": {"warrantyPeriod": text + "!"}}]
    judged = await put(client, {"facilityRef": "f", "orderRecordDate": text, "lineItems": lines})
    assert judged["details"][0]["status"] == "FAILED"
    query = {"orderRecordDate": {"eq": text, "after": text + "!", "before": text + "!"}}
    assert (await ask(client, "POST", SEARCH, json={"query": query})).status_code == 400


async def check_fields(client: httpx.AsyncClient, value: bytes) -> None:
    for name, status in ((b"Authorization", 401), (b"Content-Type", 415)):
        headers = {b"Content-Type": b"application/json", name: value}
        answered = await ask(client, "POST", SEARCH, content=b'{"query": {}}', headers=headers)
        assert answered.status_code == status
