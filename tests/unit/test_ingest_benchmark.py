"""What the ingest benchmark sends, and what it makes of what it sees."""

from collections.abc import Sequence
from itertools import islice

import psutil
import pytest

from benchmarks.ingest import Options
from benchmarks.ingest_report import AGAIN, GOALS, ONE, SINK, TWO, Report
from benchmarks.ingest_topic import _DIFFERENT, _events
from benchmarks.meter import Run, Watched, _Look, _run, measured
from runtime.errors import UserError
from service.events import decode


def look(at: float, stored: int, *, memory: int = 100) -> _Look:
    return _Look(at, stored, client_cpu=at / 2, mongod_cpu=at / 4, memory=memory)


def run(*, seconds: float = 1.0, memory_end: int = 100) -> Run:
    return Run(1000, seconds, 0.1, 0.05, memory_begin=100, memory_peak=200, memory_end=memory_end)


def watched(counts: Sequence[int], fault: str | None = None) -> Watched:
    left = list(counts)

    async def stored() -> int:
        return left.pop(0) if len(left) > 1 else left[0]

    async def told() -> str | None:
        return fault

    return Watched([psutil.Process()], psutil.Process(), stored, told)


def test_a_run_counts_from_the_first_record_that_was_seen_and_not_from_the_start_of_a_process() -> None:
    result = _run([look(0, 0), look(5, 100), look(6, 600), look(7, 1100)], 1100)

    assert (result.records, result.seconds, result.rate) == (1000, 2.0, 500.0)
    assert (result.client_cpu, result.mongod_cpu) == (1000.0, 500.0)


def test_a_run_that_is_over_at_the_first_look_counts_from_the_look_before() -> None:
    result = _run([look(0, 0), look(1, 0), look(2, 1000)], 1000)

    assert (result.records, result.seconds) == (1000, 1.0)


def test_memory_grows_from_what_it_was_after_a_tenth_of_the_records() -> None:
    looks = [look(1, 1, memory=10), look(2, 99, memory=20), look(3, 100, memory=50), look(4, 500, memory=90)]
    result = _run([*looks, look(5, 1000, memory=70)], 1000)

    assert (result.memory_begin, result.memory_peak, result.memory_end) == (50, 90, 70)


async def test_a_side_is_watched_until_all_its_records_are_stored() -> None:
    assert (await measured(watched([0, 400, 1000]), 1000)).records == 600


async def test_a_side_that_fails_ends_the_benchmark_with_what_it_said() -> None:
    with pytest.raises(UserError, match="the sink failed: no such database"):
        await measured(watched([0, 400, 400], "the sink failed: no such database"), 1000)


async def test_what_was_stored_before_anybody_looked_is_no_measurement() -> None:
    with pytest.raises(UserError, match="--records"):
        await measured(watched([1000]), 1000)


def test_a_goal_is_the_ratio_within_each_round_that_has_both_sides() -> None:
    goal = next(goal for goal in GOALS if (goal.side, goal.against) == (TWO, SINK))

    rounds = [{TWO: run(seconds=1), SINK: run(seconds=2)}, {TWO: run()}, {TWO: run(), SINK: run(seconds=3)}]
    assert goal.of(rounds) == [2.0, 3.0]


def test_the_report_has_medians_of_the_sides_and_goals_that_were_measured_and_no_others() -> None:
    rounds = [{ONE: run(seconds=s), AGAIN: run(seconds=s / 2)} for s in (1, 2, 10)]
    told = Report({}, {}, rounds).as_json()

    assert [(side["name"], side["recordsPerSecond"]) for side in told["sides"]] == [(ONE, 500), (AGAIN, 1000)]
    again = next(goal for goal in told["goals"] if goal["name"].startswith("the same events again"))
    assert (again["median"], again["rounds"], again["floor"]) == (2.0, [2.0, 2.0, 2.0], "1.0")
    assert not [goal for goal in told["goals"] if "sink" in goal["name"]]


def test_the_sink_with_random_ids_takes_part_only_on_demand() -> None:
    assert "insert" not in Options(2000, 1, (), ()).sides()
    assert "insert" in Options(2000, 1, ("insert",), ()).sides()
    assert Options(2000, 1, ("insert",), ("insert", "two")).sides() == ["two", "insert"]


def test_the_orders_of_the_topic_are_valid_and_differ_in_their_numbers_even_when_they_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert _DIFFERENT >= 1000
    monkeypatch.setattr("benchmarks.ingest_topic._DIFFERENT", 20)

    keys = set()
    for event in islice(_events(60), 60):
        incoming = decode(event.value, event.headers)
        assert incoming != "skipped"
        assert incoming.unknown_members == 0
        assert event.key == incoming.natural_key.parts[0].encode()
        keys.add(event.key)
    assert len(keys) == 60
