"""What a schema cannot say about free JSON: depth, numbers, names of members, size."""

import math
from typing import Any, Final

import orjson
from pydantic_core import PydanticCustomError

from records.money import SAFE_INTEGER
from records.reasons import Reason

MAX_DEPTH: Final = 100
MAX_SERIALIZED_CHARACTERS: Final = 15_360
"""The contract's limit for one ``customAttributes`` object (api rule 12)."""
_PROBLEMS: Final = {
    Reason.LIMIT_EXCEEDED: f"takes more than {MAX_SERIALIZED_CHARACTERS} characters as JSON",
    Reason.TOO_DEEP: f"nests to more than {MAX_DEPTH} levels",
    Reason.FORBIDDEN_KEY: "the name of a member begins with $, or has a dot or a NUL in it",
    Reason.NUMBER_OUT_OF_RANGE: f"a number is not finite, or an integer beyond {SAFE_INTEGER}",
}


def check_custom_attributes(value: dict[str, Any] | None) -> dict[str, Any] | None:
    """The attributes as they are, or an error that names the reason code.

    Source: api rule 12 (size, names) and design section 10 (numbers, depth).
    """
    if value:
        _check(value)
        if len(orjson.dumps(value).decode()) > MAX_SERIALIZED_CHARACTERS:
            raise _fault(Reason.LIMIT_EXCEEDED)
    return value


def check_names(value: dict[str, str]) -> dict[str, str]:
    """A map of locale to text whose names MongoDB can store without a second meaning."""
    for name in value:
        _check_name(name)
    return value


def depth_of(value: object, limit: int = MAX_DEPTH) -> int:
    """How deep containers are nested in a parsed JSON value, counting no further than limit + 1."""
    depth, level = 0, [value]
    while depth <= limit:
        level = [child for node in level if isinstance(node, dict | list) for child in _children(node)]
        if not level:
            break
        depth += 1
    return depth


def _children(node: dict[str, Any] | list[Any]) -> list[Any]:
    return list(node.values()) if isinstance(node, dict) else node


def _check(root: dict[str, Any]) -> None:
    """Walks without recursion, so that no depth that a parser lets through can end the process."""
    todo: list[tuple[Any, int]] = [(root, 1)]
    while todo:
        node, depth = todo.pop()
        if isinstance(node, dict | list):
            if depth > MAX_DEPTH:
                raise _fault(Reason.TOO_DEEP)
            if isinstance(node, dict):
                for name in node:
                    _check_name(name)
            todo.extend((child, depth + 1) for child in _children(node))
        else:
            _check_number(node)


def _check_name(name: str) -> None:
    if name.startswith("$") or "." in name or "\x00" in name:
        raise _fault(Reason.FORBIDDEN_KEY)


def _check_number(value: object) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise _fault(Reason.NUMBER_OUT_OF_RANGE)
    if isinstance(value, int) and not -SAFE_INTEGER <= value <= SAFE_INTEGER:
        raise _fault(Reason.NUMBER_OUT_OF_RANGE)


def _fault(reason: Reason) -> PydanticCustomError:
    return PydanticCustomError(reason.value, _PROBLEMS[reason])
