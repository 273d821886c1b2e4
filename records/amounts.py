"""Money in integers: read from text, shared by percentages, rounded half up, summed (docs/totals.md)."""

from decimal import Decimal
from typing import Final

from records.money import SAFE_INTEGER

Amounts = list[int | None]
"""The parts of a figure; None is one that cannot be calculated. A figure without parts was not asked for."""
Ratio = tuple[int, int]
"""A fraction: numerator, and denominator above zero."""

TENS: Final[tuple[int, ...]] = tuple(10**places for places in range(21))
"""What takes a value so many decimal places further; the contract allows 20 of them."""


def total_of(parts: Amounts) -> int | None:
    """The sum; None when a part is, or when it is no integer that every JSON reader keeps exact."""
    if None in parts:
        return None
    total = sum(parts)  # type: ignore[arg-type]  # no None is left
    return total if -SAFE_INTEGER <= total <= SAFE_INTEGER else None


def read_integer(text: str) -> int | None:
    """ASCII digits after an optional sign; "24.90" is none, since nobody can tell euros from cents in it."""
    if not text.isascii():
        return None
    return int(text) if text.isdigit() or (text[:1] in {"+", "-"} and text[1:].isdigit()) else None


def read_percentage(text: str) -> Ratio | None:
    """A decimal number without exponent: "19", "8.25", "-5"."""
    if "." not in text:
        whole = read_integer(text)
        return None if whole is None else (whole, 1)
    before, _, after = text.partition(".")
    digits = read_integer(before + after) if before[-1:].isdigit() and after else None
    return None if digits is None else (digits, 10 ** len(after))


def exact_ratio(number: float) -> Ratio:
    """A number as it was written in JSON: 0.1 is 1/10, and not the nearest binary fraction."""
    whole = int(number)
    return (whole, 1) if whole == number else Decimal(str(number)).as_integer_ratio()


def times(value: int, ratio: Ratio) -> int:
    """The product, rounded half up."""
    return value * ratio[0] if ratio[1] == 1 else round_half_up(value * ratio[0], ratio[1])


def share(value: int, percentage: Ratio) -> int:
    """So many percent of a value, rounded half up."""
    return round_half_up(value * percentage[0], 100 * percentage[1])


def round_half_up(numerator: int, denominator: int) -> int:
    """The nearest integer, halves away from zero: a refund rounds as the sale did."""
    if numerator < 0:
        return -((denominator - 2 * numerator) // (2 * denominator))
    return (2 * numerator + denominator) // (2 * denominator)
