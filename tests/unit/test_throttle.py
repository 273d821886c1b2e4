"""A backlog drains at an even rate; who has rested may make up for a moment, and for no more."""

from hypothesis import given
from hypothesis import strategies as st

from worker.throttle import Throttle


class Clock:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@given(
    turns=st.lists(st.tuples(st.integers(1, 1_000), st.floats(0, 0.2)), min_size=1, max_size=60),
    rate=st.sampled_from([1_000.0, 25_000.0]),
)
def test_no_more_are_sent_in_any_time_than_the_rate_and_a_tenth_of_a_second_allow(
    turns: list[tuple[int, float]], rate: float
) -> None:
    """The last turn may begin before its time is over."""
    clock = Clock()
    throttle, sent = Throttle(rate, clock), 0
    for count, late in turns:
        clock.now += throttle.wait(count) + late
        assert sent <= rate * (clock.now - 1_000.0 + 0.1) + 1e-6
        sent += count


def test_who_wants_more_than_the_rate_gets_the_rate_though_each_sleep_takes_a_little_too_long() -> None:
    clock = Clock()
    throttle = Throttle(25_000, clock)
    for _ in range(2_500):
        clock.now += throttle.wait(400) + 0.002
    assert 39.5 < clock.now - 1_000.0 < 40.5


def test_a_single_batch_never_waits() -> None:
    clock = Clock()
    throttle = Throttle(1_000, clock)
    for _ in range(5):
        assert throttle.wait(400) == 0.0
        clock.now += 1.0
