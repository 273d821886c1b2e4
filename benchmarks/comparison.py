"""Two sides measured in turn, and what comes of it: medians, and the ratio of rates."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from benchmarks.wrk import Load


@dataclass(frozen=True)
class Measured:
    """One run against one side: what wrk saw, and the CPU time that its process used, in seconds."""

    load: Load
    cpu_seconds: float


@dataclass(frozen=True)
class Side:
    """The medians of one side's rounds."""

    requests_per_second: float
    p50_milliseconds: float
    p99_milliseconds: float
    cpu_microseconds_per_request: float


@dataclass(frozen=True)
class Comparison:
    """What was measured against what; above 1 is better for the first in both ratios.

    `ratio` is the median of the rounds' ratios of requests a second, each of two runs side by side:
    what else the machine does changes both. `cpu_ratio` is the same of CPU time a request.
    """

    name: str
    first: Side
    second: Side
    ratio: float
    lowest: float
    highest: float
    cpu_ratio: float

    def as_json(self) -> dict[str, Any]:
        """The figures with 4 significant digits: more is noise."""
        return {name: _rounded(value) for name, value in asdict(self).items()}


def compare(name: str, rounds: Sequence[tuple[Measured, Measured]]) -> Comparison:
    """The comparison of these rounds (at least one)."""
    ratios = [first.load.rate / second.load.rate for first, second in rounds]
    return Comparison(
        name=name,
        first=_side([first for first, _ in rounds]),
        second=_side([second for _, second in rounds]),
        ratio=median(ratios),
        lowest=min(ratios),
        highest=max(ratios),
        cpu_ratio=median(_cpu(second) / _cpu(first) for first, second in rounds),
    )


def _side(runs: Sequence[Measured]) -> Side:
    def middle(figure: Callable[[Measured], float]) -> float:
        return median(map(figure, runs))

    return Side(
        requests_per_second=middle(lambda run: run.load.rate),
        p50_milliseconds=middle(lambda run: run.load.p50 / 1000),
        p99_milliseconds=middle(lambda run: run.load.p99 / 1000),
        cpu_microseconds_per_request=middle(_cpu),
    )


def _cpu(run: Measured) -> float:
    # Linux counts CPU time in hundredths of a second: a run shorter than that has not used none.
    return max(run.cpu_seconds, 0.005) * 1e6 / run.load.requests


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    return float(f"{value:.4g}") if isinstance(value, float) else value
