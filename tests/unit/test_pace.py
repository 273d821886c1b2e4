"""How often to look: as often as is wished while it is cheap, and never for more than its share."""

import time
from contextlib import suppress

import pytest

from runtime.pace import Pace, pause_after


@pytest.mark.parametrize(
    ("took", "pause"), [(0.0, 15.0), (0.75, 15.0), (1.0, 20.0), (2.0, 40.0), (3.0, 60.0), (20.0, 60.0)]
)
def test_the_pause_grows_with_what_a_look_costs_up_to_a_minute(took: float, pause: float) -> None:
    assert pause_after(took, 15.0) == pause


def test_a_longer_wish_is_kept() -> None:
    assert pause_after(3.0, 300.0) == 300.0


def test_a_look_that_failed_counts_by_the_time_that_it_took_and_only_once() -> None:
    pace = Pace(0.001)
    with suppress(ZeroDivisionError), pace.looking():
        time.sleep(0.02)
        raise ZeroDivisionError
    assert pace.pause() >= 0.4
    assert pace.pause() == 0.001
