"""Sweeps against bare statements, a loop and a TTL index, the relay, a backlog: `make bench-lifecycle`."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Final

import click
from rich.console import Console

from benchmarks.ending import end_on_sigterm, outcome, tell
from benchmarks.ingest_report import Report, show
from benchmarks.lifecycle_options import SIDES, Options, require_disk
from benchmarks.lifecycle_records import templates
from benchmarks.lifecycle_report import GOALS, NAMES
from benchmarks.lifecycle_rounds import Bench, run_round
from benchmarks.lifecycle_sides import LargeMongod, Sides
from benchmarks.machine import describe_machine
from benchmarks.progress import Steps
from local.servers.apache_kafka import ApacheKafka
from local.servers.kafka_jars import java_and_maven
from runtime.errors import UserError

_MIN_RECORDS: Final = 5_000


@click.command()
@click.option(
    "--records", type=click.IntRange(_MIN_RECORDS), default=100_000, help="So many are erased by each side."
)
@click.option("--rounds", type=click.IntRange(1, 99), default=1, help="Runs of each side.")
@click.option(
    "--backlog", type=click.IntRange(0), default=400_000, help="So many are due at once; 0: leave it out."
)
@click.option("--beside", is_flag=True, help="A sweep and an ingest at once, too.")
@click.option(
    "--only", type=click.Choice((*SIDES, "relay", "backlog")), multiple=True, help="This; may be repeated."
)
@click.option("--without-search-indexes", is_flag=True, help="As ORDER_RECORDS_SEARCH__INDEXES=false.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def main(
    *,
    records: int,
    rounds: int,
    backlog: int,
    beside: bool,
    only: tuple[str, ...],
    without_search_indexes: bool,
    as_json: bool,
) -> None:
    """Measure how fast sweeps erase, and what the audit trail costs, against others that only erase.

    Starts MongoDB and Kafka by itself; the relay needs Java 17 and Maven. The sides take turns in rounds,
    since machines are noisy; a ratio is the median of the rounds' ratios.

    \b
    Example: make bench-lifecycle ARGS="--backlog 2000000 --beside"
    """  # noqa: D301 - click reads \b as the character
    options = Options(records, rounds, backlog, beside, only, not without_search_indexes)
    tell(outcome(measure(options, Console(stderr=True))), show, as_json=as_json)


async def measure(options: Options, console: Console) -> Report:
    """Runs all of it. Raises UserError when a part is missing or fails."""
    end_on_sigterm()
    if options.wants("relay") and not await asyncio.to_thread(java_and_maven):
        others = " ".join(f"--only {name}" for name in (*SIDES, "backlog"))
        raise UserError(f"the relay needs Java 17 or later, and Maven (mvn); without them: {others}")
    with tempfile.TemporaryDirectory(prefix="order-records-") as name, Steps(console) as steps:
        require_disk(options, shutil.disk_usage(name).free)
        async with _started(Path(name), options, steps) as bench:
            steps.expect(len(options.sides()) * options.rounds + len(options.last()))
            rounds = [await run_round(bench, number) for number in range(options.rounds)]
            return Report(_machine(bench.sides), asdict(options), rounds, NAMES, GOALS)


def _machine(sides: Sides) -> dict[str, str]:
    kafka = {"kafka": sides.kafka.source} if sides.kafka else {}
    cache = f", a cache of {LargeMongod.cache_gigabytes:g} GB"
    return describe_machine(sides.mongod.source + cache) | kafka


@asynccontextmanager
async def _started(folder: Path, options: Options, steps: Steps) -> AsyncIterator[Bench]:
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        steps.begin("starting MongoDB")
        mongod = await enter(await LargeMongod.start(folder / "mongod"))
        kafka = None
        if options.wants("relay"):
            steps.begin("starting Kafka")
            kafka = await enter(await ApacheKafka.start(folder / "kafka"))
        steps.begin("making orders")
        made = await asyncio.to_thread(templates, max(options.records, options.backlog))
        yield Bench(Sides(folder, mongod, kafka, made, steps, options.search), options, steps)


if __name__ == "__main__":
    main()
