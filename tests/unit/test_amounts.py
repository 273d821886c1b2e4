"""Numbers of money: what is read as one, and how a fraction of a minor unit is rounded."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.amounts import read_integer, read_percentage, round_half_up


@pytest.mark.parametrize(
    "text", ["", "-", "24.90", "1e3", "1_000", " 1", "1 ", "٣", "²", "0x1", "--1", "NaN"]
)
def test_only_whole_numbers_in_ascii_digits_are_values(text: str) -> None:
    assert read_integer(text) is None


def test_percentages_may_have_a_sign_and_decimals_and_nothing_else() -> None:
    read = {text: read_percentage(text) for text in ("19", "8.25", "-5", "+0.50")}
    assert {text: Fraction(*ratio) for text, ratio in read.items() if ratio} == {
        text: Fraction(text) for text in read
    }
    for text in ("", ".", "5.", ".5", "-.5", "1.2.3", "1.-5", "1e1", "5 %", "٣.٣"):
        assert read_percentage(text) is None


@given(st.integers(), st.integers(1))
def test_rounding_is_to_the_nearest_and_halves_go_away_from_zero(numerator: int, denominator: int) -> None:
    exact, rounded = Fraction(numerator, denominator), round_half_up(numerator, denominator)
    assert abs(exact - rounded) <= Fraction(1, 2)
    assert abs(exact - rounded) < Fraction(1, 2) or abs(rounded) > abs(exact)
    assert round_half_up(-numerator, denominator) == -rounded
