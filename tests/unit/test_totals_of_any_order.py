"""The price breakdown: what holds for any order, whatever it says of its prices."""

from copy import deepcopy
from fractions import Fraction
from random import Random
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from records.payload import OrderPayload
from records.totals import PriceBreakdown, TaxMode, price_breakdown
from tests.priced_orders import MODES, any_orders, flat, line, order, sound_orders, values

BREAKDOWN: Final = TypeAdapter(PriceBreakdown)
SUMMANDS: Final = ("subTotal", "totalDiscounts", "totalLineItemSurcharges", "totalTaxes", "totalFees")


@given(any_orders() | sound_orders(), MODES)
def test_whatever_an_order_says_its_breakdown_keeps_the_contract(
    given_order: OrderPayload, mode: TaxMode
) -> None:
    before = deepcopy(given_order)
    breakdown = price_breakdown(given_order, mode)

    assert given_order == before
    assert price_breakdown(before, mode) == breakdown
    if breakdown is not None:
        assert BREAKDOWN.validate_python(breakdown) == breakdown
        stated = [figure for figure in flat(breakdown).values() if figure]
        assert len({(figure["currency"], figure["decimalPlaces"]) for figure in stated}) <= 1
        assert all(type(figure["value"]) is int for figure in stated)


@given(any_orders() | sound_orders(), MODES)
def test_a_total_is_the_sum_of_its_parts(given_order: OrderPayload, mode: TaxMode) -> None:
    breakdown = price_breakdown(given_order, mode)
    figures = values(breakdown) if breakdown else {}
    if "total" in figures:
        summed = [name for name in SUMMANDS if name != "totalTaxes" or mode == "exclusive"]
        assert figures["total"] == sum(figures.get(name, 0) for name in summed)
    if "totalDiscounts" in figures:
        parts = [figures.get(name, 0) for name in ("lineItemDiscounts", "orderDiscounts")]
        assert figures["totalDiscounts"] == sum(parts)


@given(sound_orders(), MODES)
def test_what_can_be_told_is_told(given_order: OrderPayload, mode: TaxMode) -> None:
    assert {"subTotal", "total"} <= set(values(price_breakdown(given_order, mode)))


@given(any_orders() | sound_orders(), MODES)
def test_discounts_are_never_above_zero(given_order: OrderPayload, mode: TaxMode) -> None:
    breakdown = price_breakdown(given_order, mode)
    figures = values(breakdown) if breakdown else {}
    assert all(value <= 0 for name, value in figures.items() if "Discounts" in name)


@given(any_orders() | sound_orders(), MODES, st.randoms(use_true_random=False))
def test_the_order_of_lines_taxes_fees_and_discounts_does_not_matter(
    given_order: OrderPayload, mode: TaxMode, chance: Random
) -> None:
    shuffled: Any = deepcopy(given_order)
    for rows in (shuffled["lineItems"], *shuffled.get("pricing", {}).values()):
        chance.shuffle(rows)
    assert price_breakdown(shuffled, mode) == price_breakdown(given_order, mode)


@given(sound_orders(), MODES)
def test_taxes_are_all_that_the_tax_mode_changes(given_order: OrderPayload, mode: TaxMode) -> None:
    on_top, held = (values(price_breakdown(given_order, mode)) for mode in ("exclusive", "inclusive"))
    assert on_top.pop("total") - held.pop("total") == on_top.get("totalTaxes", 0)
    assert on_top == held


@given(sound_orders(), st.integers(1, 4), st.data())
def test_an_amount_may_be_written_with_more_decimal_places(
    given_order: OrderPayload, more: int, data: st.DataObject
) -> None:
    finer: Any = deepcopy(given_order)
    discounts = finer.get("pricing", {}).get("discounts", [])
    discounts[:] = [row for row in discounts if "percentage" not in row]
    plain = deepcopy(finer)
    for row in (row for rows in finer.get("pricing", {}).values() for row in rows if "value" in row):
        if data.draw(st.booleans()):
            row["value"]["value"] *= 10**more
            row["value"]["decimalPlaces"] += more
    assert _exact(finer) == _exact(plain)


def _exact(given_order: OrderPayload) -> dict[str, Fraction]:
    figures = flat(price_breakdown(given_order, "exclusive"))
    return {
        name: Fraction(figure["value"], 10 ** figure["decimalPlaces"])
        for name, figure in figures.items()
        if figure
    }


@given(st.lists(st.tuples(st.floats(-1000, 1000), st.integers(-(10**6), 10**6)), min_size=1, max_size=5))
def test_a_subtotal_is_each_line_to_the_nearest_unit(lines: list[tuple[float, int]]) -> None:
    built = order(*[line(quantity, basePrice=price) for quantity, price in lines])
    exact = Fraction(0) + sum(Fraction(str(quantity)) * price for quantity, price in lines)
    assert abs(values(price_breakdown(built, "exclusive"))["subTotal"] - exact) <= Fraction(len(lines), 2)
