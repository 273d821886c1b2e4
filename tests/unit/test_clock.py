"""The cutoff of a sweep: never ahead of either clock, and none at all when a clock cannot be trusted."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.clock import MAX_DIFFERENCE
from worker.clock import MAX_AHEAD, Clock, ClockStopped

START = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
ZERO, SECOND, HOUR = timedelta(0), timedelta(seconds=1), timedelta(hours=1)


class Machine:
    """Two clocks of a machine and MongoDB's, which a test sets as it likes."""

    def __init__(self) -> None:
        self.wall = self.mongo = START
        self.since_boot = 30 * HOUR
        self.clock = self.new_process()

    def new_process(self) -> Clock:
        return Clock(lambda: self.wall, lambda: self.since_boot)

    def cutoff(self) -> datetime:
        return self.clock.cutoff(self.mongo)

    def pass_time(self, span: timedelta) -> None:
        self.wall += span
        self.mongo += span
        self.since_boot += span

    def set_clocks(self, span: timedelta) -> None:
        """As a time server with a fault sets them: both at once, so that they agree."""
        self.wall += span
        self.mongo += span


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.mark.parametrize("difference", [-MAX_DIFFERENCE, -SECOND, ZERO, SECOND, MAX_DIFFERENCE])
def test_the_cutoff_is_the_earlier_of_the_two_clocks(machine: Machine, difference: timedelta) -> None:
    machine.mongo += difference

    assert machine.cutoff() == min(START, START + difference)


@pytest.mark.parametrize("sign", [-1, 1])
def test_clocks_that_differ_by_more_than_30_seconds_stop_sweeps_as_long_as_they_do(
    machine: Machine, sign: int
) -> None:
    machine.mongo += sign * (timedelta(seconds=30) + timedelta(milliseconds=1))

    with pytest.raises(ClockStopped, match="differ by 30 s"):
        machine.cutoff()
    machine.mongo = START
    assert machine.cutoff() == START


def test_a_clock_that_runs_with_the_time_since_boot_never_stops(machine: Machine) -> None:
    for span in (ZERO, SECOND, HOUR, 1000 * HOUR):
        machine.pass_time(span)
        assert machine.cutoff() == machine.wall


def test_clocks_set_ahead_by_five_minutes_are_trusted_and_by_more_are_not(machine: Machine) -> None:
    machine.cutoff()
    machine.set_clocks(MAX_AHEAD)
    assert machine.cutoff() == START + timedelta(minutes=5)

    machine.set_clocks(timedelta(milliseconds=1))
    with pytest.raises(ClockStopped, match="set ahead"):
        machine.cutoff()


def test_many_small_steps_ahead_count_together(machine: Machine) -> None:
    machine.cutoff()

    def steps() -> None:
        for _ in range(11):
            machine.pass_time(HOUR)
            machine.set_clocks(30 * SECOND)
            machine.cutoff()

    with pytest.raises(ClockStopped):
        steps()


def test_after_a_clock_ran_ahead_nothing_is_due_until_the_process_starts_anew(machine: Machine) -> None:
    machine.cutoff()
    machine.set_clocks(HOUR)
    with pytest.raises(ClockStopped):
        machine.cutoff()

    machine.set_clocks(-HOUR)
    machine.pass_time(HOUR)
    with pytest.raises(ClockStopped):
        machine.cutoff()

    machine.clock = machine.new_process()
    assert machine.cutoff() == machine.wall


def test_a_clock_that_is_set_back_is_followed_since_late_is_harmless(machine: Machine) -> None:
    machine.cutoff()
    machine.set_clocks(-HOUR)

    assert machine.cutoff() == START - HOUR


def test_a_clock_set_ahead_while_the_other_differs_is_remembered(machine: Machine) -> None:
    machine.cutoff()
    machine.set_clocks(HOUR)
    machine.mongo += HOUR
    with pytest.raises(ClockStopped, match="set ahead"):
        machine.cutoff()


@given(
    st.lists(st.tuples(*[st.timedeltas(-2 * HOUR, 2 * HOUR)] * 2, st.timedeltas(ZERO, 2 * HOUR)), max_size=8)
)
def test_whatever_clocks_do_a_cutoff_is_never_ahead_of_what_can_be_vouched_for(
    steps: list[tuple[timedelta, timedelta, timedelta]],
) -> None:
    machine = Machine()
    first = machine.cutoff()
    for wall, mongo, real in steps:
        machine.pass_time(real)
        machine.wall += wall
        machine.mongo += mongo
        try:
            cutoff = machine.cutoff()
        except ClockStopped:
            continue
        assert cutoff == min(machine.wall, machine.mongo)
        assert abs(machine.wall - machine.mongo) <= MAX_DIFFERENCE
        assert cutoff - first <= machine.since_boot - 30 * HOUR + MAX_AHEAD


def test_the_machines_own_clocks_are_in_utc_and_run_forward() -> None:
    clock, before = Clock(), datetime.now(UTC)

    cutoffs = [clock.cutoff(datetime.now(UTC)) for _ in range(3)]

    assert cutoffs == sorted(cutoffs)
    assert before <= cutoffs[0] <= datetime.now(UTC)
