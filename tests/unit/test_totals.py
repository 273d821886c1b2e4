"""The price breakdown of orders, worked out by hand, and the example on the page about it."""

import re
from pathlib import Path
from typing import Final

import orjson
import pytest

from records.money import SAFE_INTEGER
from records.payload import OrderPayload
from records.totals import price_breakdown
from tests.priced_orders import ORDER, Json, flat, line, money, order, sums, values

PAGE: Final = Path(__file__).parents[2] / "docs/totals.md"
PERCENT_10: Final = {"type": "PERCENTAGE", "percentage": 10}
SHIRTS: Final = line(2, basePrice=2490)
UNPRICED: Final = line(currency=None)
BIG: Final = SAFE_INTEGER

CASES: Final[dict[str, tuple[OrderPayload, dict[str, int]]]] = {
    "one line": (order(SHIRTS), sums(sub=4980, total=4980)),
    "two lines": (order(SHIRTS, line(3, basePrice=199)), sums(sub=5577, total=5577)),
    "a fraction, rounded down": (order(line(0.333, basePrice=2490)), sums(sub=829, total=829)),
    "a half, rounded up": (order(line(0.25, basePrice=1998)), sums(sub=500, total=500)),
    "a negative half, rounded away from zero": (
        order(line(-0.25, basePrice=1998)),
        sums(sub=-500, total=-500),
    ),
    "a half that binary fractions miss": (order(line(2.675, basePrice=100)), sums(sub=268, total=268)),
    "each line rounded alone": (
        order(line(0.5, basePrice=1), line(0.5, basePrice=1)),
        sums(sub=2, total=2),
    ),
    "the subtotal as stated": (
        order(line(2, basePrice=2490, subtotalBeforeDiscounts=4000)),
        sums(sub=4000, total=4000),
    ),
    "base price before sales price": (order(line(2, salesPrice=1, basePrice=5)), sums(sub=10, total=10)),
    "sales price alone": (order(line(2, salesPrice=7)), sums(sub=14, total=14)),
    "sales price when the base price is no number": (
        order(line(2, salesPrice=7, basePrice="24.90")),
        sums(sub=14, total=14),
    ),
    "final prices are not used": (
        order(line(2, basePrice=5, finalUnitPrice=9, finalLineItemPrice=18)),
        sums(sub=10, total=10),
    ),
    "a line discount by value": (
        order(line(2, basePrice=2490, discount=300)),
        sums(sub=4980, lines=-300, discounts=-300, total=4680),
    ),
    "a line discount sent as negative": (
        order(line(2, basePrice=2490, discount=-300)),
        sums(sub=4980, lines=-300, discounts=-300, total=4680),
    ),
    "a line discount by percentage, half up": (
        order(line(1, basePrice=1005, discount={"percentage": "10"})),
        sums(sub=1005, lines=-101, discounts=-101, total=904),
    ),
    "a line discount by a percentage with decimals": (
        order(line(2, basePrice=2490, discount={"percentage": "-12.5"})),
        sums(sub=4980, lines=-623, discounts=-623, total=4357),
    ),
    "a value before a percentage": (
        order(line(2, basePrice=2490, discount={"percentage": 50, "value": 1})),
        sums(sub=4980, lines=-1, discounts=-1, total=4979),
    ),
    "a percentage when the value is no number": (
        order(line(2, basePrice=2490, discount={"percentage": 50, "value": "much"})),
        sums(sub=4980, lines=-2490, discounts=-2490, total=2490),
    ),
    "a line discount by difference": (
        order(line(2, basePrice=2490, subtotalAfterDiscounts=4482)),
        sums(sub=4980, lines=-498, discounts=-498, total=4482),
    ),
    "a subtotal that grew was not discounted": (
        order(line(2, basePrice=2490, subtotalAfterDiscounts=5000)),
        sums(sub=4980, lines=0, discounts=0, total=4980),
    ),
    "a discount before a difference": (
        order(line(2, basePrice=2490, discount=98, subtotalAfterDiscounts=1)),
        sums(sub=4980, lines=-98, discounts=-98, total=4882),
    ),
    "an order discount by percentage": (
        order(SHIRTS, discounts=[PERCENT_10]),
        sums(sub=4980, order=-498, discounts=-498, total=4482),
    ),
    "order percentages share a base, after line discounts": (
        order(line(2, basePrice=2490, discount=980), discounts=[PERCENT_10, PERCENT_10]),
        sums(sub=4980, lines=-980, order=-800, discounts=-1780, total=3200),
    ),
    "order percentages are exact decimals, half up": (
        order(line(1, basePrice=10500), discounts=[{"percentage": 0.1}]),
        sums(sub=10500, order=-11, discounts=-11, total=10489),
    ),
    "absolute and coupon": (
        order(
            SHIRTS, discounts=[{"type": "ABSOLUTE", "value": money(200)}, {"type": "X", "value": money(-5)}]
        ),
        sums(sub=4980, order=-205, discounts=-205, total=4775),
    ),
    "a percentage of type PERCENTAGE before its value": (
        order(SHIRTS, discounts=[PERCENT_10 | {"value": money(1, "JPY")}]),
        sums(sub=4980, order=-498, discounts=-498, total=4482),
    ),
    "the value of another type before its percentage": (
        order(SHIRTS, discounts=[{"type": "STAFF", "percentage": 10, "value": money(1)}]),
        sums(sub=4980, order=-1, discounts=-1, total=4979),
    ),
    "another type with a percentage alone": (
        order(SHIRTS, discounts=[{"type": "STAFF", "percentage": 10}, {"name": "nothing"}]),
        sums(sub=4980, order=-498, discounts=-498, total=4482),
    ),
    "line taxes": (
        order(line(2, basePrice=2490, tax={"percentage": "19"}), line(1, basePrice=100, tax=7)),
        sums(sub=5080, taxes=953, total=6033),
    ),
    "a tax breakdown, and no line taxes": (
        order(line(2, basePrice=2490, tax={"percentage": "19"}), taxes=[{"value": money(900)}]),
        sums(sub=4980, taxes=900, total=5880),
    ),
    "an empty tax breakdown is none": (
        order(line(2, basePrice=2490, tax=946), taxes=[], fees=[], discounts=[]),
        sums(sub=4980, taxes=946, total=5926),
    ),
    "surcharges": (
        order(line(2, basePrice=100, surcharge=30), line(basePrice=50, surcharge={"percentage": 5})),
        sums(sub=250, surcharges=33, total=283),
    ),
    "fees, with and without a value": (
        order(SHIRTS, fees=[{"value": money(490)}, {"name": "to be told"}, {"value": money(-90)}]),
        sums(sub=4980, fees=400, total=5380),
    ),
    "fees without any value": (order(SHIRTS, fees=[{"name": "later"}]), sums(sub=4980, total=4980)),
    "a refund mirrors its sale": (
        order(line(-2, basePrice=2490, tax={"percentage": "19"}), fees=[{"value": money(-490)}]),
        sums(sub=-4980, taxes=-946, fees=-490, total=-6416),
    ),
    "a refund by negative prices": (order(line(2, basePrice=-2490)), sums(sub=-4980, total=-4980)),
    "a discount of a refund is taken off, too": (
        order(line(-2, basePrice=2490, discount={"percentage": 10}), discounts=[PERCENT_10]),
        sums(sub=-4980, lines=-498, order=-548, discounts=-1046, total=-6026),
    ),
    "a discount of a refund by difference": (
        order(line(1, basePrice=-2490, subtotalAfterDiscounts=-2241)),
        sums(sub=-2490, lines=-249, discounts=-249, total=-2739),
    ),
    "nothing for nothing": (
        order(line(0, basePrice=2490, discount={"percentage": 10}), discounts=[PERCENT_10]),
        sums(sub=0, lines=0, order=0, discounts=0, total=0),
    ),
    "an unpriced line leaves no sum": (
        order(SHIRTS, UNPRICED, fees=[{"value": money(490)}], taxes=[{"value": money(1)}]),
        sums(fees=490, taxes=1),
    ),
    "percentages of an unpriced line are unknown": (
        order(SHIRTS, line(tax={"percentage": 19}, discount={"percentage": 5}, surcharge={"percentage": 1})),
        {},
    ),
    "what is known of an unpriced line is told": (
        order(SHIRTS, line(tax=19, discount=5), discounts=[PERCENT_10, {"value": money(1)}]),
        sums(taxes=19, lines=-5),
    ),
    "the difference to an unknown subtotal is unknown": (order(line(subtotalAfterDiscounts=5)), {}),
    "no line priced, and a fee": (order(UNPRICED, fees=[{"value": money(490)}]), sums(fees=490)),
    "mixed currencies of lines": (order(SHIRTS, line(basePrice=1, currency="USD")), {}),
    "mixed currencies of line and fee": (order(SHIRTS, fees=[{"value": money(490, "USD")}]), {}),
    "the currency of a line tax that is not used": (
        order(SHIRTS, line(basePrice=1, tax={"value": 1, "currency": "USD"}), taxes=[{"value": money(1)}]),
        sums(sub=4981, taxes=1, total=4982),
    ),
    "no currency": (order(line(basePrice=2490, currency=None)), {}),
    "an unknown currency": (order(line(basePrice=2490, currency="eur")), {}),
    "the largest that is exact": (order(line(basePrice=BIG)), sums(sub=BIG, total=BIG)),
    "too large a sum": (order(line(basePrice=BIG), fees=[{"value": money(1)}]), sums(sub=BIG, fees=1)),
    "all that needs a sum that is too large": (
        order(line(2, basePrice=BIG, discount=BIG), discounts=[PERCENT_10]),
        sums(lines=-BIG),
    ),
    "discounts that are too large together": (
        order(line(basePrice=BIG, discount=BIG), discounts=[{"value": money(BIG)}]),
        sums(sub=BIG, lines=-BIG, order=-BIG),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_figures_are_those_worked_out_by_hand(name: str) -> None:
    given_order, expected = CASES[name]
    assert values(price_breakdown(given_order, "exclusive")) == expected


@pytest.mark.parametrize(
    ("given_order", "figure"),
    [
        (order(line(1.5, basePrice=333, currency="JPY")), money(500, "JPY", 0)),
        (order(line(0.333, basePrice=12345, currency="KWD")), money(4111, "KWD", 3)),
        (order(line(basePrice={"value": 5, "decimalPlaces": 0})), money(5, "EUR", 0)),
        (order(line(basePrice={"value": 12345, "decimalPlaces": 3}), SHIRTS), money(62145, "EUR", 3)),
        (order(line(0.25, basePrice=1998), fees=[{"value": money(1, places=4)}]), money(50001, "EUR", 4)),
        (
            order(line(basePrice={"value": 10000, "decimalPlaces": 4}, surcharge=5)),
            money(10005, "EUR", 4),
        ),
        (
            order(
                line(
                    basePrice={"value": 10000, "decimalPlaces": 4},
                    surcharge={"value": 5, "decimalPlaces": 1},
                    discount=25,
                )
            ),
            money(12500, "EUR", 4),
        ),
        (
            order(
                line(
                    basePrice={"value": 9, "decimalPlaces": 0},
                    surcharge={"value": 5, "decimalPlaces": 1},
                    discount=25,
                )
            ),
            money(925, "EUR", 2),
        ),
        (order(line(basePrice={"value": 5, "decimalPlaces": 21})), money(5, "EUR", 2)),
        (order(line(basePrice=2490, currency=None), payments=[money(1, "SEK")]), money(2490, "SEK", 2)),
        (order(SHIRTS, line(basePrice=1, currency=None), payments=[money(1, "SEK")]), money(4981, "EUR", 2)),
    ],
    ids=[
        *("yen have no decimals", "dinars have three", "as a line states", "the most of two lines"),
        *(
            "the most of a line and a fee",
            "a category follows its line",
            "a line of different places",
            "the currency's beside fewer",
        ),
        *("no such places", "the payments' currency", "the prices' currency before the payments'"),
    ],
)
def test_the_total_has_its_currency_and_the_most_decimal_places(
    given_order: OrderPayload, figure: Json
) -> None:
    assert flat(price_breakdown(given_order, "exclusive"))["total"] == figure


@pytest.mark.parametrize(
    "given_order",
    [
        order(UNPRICED),
        order(line()),
        order(line(basePrice="free")),
        order(line(tax={"percentage": 19}), discounts=[PERCENT_10], fees=[{"name": "later"}]),
        order(line(finalUnitPrice=5), payments=[money(5)]),
    ],
    ids=["nothing", "a currency", "no number", "percentages", "final prices and payments"],
)
def test_an_order_without_any_price_has_no_breakdown(given_order: OrderPayload) -> None:
    assert price_breakdown(given_order, "exclusive") is None


def test_taxes_that_prices_hold_are_shown_and_not_added() -> None:
    taxed = order(SHIRTS, taxes=[{"value": money(795)}])
    assert values(price_breakdown(taxed, "inclusive")) == sums(sub=4980, taxes=795, total=4980)


def test_figures_without_any_part_are_null_and_all_six_are_there() -> None:
    nothing = dict.fromkeys(("totalDiscounts", "totalLineItemSurcharges", "totalTaxes", "totalFees"))
    whole = money(4980, places=2)
    assert price_breakdown(order(SHIRTS), "exclusive") == nothing | {"subTotal": whole, "total": whole}
    mixed = order(SHIRTS, fees=[{"value": money(1, "USD")}])
    assert price_breakdown(mixed, "exclusive") == nothing | {"subTotal": None, "total": None}


def test_the_page_shows_what_is_computed() -> None:
    text = PAGE.read_text(encoding="utf-8")
    sent, stored = re.findall(r"^```json\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    example = ORDER.validate_json(sent)
    breakdown = price_breakdown(example, "exclusive")
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*) \| (-?\d+) \|", text, re.MULTILINE)

    assert breakdown == orjson.loads(stored)
    assert {name: int(result) for name, _, result in rows} == values(breakdown)
    assert all(sum(map(int, re.findall(r"-?\d+", said.replace("- ", "-")))) == int(r) for _, said, r in rows)
    assert f"`inclusive`: {values(price_breakdown(example, 'inclusive'))['total']} |" in text
