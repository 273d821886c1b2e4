"""What a benchmark makes of its figures."""

import shutil
from pathlib import Path

import pytest

from benchmarks.comparison import Measured, compare
from benchmarks.turns import seconds_of
from benchmarks.wrk import Load, find_wrk, read_load
from runtime.errors import UserError

PRINTED = """Running 3s test @ http://127.0.0.1:8080
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency    12.06ms   21.51ms 251.43ms   92.11%
  9000 requests in 3.00s, 24.12MB read
Requests/sec:   3000.00

{"requests":9000,"microseconds":3000000,"p50":5100,"p99":20300,"status":0,"connect":0,"read":0,"write":0,"timeout":0}
"""


def load(requests: int, *, seconds: float = 1.0, status: int = 0) -> Load:
    return Load(
        requests=requests,
        microseconds=round(seconds * 1e6),
        p50=1000,
        p99=2000,
        status=status,
        connect=0,
        read=0,
        write=0,
        timeout=0,
    )


def round_of(first: int, second: int) -> tuple[Measured, Measured]:
    return Measured(load(first), cpu_seconds=1.0), Measured(load(second), cpu_seconds=0.5)


def test_the_figures_are_read_from_the_last_line_that_wrk_prints() -> None:
    figures = read_load(PRINTED)

    assert (figures.requests, figures.rate, figures.p50, figures.p99) == (9000, 3000.0, 5100, 20300)


@pytest.mark.parametrize("output", ["", "unable to connect to 127.0.0.1:1 Connection refused\n", "{}"])
def test_output_without_figures_is_an_error(output: str) -> None:
    with pytest.raises(UserError, match="no figures"):
        read_load(output)


def test_a_run_with_refusals_is_no_result() -> None:
    load(10).require_good()
    with pytest.raises(UserError, match="status 3"):
        load(10, status=3).require_good()


def test_a_ratio_is_the_median_of_the_rounds_ratios_and_not_the_ratio_of_medians() -> None:
    """Each round is two runs side by side; here the machine was slow for one round and then for another."""
    result = compare("get", [round_of(80, 100), round_of(8, 10), round_of(50, 100)])

    assert result.ratio == pytest.approx(0.8)
    assert (result.lowest, result.highest) == (0.5, 0.8)
    assert (result.first.requests_per_second, result.second.requests_per_second) == (50, 100)


def test_less_cpu_time_a_request_is_a_higher_ratio() -> None:
    result = compare("get", [round_of(100, 100)])

    assert result.cpu_ratio == pytest.approx(0.5)
    assert result.first.cpu_microseconds_per_request == pytest.approx(10_000)


def test_figures_for_programs_have_four_digits() -> None:
    told = compare("get", [round_of(2, 3)]).as_json()

    assert (told["name"], told["ratio"]) == ("get", 0.6667)
    assert told["second"]["cpu_microseconds_per_request"] == 166_700


def test_the_time_that_a_benchmark_takes_counts_both_sides_and_their_warming_up() -> None:
    assert seconds_of(2, seconds=3, rounds=5) == 2 * 2 * (1 + 15)


def test_without_wrk_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("wrk") is None
    with pytest.raises(UserError, match="apt-get install wrk"):
        find_wrk()
