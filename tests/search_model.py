"""Records as MongoDB may hold them, and searches as clients send them, generated small so that they meet.

tests/search_answers.py says what the answer has to be.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from records.identity import NaturalKey, record_id
from records.mask import mask

Json = dict[str, Any]
Shape = SearchStrategy[Any]

IDENTITY_KEY: Final = bytes(32)
NOW: Final = datetime(2026, 6, 17, 12, 0, 0, 123_456, tzinfo=UTC)
_NOW_STORED: Final = NOW.replace(microsecond=123_000)
_DAY, _MILLISECOND = timedelta(days=1), timedelta(milliseconds=1)
INSTANTS: Final = [_NOW_STORED + i * _DAY for i in (-40, -2, -1, 0, 1, 30)] + [_NOW_STORED + _MILLISECOND]
_LATEST: Final = max(INSTANTS)
WORDS: Final = ["", "a", "Z", "é", "\U0001f600", "$ne", "CARD"]

SORTS: Final = [
    *("orderRecordDate", "tenantOrderRecordId", "lineItems.quantity", "pricing.total.priceBreakdownTotal"),
    *(f"origin.{name}" for name in ("cashierId", "terminalId", "type")),
    *(f"payments.{name}" for name in ("paymentMethod", "receiptNumber", "status", "transactionId")),
    *(
        f"consumer.addresses.{name}"
        for name in ("city", "companyName", "country", "firstName", "lastName", "postalCode")
    ),
]
"""The contract's sort keys, less the facilities' (api rule 44)."""


# What is stored


def records() -> SearchStrategy[list[Json]]:
    """Records as MongoDB may hold them at NOW: live, expired, anonymized, past their deletion date."""
    return (st.lists(_record(), min_size=8, max_size=12) | st.lists(_record(), max_size=4)).map(_identified)


def _identified(found: list[Json]) -> list[Json]:
    """Numbered records have the number's id, others any; none has another's number."""
    for i, record in enumerate(found):
        if word := record.pop("number"):
            record["tenantOrderRecordId"] = f"{word}{i}"
            record["_id"] = record_id(IDENTITY_KEY, NaturalKey.of_order(f"{word}{i}"))
        else:
            record["_id"] = f"{(i * 7) % 12:02d}"
    return [mask(record) if record.pop("swept") else record for record in found]


@st.composite
def _record(draw: st.DrawFn) -> Json:
    cleanup, deletion = sorted(draw(st.tuples(_instants(), st.just(_LATEST) | _instants())))
    record: Json = draw(_MEMBERS)
    record |= {"gdprCleanupDate": cleanup, "deletionDate": deletion, "anonymized": False}
    return record | {"swept": cleanup <= NOW and draw(st.booleans())}


def _members() -> Shape:
    address = _some(dict.fromkeys(("city", "companyName", "firstName", "lastName", "postalCode", "country")))
    payment = _some(dict.fromkeys(("paymentMethod", "receiptNumber", "status", "transactionId")))
    quantity = st.sampled_from([0.5, 1.0, 2.0, -1.0])
    line = st.fixed_dictionaries(
        {"article": st.fixed_dictionaries({"tenantArticleId": _words()}), "quantity": quantity}
    )
    total = st.none() | st.sampled_from([{"value": n, "currency": "EUR"} for n in (-5, 0, 3, 2**53)])
    breakdown = st.fixed_dictionaries({}, optional={"total": total})
    required = {
        "number": st.sampled_from(["", "a", "B"]),
        "version": st.just(1),
        "facilityRef": _words(),
        "orderRecordDate": _instants(),
        "lineItems": st.lists(line, min_size=1, max_size=3),
    }
    optional = {
        "consumer": _some({"consumerId": None, "addresses": _few(address)}),
        "origin": _some({"cashierId": None, "terminalId": None, "type": st.just("POS")}),
        "payments": _few(payment),
        "pricing": _some({"total": _some({"priceBreakdown": breakdown})}),
    }
    return st.fixed_dictionaries(required | optional) | st.fixed_dictionaries(required, optional=optional)


def _some(members: dict[str, Shape | None]) -> Shape:
    filled = {name: _words() if shape is None else shape for name, shape in members.items()}
    return st.fixed_dictionaries(filled) | st.fixed_dictionaries({}, optional=filled)


def _few(element: Shape) -> Shape:
    return st.lists(element, min_size=2, max_size=3) | st.lists(element, max_size=2)


def _words() -> Shape:
    return st.sampled_from(WORDS)


def _instants() -> SearchStrategy[datetime]:
    return st.sampled_from(INSTANTS)


_MEMBERS: Final = _members()


# What is asked


def _text() -> Shape:
    return _compared(_words())


def _compared(text: Shape) -> Shape:
    """Mostly by one operator, sometimes by several."""
    few = st.lists(text, max_size=3)
    operators = {"eq": text, "notEq": text, "in": few, "notIn": few}
    one = [st.fixed_dictionaries({name: operand}) for name, operand in operators.items()]
    return st.one_of(one) | st.fixed_dictionaries({}, optional=operators)


def _date() -> Shape:
    instant = _instants().map(lambda at: at.isoformat())
    operators = dict.fromkeys(("eq", "notEq", "gt", "gte", "lt", "lte"), instant)
    days = st.sampled_from(["P0D", "-P1D", "\u2013P2D", "P30D", "PT24H"])
    return st.dictionaries(st.sampled_from([*operators]), instant, max_size=2) | st.fixed_dictionaries(
        {}, optional={"after": days, "before": days}
    )


def _list(element: Shape) -> Shape:
    members = {"contains": element, "exists": st.booleans()}
    return element.map(lambda one: {"contains": one}) | st.fixed_dictionaries({}, optional=members)


def _number() -> Shape:
    return _compared(st.builds("{}{}".format, st.sampled_from(["a", "B"]), st.integers(0, 5)))


def _field() -> Shape:
    article = st.fixed_dictionaries({}, optional={"tenantArticleId": _text()})
    fields: dict[str, Shape] = {
        "anonymized": st.fixed_dictionaries({}, optional={"eq": st.booleans()}),
        "orderRecordDate": _date(),
        "gdprCleanupDate": _date(),
        "deletionDate": _date(),
        "facilityRef": _text(),
        "tenantOrderRecordId": _number(),
        "consumer": _query_of({"consumerId": _text(), "addresses": _list(_texts("lastName", "companyName"))}),
        "lineItems": _list(st.fixed_dictionaries({}, optional={"article": article})),
        "origin": _texts("cashierId", "terminalId"),
        "payments": _list(_texts("receiptNumber", "transactionId")),
    }
    return st.sampled_from([*fields]).flatmap(lambda name: fields[name].map(lambda asked: {name: asked}))


def _texts(*names: str) -> Shape:
    return _query_of({name: _text() for name in names})


def _query_of(members: dict[str, Shape]) -> Shape:
    return st.fixed_dictionaries(members) | st.fixed_dictionaries({}, optional=members)


FIELDS: Final[SearchStrategy[Json]] = _field()
"""Queries on one field each."""
QUERIES: Final[SearchStrategy[Json]] = st.recursive(
    st.just({}) | FIELDS,
    lambda child: st.builds(
        lambda field, name, queries: {**field, name: queries},
        st.just({}) | FIELDS,
        st.sampled_from(["and", "or"]),
        st.lists(child, max_size=3),
    ),
    max_leaves=5,
)
