"""Every endpoint with every status that its document declares, and what every refusal has in common."""

from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Final

import httpx
import pytest
import pytest_asyncio

from records.identity import NaturalKey, record_id
from tests.api_app import CANARY, ENDPOINTS, KEYS, ask, client_of, context, order, own_database, places, put
from tests.api_table import ROWS, Row

pytestmark = pytest.mark.asyncio(loop_scope="module")

HELD_ELSEWHERE: Final = {
    201: "test_api.py: the first decision",
    408: "test_api_patience.py: a slow client",
    500: "test_api_shell.py: a bug",
    503: "test_api_patience.py, test_api_shell.py: a store or a process that cannot answer",
}
CONTRACTS_TEXTS: Final = {
    400: "Invalid input. See response for details.",
    401: "Your user is not allowed to operate against this API instance",
    403: "Your user, although recognized, is not authorized to use this endpoint",
    404: "The requested entity was not found",
}
STORED_ORDER: Final = order(1)
STORED_ID: Final = record_id(KEYS.identity, NaturalKey.of_order(STORED_ORDER["tenantOrderRecordId"]))
ADDRESSES: Final = sorted({path for _, path, _ in ENDPOINTS})
METHODS: Final = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", CANARY.upper())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(mongo_uri: str) -> AsyncIterator[httpx.AsyncClient]:
    async with own_database(mongo_uri) as database, client_of(context(database)) as opened:
        await put(opened, STORED_ORDER)
        policy = {"version": 0, "retentionTime": 31}
        assert (await opened.put("/api/configurations/gdpr", json=policy)).status_code == 200
        yield opened


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.endpoint}, {row.says}")
async def test_every_endpoint_answers_as_its_row_says(client: httpx.AsyncClient, row: Row) -> None:
    method, address = row.endpoint.split()[0], row.address(STORED_ID)
    answered = await ask(client, method, address, content=row.content, headers=row.headers)

    assert answered.status_code == row.status
    if row.status >= 400:
        assert places(answered) == list(row.places)
    if row.status in CONTRACTS_TEXTS:
        assert {fault["summary"] for fault in answered.json()} == {CONTRACTS_TEXTS[row.status]}
    if row.status == 401:
        assert answered.headers["www-authenticate"] == "Bearer"
        assert answered.json() == [{"summary": CONTRACTS_TEXTS[401]}], "whatever is wrong with the token"


async def test_the_table_has_every_status_that_the_document_declares_and_no_other(
    client: httpx.AsyncClient,
) -> None:
    document = (await client.get("/openapi.json")).json()
    declared = {
        f"{method.upper()} {path}": {int(status) for status in operation["responses"]}
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    answered = defaultdict(set)
    for row in ROWS:
        answered[row.endpoint].add(row.status)

    assert declared.keys() == answered.keys()
    for endpoint, statuses in declared.items():
        assert statuses - HELD_ELSEWHERE.keys() == answered[endpoint], endpoint


@pytest.mark.parametrize("address", ADDRESSES)
async def test_a_method_that_an_address_does_not_know_is_405_and_told_those_that_it_knows(
    client: httpx.AsyncClient, address: str
) -> None:
    # A record may be called `search`, so reading that address is a look-up.
    known = {method for method, path, _ in ENDPOINTS if path == address}
    unasked = known | ({"GET"} if address.endswith("/search") else set())
    for method in sorted(set(METHODS) - unasked):
        answered = await ask(client, method, address.replace("{orderRecordId}", "x"))
        assert answered.status_code == 405, method
        assert method == "HEAD" or places(answered) == [""]
        assert set(answered.headers["allow"].split(", ")) >= known


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/api", f"/{CANARY}", f"/api/{CANARY}", "/api/orderrecords/", "//api/orderrecords"),
        *("/api//orderrecords", "/API/orderrecords", "/api/orderrecords/x/", "/api/orderrecords/a%2Fb"),
        *("/api/orderrecords/search/", "/api/configurations", "/api/configurations/GDPR", "/api/lifecycle/x"),
        *("/metrics", "/livez", "/readyz", "/redoc", "/api/configurations/gdpr/../orderrecords/x"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS"])
async def test_what_is_not_an_address_of_the_api_is_404(
    client: httpx.AsyncClient, method: str, path: str
) -> None:
    answered = await ask(client, method, path)

    assert answered.status_code == 404
    assert method == "HEAD" or places(answered) == [""]


async def test_a_409_tells_the_version_that_was_sent_and_the_one_that_is_stored(
    client: httpx.AsyncClient,
) -> None:
    for path, member in (("orderrecords", {"isOrderRecordsEnabled": False}), ("gdpr", {"retentionTime": 9})):
        stale = await client.put(f"/api/configurations/{path}", json={"version": 41, **member})
        assert (stale.json()[0]["requestVersion"], stale.json()[0]["version"]) == (41, 1)
