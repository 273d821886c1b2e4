"""Every limit of an order and of a search, asked just below and just above it."""

import copy
import json
from collections.abc import AsyncIterator
from typing import Any, Final

import httpx
import orjson
import pytest
import pytest_asyncio

from tests import full_orders
from tests.api_app import CANARY, ask, client_of, context, own_database, places, put
from tests.full_orders import Json, Place, full_order, pointer, put_at, value_at
from tests.injection_calls import FILTERS, chunks
from tests.search_calls import sort_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

JSON: Final = {"Content-Type": "application/json"}
SEARCH: Final = "/api/orderrecords/search"
MIB: Final = 2**20
PLACES: Final = tuple(full_orders.places())
DECIDE_HOW_LONG: Final = {"gdprCleanupDate", "deletionDate"}
LEAF: Final[Json] = {"facilityRef": {"eq": "a"}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(mongo_uri: str) -> AsyncIterator[httpx.AsyncClient]:
    async with own_database(mongo_uri) as database, client_of(context(database)) as opened:
        yield opened


# Orders


def changed(number: str, place: Place, value: Any) -> Json:
    made = full_order("a") | {"tenantOrderRecordId": number}
    put_at(made, place, value)
    return made


async def details_of(client: httpx.AsyncClient, orders: list[Json]) -> list[Json]:
    return [detail for part in chunks(orders, 25) for detail in (await put(client, *part))["details"]]


def at_the_limit(node: Json) -> list[Any]:
    """The shortest and the longest that a schema of texts or lists takes."""
    if full_orders.is_text(node):
        return ["\U0001f600" * node.get("maxLength", 0), "a" * node.get("minLength", 0)]
    if "additionalProperties" in node and "propertyNames" in node:
        return [{"a" * 1024: "b" * 1024}]
    return []


async def test_texts_are_taken_up_to_their_limits_in_characters(client: httpx.AsyncClient) -> None:
    tried = [(place, value) for place, node in PLACES for value in at_the_limit(node)]
    assert len(tried) > 60
    orders = [changed(f"taken {number}", *each) for number, each in enumerate(tried)]
    for (place, value), detail in zip(tried, await details_of(client, orders), strict=True):
        assert detail["status"] == "CREATED", (place, detail)
        assert value_at(detail["orderRecord"], place) == value


def beyond_the_limit(node: Json) -> list[Any]:
    """What is too long, too short, or another kind of thing; the canary in all that can hold one."""
    if full_orders.is_text(node):
        too_long = CANARY + "a" * (node["maxLength"] + 1 - len(CANARY))
        return [too_long, *([""] if node.get("minLength") else [])]
    if "enum" in node or "const" in node or "pattern" in node or node.get("format"):
        return [CANARY, "", 1, {CANARY: CANARY}]
    if node.get("type") in ("array", "object", "boolean", "integer", "number"):
        return [CANARY, [CANARY] if node["type"] != "array" else {CANARY: CANARY}]
    return [CANARY, [CANARY]]


async def test_whatever_is_beyond_its_limit_is_named_by_its_place_and_never_repeated(
    client: httpx.AsyncClient,
) -> None:
    tried = [(place, value) for place, node in PLACES for value in beyond_the_limit(node)]
    assert len(tried) > 150
    for part in chunks(tried, 25):
        orders = [changed("refused", *each) for each in part]
        answered = await ask(client, "PUT", "/api/orderrecords", json={"operations": orders})
        assert CANARY not in answered.text
        for (place, value), detail in zip(part, answered.json()["details"], strict=True):
            assert detail["status"] == "FAILED", (place, value)
            assert detail["error"]["message"].startswith(f"{pointer(place)}"), (place, value)


async def test_lists_are_taken_up_to_their_limits(client: httpx.AsyncClient) -> None:
    lists = [(place, node) for place, node in PLACES if node.get("type") == "array"]
    tried = [
        (place, count) for place, node in lists for count in (node["maxItems"], node["maxItems"] + 1)
    ] + [(("lineItems",), 0)]
    assert [count for _, count in tried if count > 499] == [500, 501]
    for place, count in tried:
        order = full_order("a") | {"tenantOrderRecordId": f"{pointer(place)} {count}"}
        put_at(order, place, [copy.deepcopy(value_at(order, place)[0]) for _ in range(count)])
        [detail] = (await put(client, order))["details"]
        if count in (0, 11, 101, 501):
            assert detail["error"]["message"].startswith(f"{pointer(place)}: List should have at ")
        else:
            assert len(value_at(detail["orderRecord"], place)) == count


async def test_every_member_that_the_schema_requires_is_missed_by_its_place(
    client: httpx.AsyncClient,
) -> None:
    missed = []
    for place, node in [((), full_orders.ROOT), *PLACES]:
        missed += [(*place, name) for name in node.get("required", ())]
    assert len(missed) > 15
    orders = []
    for place in missed:
        order = full_order("a")
        del value_at(order, place[:-1])[place[-1]]
        orders.append(order)
    for place, detail in zip(missed, await details_of(client, orders), strict=True):
        assert detail["error"] == {"type": "VALIDATION", "message": f"{pointer(place)}: Field required"}


@pytest.mark.parametrize("holder", [("customAttributes",), ("lineItems", 0, "customAttributes")], ids=pointer)
async def test_free_json_is_taken_up_to_15360_characters(client: httpx.AsyncClient, holder: Place) -> None:
    room = 15_360 - len('{"a":""}')
    for size, status in ((room, "CREATED"), (room + 1, "FAILED")):
        order = changed(f"{holder} {size}", holder, {"a": "\U0001f600" * size})
        [detail] = (await put(client, order))["details"]
        assert detail["status"] == status
        assert status == "CREATED" or detail["error"]["message"].startswith(f"{pointer(holder)}: ")


def order_of(size: int) -> Json:
    """An order of so many bytes as JSON."""
    order = full_order("a") | {"tenantOrderRecordId": f"{size:,} bytes"}
    line = order["lineItems"][0] | {"customAttributes": {"note": ""}}
    room, bare = size - len(orjson.dumps(order)), len(orjson.dumps(line)) + 1
    count = -(-room // (bare + 15_000))
    filled, more = divmod(room - count * bare, count)
    for number in range(count):
        note = "a" * (filled + (number < more))
        order["lineItems"].append(line | {"customAttributes": {"note": note}})
    assert len(orjson.dumps(order)) == size
    return order


async def test_an_order_is_taken_up_to_1_mib(client: httpx.AsyncClient) -> None:
    taken, refused = (await put(client, order_of(MIB), order_of(MIB + 1)))["details"]
    assert taken["status"] == "CREATED"
    assert refused["error"] == {"type": "VALIDATION", "message": "the order is larger than 1 MiB"}


async def test_a_body_is_taken_up_to_16_mib_and_100_levels(client: httpx.AsyncClient) -> None:
    body = json.dumps({"operations": [full_order("of a large body")]}).encode()
    full = body + b" " * (16 * MIB - len(body))
    for content, status in ((full, 200), (full + b" ", 413)):
        answered = await client.put("/api/orderrecords", content=content, headers=JSON)
        assert answered.status_code == status
    for levels, status in ((100, 200), (101, 400)):
        inner = b"[" * (levels - 2) + b"]" * (levels - 2)
        deep = b'{"operations": [%b]}' % inner
        answered = await client.put("/api/orderrecords", content=deep, headers=JSON)
        assert answered.status_code == status, levels


# Searches


def nested(levels: int) -> Json:
    query = LEAF
    for level in range(levels):
        query = {("and", "or")[level % 2]: [query]}
    return query


TAKEN: Final[dict[str, Json]] = {
    "size 1": {"size": 1},
    "size 250": {"size": 250},
    "last 1": {"last": 1},
    "last 250": {"last": 250},
    "10 levels": {"query": nested(10)},
    "500 alternatives": {"query": {"or": [LEAF] * 500}},
    "500 leaves": {"query": {"and": [{"or": [LEAF] * 250}] * 2}},
    **{f"256 characters, {n}": {"query": make({"eq": "a" * 256})} for n, make in enumerate(FILTERS)},
    **{
        f"25 values, {n}": {"query": make({"in": ["a"] * 25, "notIn": ["b"] * 25})}
        for n, make in enumerate(FILTERS)
    },
    "startAfterId of 1024": {"startAfterId": "a" * 1024},
    "1 MiB": {"query": {"or": [{"facilityRef": {"in": ["a" * 256] * 24}}] * 165}},
}
REFUSED: Final[dict[str, tuple[Json, tuple[str, ...]]]] = {
    "size 0": ({"size": 0}, ("/size",)),
    "size 251": ({"size": 251}, ("/size",)),
    "last 0": ({"last": 0}, ("/last",)),
    "last 251": ({"last": 251}, ("/last",)),
    "11 levels": ({"query": nested(11)}, ("/query",)),
    "501 alternatives": ({"query": {"or": [LEAF] * 501}}, ("/query/or",)),
    "501 leaves": ({"query": {"and": [{"or": [LEAF] * 250}, {"or": [LEAF] * 251}]}}, ("/query",)),
    "257 characters": ({"query": {"facilityRef": {"eq": CANARY * 30}}}, ("/query/facilityRef/eq",)),
    "257 characters in a list": (
        {"query": {"facilityRef": {"in": [CANARY * 30]}}},
        ("/query/facilityRef/in/0",),
    ),
    "26 values": ({"query": {"facilityRef": {"in": [CANARY] * 26}}}, ("/query/facilityRef/in",)),
    "26 other values": ({"query": {"facilityRef": {"notIn": [CANARY] * 26}}}, ("/query/facilityRef/notIn",)),
    "startAfterId of 1025": ({"startAfterId": "a" * 1025}, ("/startAfterId",)),
    "a cursor of 8193": ({"after": "a" * 8193}, ("/after",)),
    "no sort": ({"sort": []}, ("/sort",)),
    "two sorts": ({"sort": [{"orderRecordDate": "ASC"}] * 2}, ("/sort",)),
    "a sort of nothing": ({"sort": [{}]}, ("/sort/0",)),
    "a sort of two": (
        {"sort": [{"orderRecordDate": "ASC", "tenantOrderRecordId": "ASC"}]},
        ("/sort/0",),
    ),
    "a direction of its own": ({"sort": [{"orderRecordDate": CANARY}]}, ("/sort/0/orderRecordDate",)),
    "an unknown sort": ({"sort": [{CANARY: "ASC"}]}, ("/sort/0/*",)),
    "a facility's name": ({"query": {"facilityName": {"eq": CANARY}}}, ("/query/facilityName",)),
    "after and before": ({"after": CANARY, "before": CANARY}, ("/before",)),
    "after and last": ({"after": CANARY, "last": 1}, ("/last",)),
    "before and size": ({"before": CANARY, "size": 1}, ("/before",)),
    "size and last": ({"size": 1, "last": 1}, ("/last",)),
    "startAfterId and after": ({"startAfterId": CANARY, "after": CANARY}, ("/after",)),
    "startAfterId and before": ({"startAfterId": CANARY, "before": CANARY}, ("/before",)),
    "startAfterId and last": ({"startAfterId": CANARY, "last": 1}, ("/last",)),
    "startAfterId and sort": ({"startAfterId": CANARY, **sort_of("orderRecordDate", "ASC")}, ("/sort",)),
    "a wish for a number": ({"options": {"withTotal": CANARY}}, ("/options/withTotal",)),
    "more than 1 MiB": ({"query": {"or": [{"facilityRef": {"in": ["a" * 256] * 24}}] * 170}}, ("",)),
    "a query that is a list": ({"query": [CANARY]}, ("/query",)),
    "every kind of fault": (
        {
            "query": {CANARY: 1, "and": [{"orderRecordDate": {"gt": CANARY}}]},
            "size": CANARY,
            "options": CANARY,
        },
        ("/options", "/query/*", "/query/and/0/orderRecordDate/gt", "/size"),
    ),
}


@pytest.mark.parametrize("name", TAKEN)
async def test_a_search_at_its_limit_is_answered(client: httpx.AsyncClient, name: str) -> None:
    answered = await ask(client, "POST", SEARCH, json={"query": {}, **TAKEN[name]})
    assert answered.status_code == 200, answered.text


@pytest.mark.parametrize("name", REFUSED)
async def test_a_search_beyond_its_limit_is_refused_by_place(client: httpx.AsyncClient, name: str) -> None:
    search, expected = REFUSED[name]
    answered = await ask(client, "POST", SEARCH, json={"query": {}, **search})
    assert answered.status_code == 400
    assert places(answered) == list(expected)
