"""What the price attributes of a line say, as amounts of the whole line (api rules 48-50, docs/totals.md)."""

from typing import Final, NamedTuple

from records.amounts import (
    TENS,
    Amounts,
    Ratio,
    exact_ratio,
    read_integer,
    read_percentage,
    share,
    times,
)
from records.payload_lines import LineItem

WITHOUT_TAXES: Final = frozenset(
    {
        "basePrice",
        "salesPrice",
        "discount",
        "surcharge",
        "subtotalBeforeDiscounts",
        "subtotalAfterDiscounts",
    }
)
WITH_TAXES: Final = WITHOUT_TAXES | {"tax"}
"""The categories that count. Final prices are stored and not used (api rule 53)."""


class LinePrices(NamedTuple):
    """The price attributes of one line by category; values in minor units."""

    quantity: float
    values: dict[str, int]
    percentages: dict[str, Ratio]
    places: dict[str, int]


class Parts(NamedTuple):
    """What an order is made of, by figure; all with the same decimal places, discounts negative or zero."""

    subtotals: Amounts
    line_discounts: Amounts
    order_discounts: Amounts
    surcharges: Amounts
    taxes: Amounts
    fees: Amounts


def read_prices(line: LineItem, categories: frozenset[str], currencies: set[str]) -> LinePrices:
    """The attributes of these categories; the currencies that they name are added to the set.

    What is no number counts as absent; of two attributes alike the last one counts.
    """
    prices = LinePrices(line["quantity"], {}, {}, {})
    _, values, percentages, places = prices
    for attribute in line["article"]["attributes"]:
        category = attribute.get("category")
        if category not in categories:
            continue
        key, text = attribute["key"], attribute["value"]
        if key == "value":
            if (value := read_integer(text)) is not None:
                values[category] = value
        elif key == "currency":
            currencies.add(text)
        elif key == "percentage":
            if percentage := read_percentage(text):
                percentages[category] = percentage
        elif key == "decimalPlaces" and (own := read_integer(text)) is not None and 0 <= own < len(TENS):
            places[category] = own
    return prices


def even_places(prices: LinePrices, default: int) -> int:
    """The decimal places of a line; where its categories state different ones, all values take the most.

    `default` is what the currency has, for a category beside which none is stated.
    """
    if not prices.places:
        return default
    stated = set(prices.places.values())
    if len(stated) == 1:
        return stated.pop()
    places = max(default, *stated)
    for category, value in prices.values.items():
        prices.values[category] = value * TENS[places - prices.places.get(category, default)]
    return places


def add_line(parts: Parts, prices: LinePrices, factor: int) -> None:
    """Adds what a line comes to. `factor` takes its values to the decimal places of the order."""
    _, values, percentages, _ = prices
    subtotal = _subtotal(prices)
    parts.subtotals.append(subtotal and subtotal * factor)
    if "surcharge" in values or "surcharge" in percentages:
        surcharge = _stated(prices, "surcharge", subtotal)
        parts.surcharges.append(surcharge and surcharge * factor)
    if "tax" in values or "tax" in percentages:
        tax = _stated(prices, "tax", subtotal)
        parts.taxes.append(tax and tax * factor)
    if "discount" in values or "discount" in percentages or "subtotalAfterDiscounts" in values:
        discount = _discount(prices, subtotal)
        parts.line_discounts.append(discount and -abs(discount) * factor)


def _subtotal(prices: LinePrices) -> int | None:
    """Api rule 49: as stated, else quantity times unit price, rounded half up; None for an unpriced line."""
    quantity, values, _, _ = prices
    if "subtotalBeforeDiscounts" in values:
        return values["subtotalBeforeDiscounts"]
    unit_price = values.get("basePrice", values.get("salesPrice"))
    return None if unit_price is None else times(unit_price, exact_ratio(quantity))


def _discount(prices: LinePrices, subtotal: int | None) -> int | None:
    """As stated, else by how much the subtotal became smaller; one that grew was not discounted."""
    _, values, percentages, _ = prices
    if "discount" in values or "discount" in percentages:
        return _stated(prices, "discount", subtotal)
    return None if subtotal is None else max(0, abs(subtotal) - abs(values["subtotalAfterDiscounts"]))


def _stated(prices: LinePrices, category: str, subtotal: int | None) -> int | None:
    """Api rule 50: a value is of the line, not of one unit; a percentage alone is of the line's subtotal."""
    if category in prices.values:
        return prices.values[category]
    return None if subtotal is None else share(subtotal, prices.percentages[category])
