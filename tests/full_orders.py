"""Orders with every member of the schema, made from the schema: for tests that try something in each."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

from pydantic import TypeAdapter

from records.payload import OrderPayload

Json = dict[str, Any]
Place = tuple[str | int, ...]

ROOT: Final = TypeAdapter(OrderPayload).json_schema()
_LIFECYCLE: Final = frozenset({"gdprCleanupDate", "deletionDate"})  # they decide how long the record lives
_DATE: Final = "2026-11-20T08:30:00Z"


def places(node: Json = ROOT, place: Place = ()) -> Iterator[tuple[Place, Json]]:
    """Every member of an order with its schema; of a list the first element."""
    for name, reference in node.get("properties", {}).items():
        child, here = _resolved(reference), (*place, name)
        yield here, child
        if "items" in child:
            child, here = _resolved(child["items"]), (*here, 0)
            yield here, child
        yield from places(child, here)


def _resolved(node: Json) -> Json:
    return ROOT["$defs"][node["$ref"].rsplit("/", 1)[1]] | node if "$ref" in node else node


def leaves() -> Iterator[tuple[Place, Json]]:
    """The members that hold values and no other members of the schema."""
    yield from (each for each in places() if "properties" not in each[1] and "items" not in each[1])


def is_text(node: Json) -> bool:
    """Whether any text will do, within a length."""
    return node.get("type") == "string" and not {"format", "pattern", "enum", "const"} & node.keys()


TEXTS: Final = tuple(place for place, node in leaves() if is_text(node))
"""Every member that is free text."""


def full_order(text: str) -> Json:
    """An order with every member of the schema but its lifecycle; every free text in it is this one."""
    order: Json = {}
    for place, node in leaves():
        if place[0] not in _LIFECYCLE:
            put_at(order, place, _value(node, text))
    return order


def _value(node: Json, text: str) -> Any:
    if is_text(node):
        return text
    if "enum" in node or "const" in node:
        return "EUR" if "EUR" in node.get("enum", ()) else node.get("const", node.get("enum", [None])[0])
    if "pattern" in node:
        return "P2Y"
    if isinstance(node.get("additionalProperties"), dict):
        return {"de_DE": text}
    if "anyOf" in node:  # free JSON
        return {"note": text, "deep": [{"list": [text]}]}
    return {"string": _DATE, "boolean": True}.get(node["type"], 1)


def put_at(node: Any, place: Place, value: Any) -> None:
    """Sets a member, and makes the objects and lists on the way to it."""
    for part, following in pairwise(place):
        node = node[part] if isinstance(part, int) else node.setdefault(part, [{}] if following == 0 else {})
    node[place[-1]] = value


def value_at(node: Any, place: Place) -> Any:
    for part in place:
        node = node[part]
    return node


def pointer(place: Place) -> str:
    """The place as a JSON pointer."""
    return "".join(f"/{part}" for part in place)
