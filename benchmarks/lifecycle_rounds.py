"""The rounds of the lifecycle benchmark: each side erases records of its own from beginning to end."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from benchmarks.lifecycle_options import Options
from benchmarks.lifecycle_report import (
    ANONYMIZE,
    BACKLOG,
    BARE_DELETE,
    BARE_UPDATE,
    DELETE,
    INGEST,
    INGEST_BESIDE,
    LIFE,
    LOOP,
    QUIET_ANONYMIZE,
    QUIET_DELETE,
    QUIET_LIFE,
    RELAY,
    SWEEP_BESIDE,
    TTL,
)
from benchmarks.lifecycle_sides import Sides
from benchmarks.lifecycle_task import run_between, together
from benchmarks.progress import Steps
from benchmarks.rounds import Runs, measured

_LOOP_RECORDS: Final = 5_000
_BESIDE_TIMES: Final = 20
"""An ingest beside a sweep would come to its end after so many times the swept records."""


@dataclass(frozen=True, repr=False)
class Bench:
    """The sides, started, and what is wanted of them."""

    sides: Sides
    options: Options
    steps: Steps


async def run_round(bench: Bench, number: int) -> Runs:
    """What one round (from 0) measured. Raises UserError when something fails.

    Every other round goes the other way: no side has always the quieter half.
    """
    names = bench.options.sides()
    if number % 2:
        names.reverse()
    if number == bench.options.rounds - 1:
        names += bench.options.last()
    return await measured(bench.steps, number, names, lambda name: _MEASURE[name](bench))


async def _bare(bench: Bench) -> Runs:
    sides, records = bench.sides, bench.options.records
    async with sides.loaded(records) as database:
        update = await sides.run("bare_update", database, records)
        return {BARE_UPDATE: update, BARE_DELETE: await sides.run("bare_delete", database, records)}


async def _loop(bench: Bench) -> Runs:
    async with bench.sides.loaded(bench.options.records) as database:
        records = min(bench.options.records, _LOOP_RECORDS)
        return {LOOP: await bench.sides.run("naive_loop", database, records)}


async def _ttl(bench: Bench) -> Runs:
    sides, records = bench.sides, bench.options.records
    async with sides.loaded(records) as database:
        await sides.run("bare_update", database, records)
        return {TTL: await sides.ttl(database, records)}


async def _quiet(bench: Bench) -> Runs:
    sides, records = bench.sides, bench.options.records
    async with sides.loaded(records) as database:
        anonymize = await sides.run("anonymize", database, records, trail=False)
        delete = await sides.run("delete", database, records, trail=False)
    return {QUIET_ANONYMIZE: anonymize, QUIET_DELETE: delete, QUIET_LIFE: together(anonymize, delete)}


async def _ours(bench: Bench) -> Runs:
    sides, records = bench.sides, bench.options.records
    async with sides.loaded(records) as database:
        anonymize = await sides.run("anonymize", database, records)
        delete = await sides.run("delete", database, records)
        runs = {ANONYMIZE: anonymize, DELETE: delete, LIFE: together(anonymize, delete)}
        if bench.options.wants("relay"):
            runs[RELAY] = await sides.run("relay", database, 2 * records)
    return runs


async def _backlog(bench: Bench) -> Runs:
    async with bench.sides.loaded(bench.options.backlog) as database:
        return {BACKLOG: await bench.sides.run("anonymize", database, bench.options.backlog)}


async def _beside(bench: Bench) -> Runs:
    """Ingest alone, then a sweep and an ingest in one database."""
    sides, records = bench.sides, bench.options.records
    async with sides.loaded(records) as database:
        alone = await sides.ingest(database, records)
    async with sides.loaded(records) as database:
        swept, beside = await sides.beside_ingest(database, records, _BESIDE_TIMES * records)
    assert swept.run is not None  # noqa: S101 - for the type checker: a sweep has its run
    return {
        SWEEP_BESIDE: replace(swept.run, mongod_cpu_seconds=0.0),  # nobody knows whose it was
        INGEST: run_between(alone.beats, alone.began, alone.ended),
        INGEST_BESIDE: run_between(beside.beats, swept.began, swept.ended),
    }


_MEASURE: Final[Mapping[str, Callable[[Bench], Awaitable[Runs]]]] = {
    "bare": _bare,
    "loop": _loop,
    "ttl": _ttl,
    "quiet": _quiet,
    "ours": _ours,
    "backlog": _backlog,
    "beside": _beside,
}
