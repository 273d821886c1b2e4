"""A search, read from a request's body: a typed filter, one sort, one page, or every fault of the body."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson
from pydantic import ValidationError

from records.filters import Compare, Exists, Filter, all_of, any_of, contains, count_leaves
from records.search_faults import Fault, SearchFaults, faults_of
from records.search_payload import SEARCH_PAYLOAD, SearchPayload
from records.search_sort import sort_keys

MAX_SEARCH_BYTES: Final = 2**20
MAX_LEVELS: Final = 10
"""How deep `and` and `or` may be nested; a query without them has none."""
MAX_LEAVES: Final = 500
MAX_MEMBERS: Final = 20_000
"""Of the body as a whole: more than any allowed search has, and few enough to validate in no time."""
DEFAULT_PAGE: Final = 20

_EXCLUDE_EACH_OTHER: Final = (
    ("after", "before"),
    ("after", "last"),
    ("size", "before"),
    ("size", "last"),
    # An id is a place in the default order alone: in any other, only a cursor knows the sort key.
    ("startAfterId", "after"),
    ("startAfterId", "before"),
    ("startAfterId", "last"),
    ("startAfterId", "sort"),
)
_RELATIVE: Final = {"after": "gt", "before": "lt"}
_OPERATORS: Final = frozenset({"eq", "notEq", "in", "notIn", "gt", "gte", "lt", "lte", *_RELATIVE})


@dataclass(frozen=True)
class Sort:
    """One sort key by the contract's dotted path, `id` by default."""

    path: str = "id"
    descending: bool = False


@dataclass(frozen=True, repr=False)
class PageRequest:
    """At most `limit` rows after a place in the order, or before it; from the end without one."""

    limit: int = DEFAULT_PAGE
    backward: bool = False
    cursor: str | None = None
    start_after_id: str | None = None


@dataclass(frozen=True, repr=False)
class SearchRequest:
    """A search that can be carried out. `binding` names its query and sort, for cursors."""

    query: Filter
    sort: Sort
    page: PageRequest
    with_total: bool
    binding: bytes


def parse_search(body: bytes) -> SearchRequest:
    """The search in a body. Raises SearchFaults with all faults, or with one that makes looking on pointless.

    Source: api rules 42 to 45.
    """
    raw = _json(body)
    faults = [*_excluded(raw)]
    try:
        payload = SEARCH_PAYLOAD.validate_python(raw)
    except ValidationError as error:
        raise SearchFaults(faults + faults_of(error)) from None
    tree = all_of(_filters(payload["query"], ""))
    if count_leaves(tree) > MAX_LEAVES:
        faults.append(("/query", f"at most {MAX_LEAVES} conditions altogether"))
    if faults:
        raise SearchFaults(faults)
    return _request(payload, tree, _binding(raw))


def _json(body: bytes) -> Any:
    if len(body) > MAX_SEARCH_BYTES:
        raise SearchFaults([("", f"a search is at most {MAX_SEARCH_BYTES} bytes")])
    try:
        raw = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise SearchFaults([("", "not JSON")]) from None
    if _too_many(raw):
        raise SearchFaults([("", f"a search has at most {MAX_MEMBERS} members and entries altogether")])
    if isinstance(raw, dict) and _too_deep(raw.get("query")):
        raise SearchFaults([("/query", f"`and` and `or` are nested at most {MAX_LEVELS} levels deep")])
    return raw


def _too_many(raw: Any) -> bool:
    todo, left = [raw], MAX_MEMBERS
    while todo and left >= 0:
        node = todo.pop()
        children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        left -= len(children)
        todo.extend(children if left >= 0 else ())
    return left < 0


def _too_deep(query: Any) -> bool:
    """Walks level by level, without recursion: the validator after it recurses."""
    level = [query]
    for _ in range(MAX_LEVELS + 1):
        level = [child for node in level if isinstance(node, dict) for child in _nested(node)]
    return bool(level)


def _nested(node: dict[str, Any]) -> Iterator[Any]:
    for name in ("and", "or"):
        if isinstance(node.get(name), list):
            yield from node[name]


def _excluded(raw: Any) -> Iterator[Fault]:
    for first, second in _EXCLUDE_EACH_OTHER if isinstance(raw, dict) else ():
        if first in raw and second in raw:
            yield f"/{second}", f"cannot be used together with {first}"


def _filters(node: Any, path: str) -> Iterator[Filter]:
    """The filters of a validated query or a part of it; names are the schema's own by now."""
    for name, value in node.items():
        if name == "and":
            yield all_of(all_of(_filters(child, "")) for child in value)
        elif name == "or":
            yield any_of(all_of(_filters(child, "")) for child in value)
        elif name == "contains":
            yield contains(path, all_of(_filters(value, "")))
        elif name == "exists":
            yield Exists(path, value)
        elif name in _OPERATORS:
            operand = tuple(value) if isinstance(value, list) else value
            yield Compare(path, _RELATIVE.get(name, name), operand)
        else:
            yield from _filters(value, f"{path}.{name}".lstrip("."))


def _request(payload: SearchPayload, tree: Filter, binding: bytes) -> SearchRequest:
    [(path, direction)] = sort_keys(payload["sort"][0]) if "sort" in payload else [("id", "ASC")]
    backward = "before" in payload or "last" in payload
    page = PageRequest(
        limit=payload.get("last", payload.get("size", DEFAULT_PAGE)),
        backward=backward,
        cursor=payload.get("before", payload.get("after")),
        start_after_id=payload.get("startAfterId"),
    )
    with_total = payload.get("options", {}).get("withTotal", False)
    return SearchRequest(tree, Sort(path, direction == "DESC"), page, with_total, binding)


def _binding(raw: dict[str, Any]) -> bytes:
    canonical = orjson.dumps([raw["query"], raw.get("sort")], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(canonical).digest()
