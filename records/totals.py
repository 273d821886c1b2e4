"""The price breakdown of an order, computed once when it is stored (api rules 46-54, docs/totals.md).

Pure functions on integers. Whatever an order says of its prices, there is a breakdown and never an error.
"""

from collections.abc import Mapping
from typing import Annotated, Final, Literal, NamedTuple, get_args

from pydantic import Field
from typing_extensions import TypedDict

from records.amounts import TENS, exact_ratio, share, total_of
from records.line_prices import WITH_TAXES, WITHOUT_TAXES, Parts, add_line, even_places, read_prices
from records.money import DECIMAL_PLACES, DEFAULT_DECIMAL_PLACES, Currency, MonetaryValue
from records.payload import OrderPayload
from records.payload_prices import Pricing

TaxMode = Literal["exclusive", "inclusive"]
"""Whether prices are without taxes, which come on top, or already hold them (api rule 53)."""


class DiscountBreakdown(TypedDict):
    """The discounts by where they come from; zero or negative."""

    lineItemDiscounts: Annotated[
        MonetaryValue | None, Field(description="Those of the lines. Null where no line has any.")
    ]
    orderDiscounts: Annotated[
        MonetaryValue | None, Field(description="Those of the order as a whole. Null where there are none.")
    ]


class TotalDiscounts(TypedDict):
    """All discounts; zero or negative."""

    value: Annotated[MonetaryValue | None, Field(description="All of them together.")]
    breakdown: Annotated[DiscountBreakdown, Field(description="By where they come from.")]


class PriceBreakdown(TypedDict):
    """What an order comes to. A figure is null where nobody gave a part of it, or it cannot be computed."""

    subTotal: Annotated[
        MonetaryValue | None,
        Field(description="The goods at their prices: quantity times unit price, rounded line by line."),
    ]
    totalDiscounts: Annotated[
        TotalDiscounts | None, Field(description="What was taken off. Null where nothing was.")
    ]
    totalLineItemSurcharges: Annotated[
        MonetaryValue | None, Field(description="What was put on top of lines. Null where nothing was.")
    ]
    totalTaxes: Annotated[
        MonetaryValue | None,
        Field(description="The tax breakdown of the order, or where it has none the taxes of its lines."),
    ]
    totalFees: Annotated[MonetaryValue | None, Field(description="The fees. Null where there are none.")]
    total: Annotated[
        MonetaryValue | None,
        Field(
            description="Goods, discounts, surcharges and fees, and taxes where prices are without them. "
            "Null where a price is missing or there is more than one currency."
        ),
    ]


_CURRENCIES: Final[Mapping[str, Currency]] = {code: code for code in get_args(Currency)}


def price_breakdown(order: OrderPayload, tax_mode: TaxMode) -> PriceBreakdown | None:
    """The breakdown of a validated order; None when it holds no price at all.

    Values count units of 10^-decimalPlaces, for all figures the most decimal places that a price has.
    """
    whole = _order_money(order["pricing"]) if "pricing" in order else _NO_MONEY
    money = [*whole.taxes, *whole.fees, *whole.discounts]
    currencies: set[str] = {value["currency"] for value in money}
    categories = WITHOUT_TAXES if whole.taxes else WITH_TAXES
    lines = [read_prices(line, categories, currencies) for line in order["lineItems"]]
    if not money and not any(line.values for line in lines):
        return None
    currency = _single_currency(currencies, order)
    if currency is None:
        return _in_money(_UNKNOWN, tax_mode, "XXX", 0)
    default = DECIMAL_PLACES.get(currency, DEFAULT_DECIMAL_PLACES)
    line_places = [even_places(line, default) for line in lines]
    places = max(line_places + [value["decimalPlaces"] for value in money])
    parts = Parts([], [], [], [], [], [])
    for line, own in zip(lines, line_places, strict=True):
        add_line(parts, line, TENS[places - own])
    _add_order(parts, whole, places)
    return _in_money(parts, tax_mode, currency, places)


class _OrderMoney(NamedTuple):
    """What is said of the order as a whole; percentages are of discounts without a value."""

    taxes: list[MonetaryValue]
    fees: list[MonetaryValue]
    discounts: list[MonetaryValue]
    percentages: list[float]


_UNKNOWN: Final = Parts([None], [], [], [], [], [])
"""An order of which no figure can be told."""
_NO_MONEY: Final = _OrderMoney([], [], [], [])


def _order_money(pricing: Pricing) -> _OrderMoney:
    taxes = [tax["value"] for tax in pricing.get("taxes", ())]
    fees = [fee["value"] for fee in pricing.get("fees", ()) if "value" in fee]
    discounts, percentages = [], []
    for discount in pricing.get("discounts", ()):
        if "value" in discount and discount.get("type") != "PERCENTAGE":
            discounts.append(discount["value"])
        elif "percentage" in discount:
            percentages.append(discount["percentage"])
    return _OrderMoney(taxes, fees, discounts, percentages)


def _single_currency(currencies: set[str], order: OrderPayload) -> Currency | None:
    """The one currency of all prices; where none names any, that of the payments (api rules 48 and 54)."""
    named = currencies or {payment["value"]["currency"] for payment in order.get("payments", ())}
    return _CURRENCIES.get(next(iter(named))) if len(named) == 1 else None


def _add_order(parts: Parts, whole: _OrderMoney, places: int) -> None:
    """Adds what the order as a whole says, once all lines are in.

    Each percentage is of the same base: the subtotal after the discounts of the lines (api rule 51).
    """
    for money in whole.taxes:
        parts.taxes.append(_value(money, places))
    for money in whole.fees:
        parts.fees.append(_value(money, places))
    for money in whole.discounts:
        parts.order_discounts.append(-abs(_value(money, places)))
    if whole.percentages:
        base = total_of([total_of(parts.subtotals), total_of(parts.line_discounts)])
        for percentage in whole.percentages:
            parts.order_discounts.append(base and -abs(share(base, exact_ratio(percentage))))


def _value(money: MonetaryValue, places: int) -> int:
    return money["value"] * TENS[places - money["decimalPlaces"]]


def _in_money(parts: Parts, tax_mode: TaxMode, currency: Currency, places: int) -> PriceBreakdown:
    def money(value: int | None) -> MonetaryValue | None:
        return None if value is None else {"value": value, "currency": currency, "decimalPlaces": places}

    subtotal, by_lines, by_order, surcharges, taxes, fees = map(total_of, parts)
    discounts = total_of([by_lines, by_order])
    total = total_of([subtotal, discounts, surcharges, fees, taxes if tax_mode == "exclusive" else 0])
    lines = money(by_lines) if parts.line_discounts else None
    whole = money(by_order) if parts.order_discounts else None
    breakdown: DiscountBreakdown = {"lineItemDiscounts": lines, "orderDiscounts": whole}
    return {
        "subTotal": money(subtotal),
        "totalDiscounts": {"value": money(discounts), "breakdown": breakdown} if lines or whole else None,
        "totalLineItemSurcharges": money(surcharges) if parts.surcharges else None,
        "totalTaxes": money(taxes) if parts.taxes else None,
        "totalFees": money(fees) if parts.fees else None,
        "total": money(total),
    }
