"""What a search has to answer, said once more in plain Python over records as they are seen.

Shares no code with the search; queries are taken as clients send them.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from records.mask import mask
from tests.search_model import NOW

Json = dict[str, Any]
Place = tuple[Any, ...]


def seen(stored: Iterable[Json], now: datetime = NOW) -> list[Json]:
    """The records as clients see them at this time."""
    visible = [record for record in stored if record["deletionDate"] > now]
    return [mask(r) if not r["anonymized"] and r["gdprCleanupDate"] <= now else r for r in visible]


def matches(asked: Json, value: Any, now: datetime = NOW) -> bool:
    """Whether a value (a record, a member, an element, None for absent) satisfies a query or a part of it."""
    return all(_holds(name, operand, value, now) for name, operand in asked.items())


def _holds(name: str, operand: Any, value: Any, now: datetime) -> bool:  # noqa: PLR0911 - one line an operator
    match name:
        case "and":
            return all(matches(each, value, now) for each in operand)
        case "or":
            return any(matches(each, value, now) for each in operand)
        case "contains":
            return any(matches(operand, element, now) for element in value or ())
        case "exists":
            return bool(value) is operand
        case "eq" | "notEq":
            return (value == _operand(operand, now)) is (name == "eq")
        case "in" | "notIn":
            return (value in operand) is (name == "in")
        case "gt" | "gte" | "lt" | "lte" | "after" | "before":
            return _compares(name, value, _operand(operand, now))
        case _:
            return matches(operand, (value or {}).get(name), now)


def _compares(name: str, value: datetime, operand: datetime) -> bool:
    if name in ("gt", "after"):
        return value > operand
    if name in ("lt", "before"):
        return value < operand
    return value >= operand if name == "gte" else value <= operand


_FROM_NOW: Final = {"P0D": 0, "-P1D": -1, "\u2013P2D": -2, "P30D": 30, "PT24H": 1}


def _operand(operand: Any, now: datetime) -> Any:
    if operand in _FROM_NOW:
        stored = now.replace(microsecond=now.microsecond // 1000 * 1000)
        return stored + timedelta(days=_FROM_NOW[operand])
    try:
        return datetime.fromisoformat(operand)
    except (TypeError, ValueError):
        return operand


def in_order(found: Iterable[Json], path: str | None, *, descending: bool) -> list[str]:
    """The ids of records in a sort's order; without one, by id."""
    places = sorted((place(record, path, descending=descending) for record in found), reverse=descending)
    return [each[-1] for each in places]


def place(record: Json, path: str | None, *, descending: bool) -> Place:
    """Where a record stands: no value before any value, the list's value that comes first, then the id."""
    pick = max if descending else min
    values = _values(record, (path or "").replace("priceBreakdownTotal", "priceBreakdown.total.value"))
    value = pick(map(_comparable, values), default=None) if path else None
    return (False, record["_id"]) if value is None else (True, value, record["_id"])


def _values(value: Any, path: str) -> list[Any]:
    if isinstance(value, list):
        return [each for element in value for each in _values(element, path)]
    if not path or value is None:
        return [] if value is None else [value]
    name, _, rest = path.partition(".")
    return _values(value.get(name), rest)


def _comparable(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value
