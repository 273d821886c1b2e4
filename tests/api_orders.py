"""Orders as senders PUT them, generated small so that they meet: repeats, conflicts, ties, gaps.

Each part comes from a small pool, made once: to draw every member by itself costs more than to store it.
"""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Any, Final

from hypothesis import strategies as st

from tests.search_model import INSTANTS, WORDS

Json = dict[str, Any]

NUMBERS: Final = [f"{word}{i}" for word in "aB" for i in range(20)]
_RANDOM: Final = Random(5)
_ELSEWHERE: Final = timezone(timedelta(hours=5, minutes=30))


def _pool(make: Callable[[], Any], size: int = 12) -> list[Any]:
    return [make() for _ in range(size)]


def _some(members: Json) -> Json:
    """An object that lacks some of its members."""
    return {name: value for name, value in members.items() if _RANDOM.random() < 0.7}


def _word() -> str:
    return _RANDOM.choice(WORDS)


def _line() -> Json:
    price = [("value", str(_RANDOM.choice([0, 3, 500]))), ("currency", "EUR")]
    attributes = [{"category": "basePrice", "key": key, "value": value} for key, value in price]
    article = {"tenantArticleId": _word(), "attributes": attributes if _RANDOM.random() < 0.8 else []}
    return {"article": article, "quantity": _RANDOM.choice([0.5, 1.0, 2.0, -1.0])}


def _address() -> Json:
    names = ("city", "companyName", "country", "firstName", "lastName", "postalCode")
    return _some({name: _word() for name in names})


def _payment() -> Json:
    words = {name: _word() for name in ("paymentMethod", "receiptNumber", "transactionId")}
    words["status"] = _RANDOM.choice(["COMPLETED", "REFUNDED"])
    return {"value": {"value": 5, "currency": "EUR", "decimalPlaces": 2}, **_some(words)}


def _origin() -> Json:
    return {"type": "POS", **_some({"cashierId": _word(), "terminalId": _word()})}


def _list(make: Callable[[], Json], least: int = 0) -> list[Json]:
    return [make() for _ in range(_RANDOM.randint(least, 3))]


_ABSENT: Final = ...
_POOLS: Final[dict[str, list[Any]]] = {
    "facilityRef": WORDS,
    "orderRecordDate": [at.isoformat() for at in INSTANTS],
    "lineItems": _pool(lambda: _list(_line, least=1)),
    "consumer": [_ABSENT, *_pool(lambda: _some({"consumerId": _word(), "addresses": _list(_address)}))],
    "origin": [_ABSENT, *_pool(_origin)],
    "payments": [_ABSENT, [], *_pool(lambda: _list(_payment))],
    "customAttributes": [_ABSENT, None, {}, {"note": "a", "tag": "Z"}],
}
# Most stay with the policy: an order that is born past its dates says little afterwards.
_DATES: Final = [_ABSENT] * 15 + [at.isoformat() for at in INSTANTS]

BROKEN: Final[list[Any]] = [
    None,
    5,
    {},
    {"facilityRef": "f", "orderRecordDate": "2026-06-17T12:00:00Z", "lineItems": []},
    {"facilityRef": "f", "orderRecordDate": "yesterday", "lineItems": _POOLS["lineItems"][0]},
]


@st.composite
def operations(draw: st.DrawFn) -> Any:
    """One operation of a PUT: mostly an order with a number, which another one may have taken."""
    kind = draw(st.sampled_from(["numbered", "numbered", "numbered", "nameless", "nameless", "broken"]))
    if kind == "broken":
        return draw(st.sampled_from(BROKEN))
    pools = {**_POOLS, "gdprCleanupDate": _DATES, "deletionDate": _DATES}
    if kind == "numbered":
        pools["tenantOrderRecordId"] = NUMBERS
    order = {name: draw(st.sampled_from(pool)) for name, pool in pools.items()}
    return {name: value for name, value in order.items() if value is not _ABSENT}


@st.composite
def puts(draw: st.DrawFn, least: int = 1) -> list[Any]:
    """The operations of a PUT."""
    return draw(st.lists(operations(), min_size=least, max_size=8))


def respelled(operation: Any) -> Any:
    """The same order with its members in another order, and its date as another place writes it."""
    if operation in BROKEN:
        return operation
    turned: Json = _turned(operation)
    at = datetime.fromisoformat(operation["orderRecordDate"])
    return {**turned, "orderRecordDate": at.astimezone(_ELSEWHERE).isoformat()}


def _turned(value: Any) -> Any:
    if isinstance(value, list):
        return [_turned(each) for each in value]
    if isinstance(value, dict):
        return {name: _turned(value[name]) for name in reversed(value)}
    return value
