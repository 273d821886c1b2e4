"""Orders of which only the prices matter: built by hand, or generated."""

from typing import Any, Final

import orjson
from hypothesis import strategies as st
from pydantic import TypeAdapter

from records.money import SAFE_INTEGER
from records.payload import OrderPayload
from records.totals import PriceBreakdown, TaxMode

Json = dict[str, Any]
ORDER: Final = TypeAdapter(OrderPayload)


def line(quantity: float = 1, /, currency: str | None = "EUR", **prices: int | str | Json) -> Json:
    """A line item; a price is its value, or an object of keys."""
    keys = {
        category: said if isinstance(said, dict) else {"value": said} for category, said in prices.items()
    }
    if currency:
        keys.setdefault("basePrice", {})["currency"] = currency
    attributes = [
        {"category": category, "key": key, "value": str(value)}
        for category, said in keys.items()
        for key, value in said.items()
    ]
    return {"quantity": quantity, "article": {"tenantArticleId": "A", "attributes": attributes}}


def money(value: int, currency: str = "EUR", places: int | None = None) -> Json:
    stated = {} if places is None else {"decimalPlaces": places}
    return {"value": value, "currency": currency} | stated


def order(*lines: Json, payments: Any = (), **pricing: list[Json]) -> OrderPayload:
    """A validated order, as both ways in make it."""
    sent: Json = {"facilityRef": "F", "orderRecordDate": "2026-11-23T10:00:00Z", "lineItems": lines}
    sent |= {"pricing": pricing} if pricing else {}
    sent |= {"payments": [{"value": value} for value in payments]} if payments else {}
    return ORDER.validate_json(orjson.dumps(sent))


def flat(breakdown: PriceBreakdown | None) -> Json:
    """Every figure by its name, as a monetary value or None."""
    assert breakdown is not None
    discounts = breakdown["totalDiscounts"]
    figures: Json = {**breakdown, "totalDiscounts": None, "lineItemDiscounts": None, "orderDiscounts": None}
    return figures | ({**discounts["breakdown"], "totalDiscounts": discounts["value"]} if discounts else {})


def values(breakdown: PriceBreakdown | None) -> dict[str, int]:
    """The figures that are not null."""
    return {name: figure["value"] for name, figure in flat(breakdown).items() if figure}


def sums(**figures: int) -> dict[str, int]:
    """Expected figures under short names."""
    names = {"sub": "subTotal", "surcharges": "totalLineItemSurcharges", "taxes": "totalTaxes"}
    names |= {"fees": "totalFees", "lines": "lineItemDiscounts", "order": "orderDiscounts"}
    names |= {"discounts": "totalDiscounts"}
    return {names.get(name, name): value for name, value in figures.items()}


MODES: Final[st.SearchStrategy[TaxMode]] = st.sampled_from(["exclusive", "inclusive"])
_TEXTS: Final = (
    st.integers(-SAFE_INTEGER, SAFE_INTEGER).map(str)
    | st.decimals(-100, 1000, places=2).map(str)
    | st.sampled_from(["EUR", "JPY", "2", "3", "٣", "1_0", "-", "9" * 1024, "1e9"])
    | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4)
)
_CATEGORIES: Final = (
    *("basePrice", "salesPrice", "tax", "discount", "surcharge", "finalUnitPrice", "descriptive"),
    *("subtotalBeforeDiscounts", "subtotalAfterDiscounts", "finalLineItemPrice"),
)
_KEYS: Final = ("value", "value", "percentage", "currency", "decimalPlaces", "other")
_PERCENTAGES: Final = st.floats(0, 100) | st.integers(0, 100)
_QUANTITIES: Final = (
    st.floats(-SAFE_INTEGER, SAFE_INTEGER) | st.integers(-9, 9) | st.sampled_from([0.25, 0.333, 1.5])
)


@st.composite
def any_orders(draw: st.DrawFn) -> OrderPayload:
    """Orders whose prices say anything that the contract lets them say."""
    attributes = st.fixed_dictionaries(
        {"key": st.sampled_from(_KEYS), "value": _TEXTS}, optional={"category": st.sampled_from(_CATEGORIES)}
    )
    lines = draw(st.lists(st.tuples(_QUANTITIES, st.lists(attributes, max_size=6)), min_size=1, max_size=3))
    built = [
        {"quantity": quantity, "article": {"tenantArticleId": "A", "attributes": said}}
        for quantity, said in lines
    ]
    amounts = st.builds(
        money,
        st.integers(-SAFE_INTEGER, SAFE_INTEGER),
        st.sampled_from(["EUR", "EUR", "JPY"]),
        st.none() | st.integers(0, 20),
    )
    return order(*built, **draw(_pricing(amounts)), payments=draw(st.lists(amounts, max_size=1)))


def _pricing(amounts: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    valued = st.fixed_dictionaries({"value": amounts})
    discounts = st.one_of(
        st.fixed_dictionaries({"type": st.just("PERCENTAGE"), "percentage": _PERCENTAGES}),
        st.fixed_dictionaries({"type": st.just("ABSOLUTE"), "value": amounts}),
        st.fixed_dictionaries({}, optional={"percentage": _PERCENTAGES, "value": amounts}),
    )
    lists = {"discounts": discounts, "taxes": valued, "fees": st.just({}) | valued}
    return st.fixed_dictionaries(
        {}, optional={name: st.lists(row, max_size=3) for name, row in lists.items()}
    )


@st.composite
def sound_orders(draw: st.DrawFn) -> OrderPayload:
    """Orders in euro of which every figure that is asked for can be told."""
    small = st.integers(-(10**6), 10**6)
    lines = draw(
        st.lists(st.tuples(st.floats(-1000, 1000), small, *[st.none() | small] * 3), min_size=1, max_size=4)
    )
    built = [
        line(
            quantity,
            basePrice=price,
            **{
                name: value
                for name, value in zip(("tax", "discount", "surcharge"), more, strict=True)
                if value
            },
        )
        for quantity, price, *more in lines
    ]
    return order(*built, **draw(_pricing(st.builds(money, small))))
