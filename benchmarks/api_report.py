"""The results of the API's benchmark, for people and for programs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.comparison import Comparison

_FIGURES: Final = ("call", "requests/s", "p50 ms", "p99 ms", "CPU us/request")


@dataclass(frozen=True)
class Report:
    """Ours against the bare routes, deep pages against first ones, and what it was measured on."""

    machine: dict[str, str]
    options: dict[str, Any]
    against_bare: Sequence[Comparison]
    deep_against_first: Sequence[Comparison]

    def as_json(self) -> dict[str, Any]:
        """All of it, under these names."""
        return {
            "machine": self.machine,
            "options": self.options,
            "againstBare": [each.as_json() for each in self.against_bare],
            "deepAgainstFirst": [each.as_json() for each in self.deep_against_first],
        }


def show(report: Report, console: Console) -> None:
    """Prints what it was measured on, and both tables."""
    for name, value in (report.machine | report.options).items():
        if value:
            console.print(f"{name}: {value}", highlight=False, soft_wrap=True)
    _table(console, "serve / bare FastAPI routes", report.against_bare)
    _table(console, "a deep page / the first page, both by serve", report.deep_against_first)


def _table(console: Console, title: str, comparisons: Sequence[Comparison]) -> None:
    if not comparisons:
        return
    table = Table(*_FIGURES, "ratio of rates", "lowest to highest", "ratio by CPU", title=title)
    for column in table.columns[1:]:
        column.justify = "right"
    for each in comparisons:
        table.add_row(each.name, *_figures(each), f"{each.ratio:.2f}", _range(each), f"{each.cpu_ratio:.2f}")
    console.print(table)


def _figures(comparison: Comparison) -> list[str]:
    first, second = comparison.first, comparison.second
    return [
        f"{first.requests_per_second:,.0f} / {second.requests_per_second:,.0f}",
        f"{first.p50_milliseconds:.1f} / {second.p50_milliseconds:.1f}",
        f"{first.p99_milliseconds:.1f} / {second.p99_milliseconds:.1f}",
        f"{first.cpu_microseconds_per_request:,.0f} / {second.cpu_microseconds_per_request:,.0f}",
    ]


def _range(comparison: Comparison) -> str:
    return f"{comparison.lowest:.2f} to {comparison.highest:.2f}"
