"""One round of a benchmark whose sides take turns: each is measured, and said."""

from collections.abc import Awaitable, Callable, Iterable

from benchmarks.meter import Run
from benchmarks.progress import Steps

Runs = dict[str, Run]


async def measured(
    steps: Steps, number: int, names: Iterable[str], measure: Callable[[str], Awaitable[Runs]]
) -> Runs:
    """What round `number` (from 0) measured of the sides with these names, in this order."""
    runs: Runs = {}
    for name in names:
        steps.begin(f"round {number + 1}: {name}")
        found = await measure(name)
        runs |= found
        steps.step()
        told = ", ".join(f"{side}: {run.rate:,.0f}/s" for side, run in found.items())
        steps.end(f"round {number + 1}: {told}")
    return runs
