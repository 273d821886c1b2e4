"""Every member of the contract with every type that it may not have: refused, and its place is named."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Final

import orjson
import pytest

from records.reasons import Reason, Refused
from service.events import decode
from tests.full_orders import Json, Place, full_order, places

VALUES: Final[dict[str, Any]] = {
    "null": None,
    "boolean": True,
    "integer": 7,
    "fraction": 1.5,
    "string": "7",
    "array": [],
    "object": {},
}
FITS: Final = {"number": {"integer", "fraction"}, "array": {"array"}, "object": {"object"}}
HEADS: Final[dict[str, Json]] = {
    "/payload": {"event": "ORDER_COMPLETED", "eventId": "e-1"},
    "/data": {"specversion": "1.0", "type": "order.completed", "id": "e-1", "source": "/shop/1"},
    "": {},
}
BINARY: Final = [("ce_specversion", b"1.0"), ("ce_type", b"order.completed")]
MEMBERS: Final = list(places())


def allowed(schema: Json) -> set[str]:
    if "anyOf" in schema:
        return set().union(*(allowed(each) for each in schema["anyOf"]))
    kind = schema["type"]
    return FITS.get(kind, {kind})


def wrong_values(schema: Json) -> Iterator[Any]:
    fits = allowed(schema)
    yield from (value for kind, value in VALUES.items() if kind not in fits)


def changed(place: Place, value: Any) -> Json:
    order = deepcopy(full_order("x"))
    node: Any = order
    for step in place[:-1]:
        node = node[step]
    node[place[-1]] = value
    return order


@pytest.mark.parametrize(
    ("place", "schema"), MEMBERS, ids=["/".join(map(str, place)) for place, _ in MEMBERS]
)
def test_a_member_of_a_wrong_type_is_refused_and_named(place: Place, schema: Json) -> None:
    closed = {"enum", "const"} & schema.keys()
    reason = Reason.UNKNOWN_VALUE if closed else Reason.WRONG_TYPE
    for value in wrong_values(schema):
        for prefix, head in HEADS.items():
            order = changed(place, value)
            body = {**head, prefix[1:]: order} if prefix else order
            with pytest.raises(Refused) as caught:
                decode(orjson.dumps(body), () if prefix else BINARY)
            assert (caught.value.reason, caught.value.pointer) == (
                reason,
                f"{prefix}/{'/'.join(map(str, place))}",
            ), json.dumps(value)


def test_the_order_in_which_types_are_tried_is_a_good_one() -> None:
    for prefix, head in HEADS.items():
        order = full_order("x")
        body = {**head, prefix[1:]: order} if prefix else order
        assert decode(orjson.dumps(body), () if prefix else BINARY) != "skipped"
    assert len(MEMBERS) > 90
