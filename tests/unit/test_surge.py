"""A surge of refusals is told by its share and its number, once a minute, and ends by itself."""

import pytest
import structlog

from runtime.metrics import REGISTRY
from service.surge import Surge


def surging() -> bool:
    return REGISTRY.get_sample_value("order_records_refusal_surge") == 1


@pytest.mark.parametrize(
    ("batches", "expected"),
    [
        ([], False),
        ([(20, 20)], False),  # few events: one publisher's first try
        ([(21, 21)], True),
        ([(42, 21)], False),  # half of them is not most
        ([(41, 21)], True),
        ([(1000, 100)], False),
        ([(100, 0), (150, 126)], True),  # the window counts, not the batch
        ([(1, 1)] * 21, True),
    ],
)
def test_a_surge_is_more_than_twenty_and_more_than_half(
    batches: list[tuple[int, int]], *, expected: bool
) -> None:
    surge = Surge(lambda: 0.0)
    surge.tell()
    for taken, refused in batches:
        surge.note(taken, refused)
    assert surging() is expected


def test_it_is_said_once_a_minute_and_ends_when_the_minutes_have_passed() -> None:
    clock = [1000.0]
    surge = Surge(lambda: clock[0])
    with structlog.testing.capture_logs() as lines:
        surge.note(30, 30)
        for clock[0] in (1010.0, 1059.0, 1060.0, 1300.0):
            surge.note(1, 1)
        clock[0] = 1361.0
        surge.tell()
        assert not surging()
    # Those of 1000 have left the window at 1300: what is left is no surge.
    assert [(line["log_level"], line["refused"]) for line in lines] == [("critical", 30), ("critical", 33)]
