"""`serve` under wrk, against bare FastAPI routes on the same driver and data: `make bench`."""

import secrets
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import click
from rich.console import Console

from benchmarks.api_calls import Call, Deep, compared_calls, deep_calls
from benchmarks.api_data import store_orders
from benchmarks.api_report import Report, show
from benchmarks.api_servers import DATABASE, bare_process, serve_process, signed_token, variables
from benchmarks.comparison import Comparison
from benchmarks.ending import end_on_sigterm, outcome, tell
from benchmarks.machine import describe_machine
from benchmarks.progress import Steps
from benchmarks.sameness import require_same_records
from benchmarks.target import Target
from benchmarks.turns import Side, Turns, seconds_of
from benchmarks.wrk import find_wrk
from local.servers.mongod import Mongod
from records.keys import RecordKeys
from records.mongo.client import Database, open_database
from runtime.secret_keys import KEY_BYTES

_MIN_RECORDS: Final = 1_000


@dataclass(frozen=True)
class Options:
    """How many records, how many rounds of how many seconds on each side, and which calls (none: all)."""

    records: int
    seconds: int
    rounds: int
    only: tuple[str, ...]

    def wants(self, name: str) -> bool:
        """Whether a call of this name is to be measured."""
        return not self.only or name.startswith(self.only)


@click.command()
@click.option(
    "--records", type=click.IntRange(_MIN_RECORDS), default=20_000, help="So many are stored before."
)
@click.option("--seconds", type=click.IntRange(1, 60), default=3, help="The length of a run.")
@click.option("--rounds", type=click.IntRange(1, 99), default=5, help="Runs of each call on each side.")
@click.option(
    "--only",
    type=click.Choice(("get", "list", "search", "put")),
    multiple=True,
    help="Measure this alone; may be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def main(*, records: int, seconds: int, rounds: int, only: tuple[str, ...], as_json: bool) -> None:
    """Measure the REST API under wrk, against bare FastAPI routes that give the same answers.

    Starts MongoDB and both servers by itself. The sides take turns, since machines are noisy; a ratio is
    the median of the rounds' ratios. With 100,100 records or more pages are measured 100,000 deep.

    \b
    Example: make bench ARGS="--records 120000"
    """  # noqa: D301 - click reads \b as the character
    tell(
        outcome(measure(Options(records, seconds, rounds, only), Console(stderr=True))), show, as_json=as_json
    )


async def measure(options: Options, console: Console) -> Report:
    """Runs all of it. Raises UserError when a part is missing, fails, or answers wrongly."""
    find_wrk()
    end_on_sigterm()
    with tempfile.TemporaryDirectory(prefix="order-records-") as name, Steps(console) as steps:
        async with _started(Path(name), options, steps) as bench:
            calls, pages = await _wanted(bench)
            steps.expect(seconds_of(len(calls) + len(pages), seconds=options.seconds, rounds=options.rounds))
            deep = [await _deep_against_first(bench, page) for page in pages]
            machine = describe_machine(bench.mongod.source)
            return Report(
                machine, asdict(options), [await _against_bare(bench, call) for call in calls], deep
            )


@dataclass(frozen=True, repr=False)
class _Bench:
    folder: Path
    options: Options
    mongod: Mongod
    database: Database
    keys: RecordKeys
    serve: Target
    bare: Target
    turns: Turns


@asynccontextmanager
async def _started(folder: Path, options: Options, steps: Steps) -> AsyncIterator[_Bench]:
    id_key = secrets.token_bytes(KEY_BYTES)
    keys = RecordKeys.derive(id_key)
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        mongod = await enter(await Mongod.start(folder / "mongod"))
        database = await enter(open_database(mongod.uri, DATABASE))
        await store_orders(database, keys, options.records, steps)
        environ = variables(mongod.uri, id_key)
        serve = await enter(serve_process(environ, folder))
        bare = await enter(bare_process(mongod.uri, folder))
        turns = Turns(await signed_token(environ), options.seconds, options.rounds, steps)
        yield _Bench(folder, options, mongod, database, keys, serve, bare, turns)


async def _wanted(bench: _Bench) -> tuple[list[Call], list[Deep]]:
    options = bench.options
    calls = await compared_calls(bench.database, bench.folder)
    pages = await deep_calls(bench.database, bench.keys.cursor, options.records, bench.folder)
    return [c for c in calls if options.wants(c.name)], [p for p in pages if options.wants(p.name)]


async def _deep_against_first(bench: _Bench, page: Deep) -> Comparison:
    return await bench.turns.compare(page.name, Side(bench.serve, page.deep), Side(bench.serve, page.first))


async def _against_bare(bench: _Bench, call: Call) -> Comparison:
    serve, bare, turns = bench.serve, bench.bare, bench.turns
    if not call.stores:
        await require_same_records(call, turns.token, (serve.address, bare.address))
    return await turns.compare(call.name, Side(serve, call.requests), Side(bare, call.requests))


if __name__ == "__main__":
    main()
