"""API-6..9: what is no text where one is meant, and names that the schema does not give."""

import json
from collections.abc import AsyncIterator
from typing import Any, Final

import httpx
import pytest
import pytest_asyncio

from records.mongo.client import Database
from tests import full_orders
from tests.api_app import ask, client_of, context, own_database, places, put
from tests.full_orders import Json, Place, full_order, pointer, put_at, value_at
from tests.injection_calls import FILTERS, chunks
from tests.injection_corpus import NAMES, VALUES

pytestmark = pytest.mark.asyncio(loop_scope="module")

SEARCH: Final = "/api/orderrecords/search"
ADDED: Final = frozenset(
    {"id", "version", "created", "lastModified", "anonymized", "gdprCleanupDate", "deletionDate", "total"}
)
FREE: Final[tuple[Place, ...]] = (("customAttributes",), ("lineItems", 0, "customAttributes"))
LOCALIZED: Final[Place] = ("lineItems", 0, "article", "attributes", 0, "keyLocalized")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def database(mongo_uri: str) -> AsyncIterator[Database]:
    async with own_database(mongo_uri) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(context(database)) as opened:
        yield opened


def changed(place: Place, value: Any, number: str = "odd") -> Json:
    made = full_order("a") | {"tenantOrderRecordId": number}
    put_at(made, place, value)
    return made


async def details_of(client: httpx.AsyncClient, orders: list[Json]) -> list[Json]:
    return [detail for part in chunks(orders, 25) for detail in (await put(client, *part))["details"]]


@pytest.mark.parametrize("value", VALUES, ids=repr)
async def test_what_is_no_text_is_refused_in_every_text_of_an_order(
    client: httpx.AsyncClient, database: Database, value: Any
) -> None:
    stored = await database.records.count_documents({})
    details = await details_of(client, [changed(place, value) for place in full_orders.TEXTS])
    for place, detail in zip(full_orders.TEXTS, details, strict=True):
        assert (detail["status"], detail["error"]["type"]) == ("FAILED", "VALIDATION")
        assert detail["error"]["message"].startswith(f"{pointer(place)}: ")
    assert await database.records.count_documents({}) == stored


@pytest.mark.parametrize("value", VALUES, ids=repr)
async def test_what_is_no_text_is_refused_as_every_operand_of_every_filter(
    client: httpx.AsyncClient, value: Any
) -> None:
    operands = {"eq": value, "notEq": value, "in": ["a", value], "notIn": [value]}
    query = {"and": [make(operands) for make in FILTERS]}

    answered = await ask(client, "POST", SEARCH, json={"query": query})

    assert answered.status_code == 400
    found = places(answered)
    for number in range(len(FILTERS)):
        of_this = [place for place in found if place.startswith(f"/query/and/{number}/")]
        ends = [
            place
            for end in ("/eq", "/in/1", "/notEq", "/notIn/0")
            for place in of_this
            if place.endswith(end)
        ]
        assert len(ends) == len(of_this) == len(operands)


@pytest.mark.parametrize("member", ["after", "before", "startAfterId"])
async def test_what_is_no_text_is_refused_as_a_place_in_a_search(
    client: httpx.AsyncClient, member: str
) -> None:
    for value in VALUES:
        answered = await ask(client, "POST", SEARCH, json={"query": {}, member: value})
        assert (answered.status_code, places(answered)) == (400, [f"/{member}"]), value


async def test_a_name_that_the_schema_does_not_know_is_dropped_wherever_it_stands(
    client: httpx.AsyncClient,
) -> None:
    objects = [(), *(place for place, node in full_orders.places() if "properties" in node)]
    orders = []
    for name in NAMES:
        sent = full_order(f"named {name}")
        for place in objects:
            value_at(sent, place)[name] = {"$ne": None}
        orders.append(sent)
    for name, detail in zip(NAMES, await details_of(client, orders), strict=True):
        assert detail["status"] == "CREATED", name
        check_stored(detail["orderRecord"], full_order(f"named {name}"))


def check_stored(stored: Any, sent: Any) -> None:
    """Whatever was sent is there, and beside it only what the service adds."""
    match sent:
        case dict():
            assert stored.keys() - sent.keys() <= ADDED
            for name, child in sent.items():
                check_stored(stored[name], child)
        case list():
            for mine, theirs in zip(stored, sent, strict=True):
                check_stored(mine, theirs)
        case "2026-11-20T08:30:00Z":
            assert stored == "2026-11-20T08:30:00.000Z"
        case _:
            assert stored == sent


def is_allowed(name: str) -> bool:
    """The contract's rule for names that a sender may choose; NUL ends a name in BSON."""
    return not (name.startswith("$") or "." in name or "\0" in name)


@pytest.mark.parametrize("holder", FREE, ids=pointer)
@pytest.mark.parametrize("around", ["{}", '{"a": [{}]}', '{"a": {"b": {}}}'])
async def test_a_name_in_free_json_is_stored_as_it_is_or_refused_by_the_contracts_rule(
    client: httpx.AsyncClient, holder: Place, around: str
) -> None:
    free = [json.loads(around.replace("{}", json.dumps({name: name}))) for name in NAMES]
    orders = [
        changed(holder, value, f"{holder} {around} {name}") for value, name in zip(free, NAMES, strict=True)
    ]
    await check_names(client, orders, holder)


async def test_a_name_of_a_locale_follows_the_same_rule(client: httpx.AsyncClient) -> None:
    orders = [changed(LOCALIZED, {name: "a"}, f"locale {name}") for name in NAMES]
    await check_names(client, orders, LOCALIZED)


async def check_names(client: httpx.AsyncClient, orders: list[Json], holder: Place) -> None:
    for name, sent, detail in zip(NAMES, orders, await details_of(client, orders), strict=True):
        if is_allowed(name):
            assert value_at(detail["orderRecord"], holder) == value_at(sent, holder), name
        else:
            assert detail["status"] == "FAILED", name
            assert detail["error"]["message"].startswith(f"{pointer(holder)}: "), name


async def test_a_name_that_a_search_does_not_know_is_refused_wherever_it_stands(
    client: httpx.AsyncClient,
) -> None:
    for name in NAMES:
        odd: Json = {name: {"$ne": None}}
        in_all: Json = {
            "query": {
                **odd,
                "and": [odd],
                "facilityRef": odd,
                "orderRecordDate": odd,
                "anonymized": odd,
                "payments": {"contains": odd, **odd},
                "consumer": {"addresses": {"contains": {"lastName": odd, **odd}}},
            },
            "options": odd,
            "sort": [{"orderRecordDate": "ASC", **odd}],
            **odd,
        }
        answered = await ask(client, "POST", SEARCH, json=in_all)
        assert answered.status_code == 400
        assert places(answered) == [
            "/*",
            "/options/*",
            "/query/*",
            "/query/and/0/*",
            "/query/anonymized/*",
            "/query/consumer/addresses/contains/*",
            "/query/consumer/addresses/contains/lastName/*",
            "/query/facilityRef/*",
            "/query/orderRecordDate/*",
            "/query/payments/*",
            "/query/payments/contains/*",
            "/sort/0/*",
        ], name
