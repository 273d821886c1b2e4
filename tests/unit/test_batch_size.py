"""The size of a sweep's batch: as large as goes in a second, never none, never more than was set."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.batch_size import SLOW_SECONDS, BatchSize


@pytest.mark.parametrize("largest", [1, 7, 1000])
def test_the_first_batch_is_the_largest(largest: int) -> None:
    assert BatchSize(largest).now == largest


def test_a_batch_that_fails_or_takes_over_a_second_is_halved() -> None:
    size = BatchSize(1000)

    size.failed()
    assert size.now == 500
    size.done(SLOW_SECONDS + 0.001)
    assert size.now == 250
    size.done(SLOW_SECONDS)
    assert size.now > 250


def test_a_record_that_fails_is_soon_alone_and_the_batch_soon_large_again() -> None:
    size = BatchSize(1000)

    for _ in range(10):
        size.failed()
    assert size.now == 1
    for _ in range(30):
        size.done(0.01)
    assert size.now == 1000


@given(st.integers(1, 5000), st.lists(st.none() | st.floats(0, 3), max_size=60))
def test_whatever_happens_a_batch_has_at_least_one_and_at_most_the_largest(
    largest: int, outcomes: list[float | None]
) -> None:
    size = BatchSize(largest)
    for seconds in outcomes:
        before = size.now
        if seconds is None:
            size.failed()
        else:
            size.done(seconds)
        assert 1 <= size.now <= largest
        grows = seconds is not None and seconds <= SLOW_SECONDS
        assert size.now >= before if grows else size.now <= before
        assert (size.now == before) == (before == (largest if grows else 1))
