"""Two sides under wrk in turn, round by round: what else the machine does then meets both."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.comparison import Comparison, Measured, compare
from benchmarks.progress import Steps
from benchmarks.target import Target
from benchmarks.wrk import run_wrk
from runtime.errors import UserError

_WARM_SECONDS: Final = 1


class Side(NamedTuple):
    """A server, and the file of requests that it gets (`wrk.lua` says its form)."""

    target: Target
    requests: Path


@dataclass(frozen=True, repr=False)
class Turns:
    """How the sides take turns: `rounds` runs of `seconds` for each, the bearer of `token` asks."""

    token: str
    seconds: int
    rounds: int
    steps: Steps

    async def compare(self, name: str, first: Side, second: Side) -> Comparison:
        """Warms both up and measures them. Raises UserError unless all were answered well."""
        self.steps.begin(name)
        for side in (first, second):
            await self._run(side, _WARM_SECONDS)
        rounds = [await self._round(first, second, swapped=n % 2 == 1) for n in range(self.rounds)]
        if not all(run.load.requests for each in rounds for run in each):
            raise UserError(
                f"{name}: a run had no answer in its {self.seconds} s; let it be longer (--seconds)"
            )
        result = compare(name, rounds)
        self.steps.end(f"{name}: {result.ratio:.2f}")
        return result

    async def _round(self, first: Side, second: Side, *, swapped: bool) -> tuple[Measured, Measured]:
        """Every other round begins with the second: neither has always the quieter half."""
        if swapped:
            late = await self._run(second, self.seconds)
            return await self._run(first, self.seconds), late
        return await self._run(first, self.seconds), await self._run(second, self.seconds)

    async def _run(self, side: Side, seconds: int) -> Measured:
        before = side.target.cpu_seconds
        load = await run_wrk(side.target.address, side.requests, self.token, seconds)
        self.steps.step(seconds)
        return Measured(load, side.target.cpu_seconds - before)


def seconds_of(comparisons: int, *, seconds: int, rounds: int) -> int:
    """How long wrk runs for so many comparisons, in seconds."""
    return comparisons * 2 * (_WARM_SECONDS + rounds * seconds)
