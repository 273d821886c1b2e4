"""API-11 and 12: numbers, dates and durations beyond every bound. Refused by their place, and never a 500."""

import json
import math
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final
from urllib.parse import quote

import httpx
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import full_orders
from tests.api_app import ask, client_of, context, own_database, places
from tests.full_orders import Json, Place, full_order, pointer, put_at, value_at
from tests.injection_calls import chunks
from tests.injection_corpus import DATES, DURATIONS, NUMBERS

pytestmark = pytest.mark.asyncio(loop_scope="module")

JSON: Final = {"Content-Type": "application/json"}
SEARCH: Final = "/api/orderrecords/search"
LEAVES: Final = tuple(full_orders.leaves())
OF_NUMBERS: Final = tuple(leaf for leaf in LEAVES if leaf[1].get("type") in ("integer", "number"))
OF_DATES: Final = tuple(place for place, node in LEAVES if node.get("format") == "date-time")
OF_CONFIGURATIONS: Final = (
    ("orderrecords", "version", '{"isOrderRecordsEnabled": true, "version": %s}'),
    ("gdpr", "version", '{"retentionTime": 1, "version": %s}'),
    ("gdpr", "retentionTime", '{"version": 0, "retentionTime": %s}'),
    (
        "gdpr",
        "deletionTimeAfterRetention",
        '{"version": 0, "retentionTime": 1, "deletionTimeAfterRetention": %s}',
    ),
)
POSSIBLE_DATES: Final = {
    "0001-01-01T00:00:00Z": "0001-01-01T00:00:00.000Z",
    "9999-12-31T23:59:59.999Z": "9999-12-31T23:59:59.999Z",
}
DECIDE_HOW_LONG: Final = {"gdprCleanupDate", "deletionDate"}
"""Long gone, they leave nothing to see; far off, they are beyond the limit of the settings."""
POSSIBLE_DURATIONS: Final = {"P1000Y", "-P1000Y"}
_HOLE: Final = "a hole"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(mongo_uri: str) -> AsyncIterator[httpx.AsyncClient]:
    async with own_database(mongo_uri) as database, client_of(context(database)) as opened:
        yield opened


def read_as(text: str, node: Json) -> int | float | None:
    """The number that JSON of this text is to a schema, a float where fractions may be; None for no such."""
    number = json.loads(text)
    if isinstance(number, bool) or not isinstance(number, int | float):
        return None
    if isinstance(number, float) and (node["type"] == "integer" or not math.isfinite(number)):
        return None
    number = number if node["type"] == "integer" or abs(number) > 1e300 else float(number)
    return number if node.get("minimum", -math.inf) <= number <= node.get("maximum", math.inf) else None


async def put_raw(client: httpx.AsyncClient, orders: Sequence[tuple[Place, str]]) -> list[Json]:
    """The answers to orders, each with one member that is this text in JSON, whatever JSON says to it."""
    details: list[Json] = []
    for part in chunks(orders, 25):
        bodies = []
        for place, text in part:
            order = full_order("a") | {"tenantOrderRecordId": f"{pointer(place)} {text[:40]}"}
            put_at(order, place, _HOLE)
            bodies.append(json.dumps(order).replace(f'"{_HOLE}"', text))
        body = f'{{"operations": [{",".join(bodies)}]}}'
        answered = await client.put("/api/orderrecords", content=body, headers=JSON)
        assert answered.status_code == 200, answered.text
        details += answered.json()["details"]
    return details


async def test_every_number_of_an_order_keeps_its_bounds(client: httpx.AsyncClient) -> None:
    tried = [(place, node, text) for place, node in OF_NUMBERS for text in NUMBERS]
    details = await put_raw(client, [(place, text) for place, _, text in tried])
    for (place, node, text), detail in zip(tried, details, strict=True):
        number = read_as(text, node)
        if number is None:
            assert detail["status"] == "FAILED", (place, text)
            assert detail["error"]["message"].startswith(f"{pointer(place)}: "), text
        else:
            assert detail["status"] == "CREATED", (place, text)
            assert value_at(detail["orderRecord"], place) == number


async def test_numbers_in_free_json_are_those_that_every_reader_keeps(client: httpx.AsyncClient) -> None:
    tried = [(("customAttributes", "number"), text) for text in NUMBERS]
    for (place, text), detail in zip(tried, await put_raw(client, tried), strict=True):
        number = json.loads(text)
        if isinstance(number, int | float) and not abs(number) <= (
            2**53 if isinstance(number, int) else 1e308
        ):
            assert detail["error"]["message"].startswith("/customAttributes: "), text
        else:
            assert value_at(detail["orderRecord"], place) == number


@pytest.mark.parametrize("text", DATES)
async def test_a_date_of_an_order_is_one_that_exists(client: httpx.AsyncClient, text: str) -> None:
    details = await put_raw(client, [(place, json.dumps(text)) for place in OF_DATES])
    for place, detail in zip(OF_DATES, details, strict=True):
        if text not in POSSIBLE_DATES:
            assert detail["error"]["message"].startswith(f"{pointer(place)}: ")
        elif place[0] not in DECIDE_HOW_LONG:
            assert value_at(detail["orderRecord"], place) == POSSIBLE_DATES[text]
            found = await client.get(f"/api/orderrecords/{detail['orderRecord']['id']}")
            assert found.json() == detail["orderRecord"]


@pytest.mark.parametrize("operator", ["eq", "notEq", "gt", "gte", "lt", "lte", "after", "before"])
async def test_a_date_or_duration_in_a_filter_is_one_that_the_calendar_has(
    client: httpx.AsyncClient, operator: str
) -> None:
    possible = POSSIBLE_DURATIONS if operator in ("after", "before") else POSSIBLE_DATES
    members = ("deletionDate", "gdprCleanupDate", "orderRecordDate")
    for text in DATES + DURATIONS:
        query = {member: {operator: text} for member in members}
        answered = await ask(client, "POST", SEARCH, json={"query": query})
        if text in possible:
            assert answered.status_code == 200
        else:
            assert answered.status_code == 400
            assert places(answered) == [f"/query/{member}/{operator}" for member in members]


@pytest.mark.parametrize("text", NUMBERS)
async def test_a_page_has_a_size_within_its_bounds(client: httpx.AsyncClient, text: str) -> None:
    for member in ("size", "last"):
        body = f'{{"query": {{}}, "{member}": {text}}}'
        answered = await ask(client, "POST", SEARCH, content=body, headers=JSON)
        if text in ("1.0", "1e0"):
            assert answered.status_code == 200
        else:
            assert answered.status_code == 400
            assert places(answered) in ([""], [f"/{member}"]), "a text that is no JSON has no places"
    for path, name in (("/api/orderrecords", "size"), ("/api/lifecycle", "days")):
        answered = await ask(client, "GET", f"{path}?{name}={quote(text)}")
        assert answered.status_code == (200 if text == "1.0" else 400)
        assert answered.status_code == 200 or places(answered) == [f"/query/{name}"]


@pytest.mark.parametrize("text", NUMBERS)
@pytest.mark.parametrize(("name", "member", "body"), OF_CONFIGURATIONS)
async def test_a_configuration_has_numbers_within_their_bounds(
    client: httpx.AsyncClient, name: str, member: str, body: str, text: str
) -> None:
    answered = await ask(client, "PUT", f"/api/configurations/{name}", content=body % text, headers=JSON)
    zero = text in ("-0", "-0.0", "1e-400") and member == "version"
    if zero or text in ("1.0", "1e0"):
        assert answered.status_code in (200, 201, 409)
    else:
        assert (answered.status_code, places(answered)) in ((400, [f"/{member}"]), (400, [""]))


# Whatever else

_TEXTS: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
_ANYTHING: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(-(10**40), 10**40) | st.floats() | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=6,
)
_PLACES: Final = st.sampled_from([place for place, _ in full_orders.places()])
_ONCE_MORE: Final = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@_ONCE_MORE
@given(changes=st.lists(st.lists(st.tuples(_PLACES, _ANYTHING), max_size=3), min_size=1, max_size=25))
async def test_whatever_an_order_holds_it_is_stored_or_refused(
    client: httpx.AsyncClient, changes: list[list[tuple[Place, Any]]]
) -> None:
    orders = []
    for changed in changes:
        order = full_order("a")
        for place, value in sorted(changed, key=lambda each: -len(each[0])):
            put_at(order, place, value)
        orders.append(order)
    body = json.dumps({"operations": orders})
    answered = await client.put("/api/orderrecords", content=body, headers=JSON)
    assert answered.status_code == 200, answered.text
    statuses = {detail["status"] for detail in answered.json()["details"]}
    assert statuses <= {"CREATED", "UNCHANGED", "FAILED"}


_WORDS: Final = st.sampled_from(
    [
        *("query", "and", "or", "contains", "exists", "eq", "notEq", "in", "notIn", "gt", "after", "before"),
        *("size", "last", "sort", "options", "withTotal", "startAfterId", "orderRecordDate", "anonymized"),
        *(
            "consumer",
            "addresses",
            "lastName",
            "payments",
            "receiptNumber",
            "lineItems",
            "facilityRef",
            "ASC",
        ),
    ]
)
_SEARCHES: Final = st.recursive(
    _ANYTHING | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=4),
    max_leaves=25,
)


@_ONCE_MORE
@given(query=_SEARCHES, others=st.dictionaries(_WORDS, _SEARCHES, max_size=2))
async def test_whatever_a_search_holds_it_is_answered_or_refused(
    client: httpx.AsyncClient, query: Any, others: Json
) -> None:
    body = json.dumps({**others, "query": query})
    answered = await client.post(SEARCH, content=body, headers=JSON)
    assert answered.status_code in (200, 400), answered.text
    assert answered.status_code == 200 or places(answered)
