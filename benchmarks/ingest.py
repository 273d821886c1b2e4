"""`consume` against Kafka Connect's MongoDB sink, a naive loop and bare inserts, on one topic."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import click
from rich.console import Console

from benchmarks import bare_inserts, connect, naive_loop
from benchmarks.connect import Connect
from benchmarks.ending import outcome, tell
from benchmarks.ingest_report import AGAIN, CEILING, INSERT, LOOP, ONE, SINK, TWO, Report, show
from benchmarks.ingest_sides import BatchingKafka, Sides
from benchmarks.ingest_topic import fill_topic
from benchmarks.machine import describe_machine
from benchmarks.progress import Steps
from benchmarks.rounds import Runs, measured
from local.servers.kafka_jars import java_and_maven
from local.servers.mongod import Mongod
from runtime.errors import UserError
from runtime.kafka import admin_client
from runtime.kafka_settings import Kafka

_MIN_RECORDS: Final = 2_000
_LOOP_RECORDS: Final = 5_000
_CEILING_RECORDS: Final = 100_000
_WARM_RECORDS: Final = 20_000
_SIDES: Final = ("ceiling", "loop", "sink", "one", "two")


@dataclass(frozen=True)
class Options:
    """How many records, how many rounds, against which other peers, and which sides (none: all)."""

    records: int
    rounds: int
    peer: tuple[str, ...]
    only: tuple[str, ...]

    def sides(self) -> list[str]:
        """The sides that take part in each round, in the order of the first."""
        return [name for name in (*_SIDES, *self.peer) if not self.only or name in self.only]


@click.command()
@click.option(
    "--records", type=click.IntRange(_MIN_RECORDS), default=100_000, help="So many orders are on the topic."
)
@click.option("--rounds", type=click.IntRange(1, 99), default=3, help="Runs of each side.")
@click.option("--peer", type=click.Choice(("insert",)), multiple=True, help="The sink with random ids, too.")
@click.option(
    "--only", type=click.Choice((*_SIDES, "insert")), multiple=True, help="This alone; may be repeated."
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def main(*, records: int, rounds: int, peer: tuple[str, ...], only: tuple[str, ...], as_json: bool) -> None:
    """Measure how fast `consume` stores what is on a topic, against others that do it.

    Starts MongoDB, Kafka and Kafka Connect by itself; needs Java 17 and Maven. The sides take turns in
    rounds, since machines are noisy; a ratio is the median of the rounds' ratios.

    \b
    Example: python -m benchmarks.ingest --records 50000 --peer insert
    """  # noqa: D301 - click reads \b as the character
    if "insert" in only:
        peer = ("insert",)
    tell(outcome(measure(Options(records, rounds, peer, only), Console(stderr=True))), show, as_json=as_json)


async def measure(options: Options, console: Console) -> Report:
    """Runs all of it. Raises UserError when a part is missing or fails."""
    if not await asyncio.to_thread(java_and_maven):
        raise UserError("this benchmark needs Java 17 or later, and Maven (mvn)")
    names = options.sides()
    with tempfile.TemporaryDirectory(prefix="order-records-") as name, Steps(console) as steps:
        async with _started(Path(name), options, steps) as bench:
            steps.expect(len(names) * options.rounds)
            rounds = [await _round(bench, names, number) for number in range(options.rounds)]
            return Report(bench.machine(), asdict(options), rounds)


@dataclass(frozen=True, repr=False)
class _Bench:
    sides: Sides
    connect: Connect | None
    kafka: BatchingKafka
    steps: Steps

    def machine(self) -> dict[str, str]:
        peer = {"connect": self.connect.source} if self.connect else {}
        return describe_machine(self.sides.mongod.source) | {"kafka": self.kafka.source} | peer


@asynccontextmanager
async def _started(folder: Path, options: Options, steps: Steps) -> AsyncIterator[_Bench]:
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        steps.begin("starting MongoDB and Kafka")
        mongod = await enter(await Mongod.start(folder / "mongod"))
        broker = await enter(await BatchingKafka.start(folder / "kafka"))
        kafka = Kafka(bootstrap_servers=broker.bootstrap)
        await fill_topic(kafka, options.records, steps)
        steps.end(f"{options.records:,} orders are on the topic")
        sides = Sides(folder, mongod, kafka, await enter(admin_client(kafka)), options.records)
        worker = None
        if {"sink", "insert"} & set(options.sides()):
            steps.begin("starting Kafka Connect")
            worker = await enter(await Connect.start(folder / "connect", broker.bootstrap))
        bench = _Bench(sides, worker, broker, steps)
        if worker is not None:
            await _warm(bench)
        yield bench


async def _warm(bench: _Bench) -> None:
    """Java is slow until it has compiled what it runs; nobody restarts a worker for each hundred thousand."""
    bench.steps.begin("warming Kafka Connect up")
    async with bench.sides.fresh_database() as database:
        assert bench.connect is not None  # noqa: S101 - for the type checker: the caller has looked
        records = min(bench.sides.records, _WARM_RECORDS)
        await bench.sides.sink(bench.connect, database, connect.REPLACE, records)


async def _round(bench: _Bench, names: list[str], number: int) -> Runs:
    """Every other round goes the other way: no side has always the quieter half."""
    order = names if number % 2 == 0 else reversed(names)
    return await measured(bench.steps, number, order, lambda name: _MEASURE[name](bench))


async def _ceiling(bench: _Bench) -> Runs:
    async with bench.sides.fresh_database() as database:
        records = min(bench.sides.records, _CEILING_RECORDS)
        return {CEILING: await bench.sides.program(bare_inserts, database, records)}


async def _loop(bench: _Bench) -> Runs:
    async with bench.sides.fresh_database() as database:
        records = min(bench.sides.records, _LOOP_RECORDS)
        return {LOOP: await bench.sides.program(naive_loop, database, records)}


async def _sink(bench: _Bench, name: str, strategy: Mapping[str, str]) -> Runs:
    assert bench.connect is not None  # noqa: S101 - for the type checker: started for this side
    async with bench.sides.fresh_database() as database:
        return {name: await bench.sides.sink(bench.connect, database, strategy)}


async def _one(bench: _Bench) -> Runs:
    async with bench.sides.fresh_database() as database:
        first = await bench.sides.consume(database, 1)
        return {ONE: first, AGAIN: await bench.sides.consume(database, 1)}


async def _two(bench: _Bench) -> Runs:
    async with bench.sides.fresh_database() as database:
        return {TWO: await bench.sides.consume(database, 2)}


_MEASURE: Final[Mapping[str, Callable[[_Bench], Awaitable[Runs]]]] = {
    "ceiling": _ceiling,
    "loop": _loop,
    "sink": lambda bench: _sink(bench, SINK, connect.REPLACE),
    "insert": lambda bench: _sink(bench, INSERT, connect.INSERT),
    "one": _one,
    "two": _two,
}


if __name__ == "__main__":
    main()
