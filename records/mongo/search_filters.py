"""The typed filter tree in MongoDB's language: only our names, only typed scalars."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, Final

from records.durations import Duration
from records.filters import AllOf, AnyOf, Compare, Contains, Exists, Filter, Operand
from records.identity import NaturalKey, record_id
from records.mongo.client import Document
from records.mongo.search_indexes import SEARCH_INDEXES

_OPERATORS: Final = {
    "eq": "$eq",
    "notEq": "$ne",
    "in": "$in",
    "notIn": "$nin",
    "gt": "$gt",
    "gte": "$gte",
    "lt": "$lt",
    "lte": "$lte",
}
_EXACT: Final = frozenset({"eq", "in"})
_NUMBER: Final = "tenantOrderRecordId"
_NEVER: Final[Document] = {"_id": {"$in": []}}
_INDEXED: Final = frozenset(
    [str(next(iter(model.document["key"]))) for model in SEARCH_INDEXES] + [_NUMBER, "deletionDate"]
)

Compile = Callable[[Filter], Document]


def compile_filter(tree: Filter, *, now: datetime, identity_key: bytes) -> Document:
    """The query of a filter. An order number is looked up by the id that it leads to (design section 8)."""
    compiled: Compile = partial(compile_filter, now=now, identity_key=identity_key)
    match tree:
        case AllOf(filters):
            return {"$and": [compiled(each) for each in filters]} if filters else {}
        case AnyOf(filters):
            return {"$or": [compiled(each) for each in filters]} if filters else _NEVER
        case Contains(path, element):
            return {path: {"$elemMatch": compiled(element)}}
        case Exists(path, exists):
            return {f"{path}.0": {"$exists": exists}}
        case Compare(path, operator, operand):
            compared = {path: {_OPERATORS[operator]: _bson(operand, now)}}
            if path == _NUMBER and operator in _EXACT:
                return {"_id": {"$in": _ids(operand, identity_key)}, **compared}
            return compared


def is_selective(tree: Filter, sorted_by: str) -> bool:
    """Whether an index other than the sort's is likely to find the few records that match.

    Only then is the choice of an index left to MongoDB: a page of an unselective search has to walk
    the sort's index, whatever the planner makes of the ranges that every search carries.
    """
    match tree:
        case AllOf(filters):
            return any(is_selective(each, sorted_by) for each in filters)
        case AnyOf(filters):
            return bool(filters) and all(is_selective(each, sorted_by) for each in filters)
        case Contains(path, element):
            return _is_exact(element, f"{path}.")
        case Exists():
            return False
        case Compare():
            ranged = not isinstance(tree.operand, str | tuple) and tree.operator != "notEq"
            return tree.path in _INDEXED - {sorted_by} and (ranged or tree.operator in _EXACT)


def _is_exact(element: Filter, within: str) -> bool:
    leaves = element.filters if isinstance(element, AllOf) else (element,)
    return any(
        isinstance(leaf, Compare) and leaf.operator in _EXACT and within + leaf.path in _INDEXED
        for leaf in leaves
    )


def _bson(operand: Operand, now: datetime) -> Any:
    match operand:
        case Duration():
            return operand.added_to(now)
        case tuple():
            return list(operand)
        case _:
            return operand


def _ids(operand: Operand, identity_key: bytes) -> list[str]:
    numbers = operand if isinstance(operand, tuple) else (str(operand),)
    return [record_id(identity_key, NaturalKey.of_order(number)) for number in numbers]
