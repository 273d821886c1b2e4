"""The results of the ingest benchmark, for people and for programs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.meter import Run

Rounds = Sequence[Mapping[str, Run]]
"""What each round measured, by side."""

CEILING: Final = "bare insert_many, 2 threads"
LOOP: Final = "naive loop"
SINK: Final = "sink, idempotent, 2 tasks"
INSERT: Final = "sink, random ids, 2 tasks"
ONE: Final = "consume, 1 process"
AGAIN: Final = "the same events again, 1 process"
TWO: Final = "consume, 2 processes"
_NAMES: Final = (CEILING, LOOP, SINK, INSERT, ONE, AGAIN, TWO)
_MEGABYTE: Final = 2**20
_SIDE_COLUMNS: Final = (
    "side",
    "records/s",
    "client CPU us",
    "mongod CPU us",
    "MB after a tenth",
    "MB peak",
    "MB at the end",
)
_GOAL_COLUMNS: Final = ("what", "median", "lowest to highest", "floor", "aim")


def _rate(run: Run) -> float:
    return run.rate


def _client_cpu(run: Run) -> float:
    return run.client_cpu


def _all_cpu(run: Run) -> float:
    return run.client_cpu + run.mongod_cpu


def _growth(run: Run) -> float:
    return run.memory_end / run.memory_begin


@dataclass(frozen=True)
class Goal:
    """A figure of one side, against that of another where there is one; what is wanted at least or most."""

    name: str
    side: str
    figure: Callable[[Run], float]
    against: str | None = None
    floor: str = ""
    aim: str = ""

    def of(self, rounds: Rounds) -> list[float]:
        """The figure of each round that has all that it takes."""
        sides = {self.side, self.against or self.side}
        return [self._of(each) for each in rounds if sides <= each.keys()]

    def _of(self, runs: Mapping[str, Run]) -> float:
        figure = self.figure(runs[self.side])
        return figure if self.against is None else figure / self.figure(runs[self.against])


GOALS: Final = (
    Goal("2 processes / idempotent sink: rate", TWO, _rate, SINK, "2.0", "2.5"),
    Goal("2 processes / idempotent sink: client CPU a record", TWO, _client_cpu, SINK, aim="at most 0.4"),
    Goal("2 processes / idempotent sink: CPU of client and MongoDB a record", TWO, _all_cpu, SINK),
    Goal("2 processes / sink with random ids: rate", TWO, _rate, INSERT, "1.0", "1.2"),
    Goal("2 processes / sink with random ids: CPU of client and MongoDB a record", TWO, _all_cpu, INSERT),
    Goal("1 process: CPU us a record", ONE, _client_cpu, None, "at most 70", "at most 55"),
    Goal("the same events again / first time: rate", AGAIN, _rate, ONE, "1.0", "2"),
    Goal("1 process: memory at the end / after a tenth", ONE, _growth, None, "flat", "flat"),
    Goal("1 process / naive loop: rate", ONE, _rate, LOOP),
    Goal("2 processes / 1 process: rate", TWO, _rate, ONE),
    Goal("2 processes / bare insert_many: rate", TWO, _rate, CEILING),
)


@dataclass(frozen=True)
class Report:
    """What was measured, and on what; the sides in the order in which they are told, and what is wanted."""

    machine: Mapping[str, str]
    options: Mapping[str, Any]
    rounds: Rounds
    names: Sequence[str] = _NAMES
    goals: Sequence[Goal] = GOALS

    def as_json(self) -> dict[str, Any]:
        """Medians by side, and the figures that goals are set for, with the one of each round."""
        return {
            "machine": dict(self.machine),
            "options": dict(self.options),
            "sides": [{"name": name, **_figures(runs)} for name, runs in self._by_side()],
            "goals": [
                {
                    "name": goal.name,
                    "median": _short(median(found)),
                    "rounds": [_short(each) for each in found],
                    "floor": goal.floor,
                    "aim": goal.aim,
                }
                for goal in self.goals
                if (found := goal.of(self.rounds))
            ],
        }

    def _by_side(self) -> list[tuple[str, list[Run]]]:
        found = ((name, [each[name] for each in self.rounds if name in each]) for name in self.names)
        return [(name, runs) for name, runs in found if runs]


def show(report: Report, console: Console) -> None:
    """Prints what it was measured on, and both tables."""
    for name, value in (*report.machine.items(), *report.options.items()):
        if value:
            console.print(f"{name}: {value}", highlight=False, soft_wrap=True)
    content = report.as_json()
    sides = [list(map(_told, side.values())) for side in content["sides"]]
    _table(console, "medians", _SIDE_COLUMNS, sides)
    _table(console, "medians of the rounds' figures", _GOAL_COLUMNS, list(map(_goal_row, content["goals"])))


def _goal_row(goal: Mapping[str, Any]) -> list[str]:
    rounds = goal["rounds"]
    told = f"{_told(min(rounds))} to {_told(max(rounds))}"
    return [goal["name"], _told(goal["median"]), told, goal["floor"], goal["aim"]]


def _figures(runs: Sequence[Run]) -> dict[str, float]:
    def middle(figure: Callable[[Run], float]) -> float:
        return _short(median(map(figure, runs)))

    return {
        "recordsPerSecond": middle(_rate),
        "clientCpuMicroseconds": middle(_client_cpu),
        "mongodCpuMicroseconds": middle(lambda run: run.mongod_cpu),
        "megabytesAfterATenth": middle(lambda run: run.memory_begin / _MEGABYTE),
        "megabytesPeak": middle(lambda run: run.memory_peak / _MEGABYTE),
        "megabytesEnd": middle(lambda run: run.memory_end / _MEGABYTE),
    }


def _short(value: float) -> float:
    return float(f"{value:.3g}")  # more digits are noise


def _told(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:,.10g}"


def _table(console: Console, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(*columns, title=title)
    for column in table.columns[1:]:
        column.justify = "right"
    for row in rows:
        table.add_row(*row)
    console.print(table)
