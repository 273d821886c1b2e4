"""Dates are judged by this machine's clock only while MongoDB's agrees."""

from datetime import UTC, datetime, timedelta

import pytest

from records.clock import MAX_DIFFERENCE, ClockUntrusted, require_agreement

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("difference", [-MAX_DIFFERENCE, -SECOND, 0 * SECOND, SECOND, MAX_DIFFERENCE])
def test_clocks_up_to_thirty_seconds_apart_agree(difference: timedelta) -> None:
    require_agreement(NOW, NOW + difference, NOW)


@pytest.mark.parametrize("difference", [-370 * 86400 * SECOND, -31 * SECOND, 31 * SECOND, 3600 * SECOND])
def test_a_larger_difference_is_named(difference: timedelta) -> None:
    with pytest.raises(ClockUntrusted, match=f"differ by {abs(difference).total_seconds():.0f} s"):
        require_agreement(NOW, NOW + difference, NOW)


def test_an_answer_that_took_long_is_no_difference() -> None:
    require_agreement(NOW, NOW + 50 * SECOND, NOW + 60 * SECOND)
    require_agreement(NOW, NOW + SECOND, NOW + 60 * SECOND)
