"""What a search may ask of a record: a typed tree, where no name and no operator is the sender's."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from records.durations import Duration

Operator = Literal["eq", "notEq", "in", "notIn", "gt", "gte", "lt", "lte"]
Operand = str | bool | datetime | Duration | tuple[str, ...]
NEGATIONS: Final = frozenset({"notEq", "notIn"})
"""The operators that an absent value satisfies."""


@dataclass(frozen=True, repr=False)
class Compare:
    """A value against an operand; the path starts at the record, or at the element of a `Contains`."""

    path: str
    operator: Operator
    operand: Operand


@dataclass(frozen=True)
class Exists:
    """Whether a list has an element: empty and absent are the same."""

    path: str
    exists: bool


@dataclass(frozen=True)
class Contains:
    """One element of a list satisfies the whole inner filter."""

    path: str
    element: "Filter"


@dataclass(frozen=True)
class AllOf:
    """Every filter holds; of none, always."""

    filters: tuple["Filter", ...]


@dataclass(frozen=True)
class AnyOf:
    """One filter holds; of none, never."""

    filters: tuple["Filter", ...]


Filter = Compare | Exists | Contains | AllOf | AnyOf

EVERYTHING: Final = AllOf(())
NOTHING: Final = AnyOf(())


def all_of(filters: Iterable[Filter]) -> Filter:
    """The filters as one, without those that always hold; nothing, when one never holds."""
    kept: list[Filter] = []
    for each in filters:
        kept += each.filters if isinstance(each, AllOf) else (each,)
    if NOTHING in kept:
        return NOTHING
    return kept[0] if len(kept) == 1 else AllOf(tuple(kept))


def any_of(filters: Iterable[Filter]) -> Filter:
    """The filters as alternatives, without those that never hold; everything, when one always holds."""
    kept: list[Filter] = []
    for each in filters:
        kept += each.filters if isinstance(each, AnyOf) else (each,)
    if EVERYTHING in kept:
        return EVERYTHING
    return kept[0] if len(kept) == 1 else AnyOf(tuple(kept))


def contains(path: str, element: Filter) -> Filter:
    """One element satisfies the filter; where every element would, that there is one."""
    if element == EVERYTHING:
        return Exists(path, exists=True)
    return NOTHING if element == NOTHING else Contains(path, element)


def count_leaves(tree: Filter) -> int:
    """How many comparisons and existence tests a tree holds."""
    match tree:
        case AllOf(filters) | AnyOf(filters):
            return sum(map(count_leaves, filters))
        case Contains(_, element):
            return count_leaves(element)
        case Compare() | Exists():
            return 1
