"""The trail: its verification against a bare tree, a proof of one event, the notary: `make bench-verify`."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import click
from rich.console import Console

from benchmarks.ending import end_on_sigterm, outcome, tell
from benchmarks.ingest_report import Report, show
from benchmarks.machine import describe_machine
from benchmarks.progress import Steps
from benchmarks.rounds import measured
from benchmarks.verify_report import GOALS, NAMES
from benchmarks.verify_sides import SIDES, Sides
from benchmarks.verify_trail import BATCH, fill_topic, make_export
from local.servers.apache_kafka import ApacheKafka
from local.servers.kafka_jars import java_and_maven
from runtime.errors import UserError
from runtime.kafka_settings import Kafka

_AUDIT_TOPIC: Final = "audit"


@click.command()
@click.option("--events", type=click.IntRange(BATCH), default=1_000_000, help="So many are on the trail.")
@click.option("--rounds", type=click.IntRange(1, 99), default=3, help="Runs of each side.")
@click.option("--only", type=click.Choice(SIDES), multiple=True, help="This; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def main(*, events: int, rounds: int, only: tuple[str, ...], as_json: bool) -> None:
    """Measure how fast a trail is verified and signed, and how long a proof of one event takes.

    The notary needs Java 17 and Maven, and starts Kafka by itself. The sides take turns in rounds, since
    machines are noisy; a ratio is the median of the rounds' ratios.

    \b
    Example: make bench-verify ARGS="--only verify --only tree"
    """  # noqa: D301 - click reads \b as the character
    names = [name for name in SIDES if not only or name in only]
    report = measure(events - events % BATCH, rounds, names, Console(stderr=True))
    tell(outcome(report), show, as_json=as_json)


async def measure(events: int, rounds: int, names: list[str], console: Console) -> Report:
    """Runs all of it. Raises UserError when a part is missing or fails."""
    end_on_sigterm()
    if "notary" in names and not await asyncio.to_thread(java_and_maven):
        others = " ".join(f"--only {name}" for name in SIDES if name != "notary")
        raise UserError(f"the notary needs Java 17 or later, and Maven (mvn); without them: {others}")
    with tempfile.TemporaryDirectory(prefix="order-records-") as folder, Steps(console) as steps:
        async with _started(Path(folder), events, steps, kafka="notary" in names) as (sides, machine):
            steps.expect(rounds * len(names))
            found = [
                await measured(steps, number, names[:: -1 if number % 2 else 1], sides.measure)
                for number in range(rounds)
            ]
    return Report(machine, {"events": events, "rounds": rounds}, found, NAMES, GOALS)


@asynccontextmanager
async def _started(
    folder: Path, events: int, steps: Steps, *, kafka: bool
) -> AsyncIterator[tuple[Sides, dict[str, str]]]:
    """The sides, and what they run on."""
    async with AsyncExitStack() as stack:
        export = await asyncio.to_thread(make_export, folder / "trail", events, steps)
        tenth = max(BATCH, events // 10 // BATCH * BATCH)
        short = await asyncio.to_thread(make_export, folder / "short", tenth, steps)
        machine = describe_machine("none")
        if not kafka:
            yield Sides(folder, export, short, None), machine
            return
        steps.begin("starting Kafka")
        server = await stack.enter_async_context(await ApacheKafka.start(folder / "kafka"))
        topics = Kafka(bootstrap_servers=server.bootstrap, audit_topic=_AUDIT_TOPIC, create_topics=True)
        await fill_topic(topics, events, steps)
        yield Sides(folder, export, short, topics), machine | {"kafka": server.source}


if __name__ == "__main__":
    main()
