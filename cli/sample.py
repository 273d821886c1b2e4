"""Sample orders onto the order topic."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import click
import orjson
from aiokafka.errors import KafkaError
from rich.console import Console
from rich.progress import track
from rich.table import Table

from cli.console import plain_console
from local.publisher import Publisher
from local.samples.broken import BROKEN
from local.samples.events import LabelledEvent, sample_events
from runtime.environment import variable
from runtime.errors import UserError
from runtime.kafka_settings import Kafka
from runtime.logs import configure_verb_logging
from runtime.settings import load_settings
from runtime.topics import topic_partitions

_SEEDS: Final = 10**9


def _list_kinds(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 - click calls it so
    if not wanted or context.resilient_parsing:
        return
    table = Table("kind", "reason", "what is wrong", box=None)
    for kind, broken in BROKEN.items():
        table.add_row(kind, broken.reason.value, broken.wrong)
    plain_console().print(table)
    context.exit()


@click.command()
@click.argument("number", type=click.IntRange(min=1))
@click.option("--seed", type=int, help="The same number, the same order ids; new ones without it.")
@click.option("--start", type=click.IntRange(min=0), default=0, help="The number of the first order.")
@click.option("--duplicates", type=click.FloatRange(0, 1), default=0.0, help="Share of repeated events.")
@click.option(
    "--broken", type=click.FloatRange(0, 1), help="Share of broken events; 0, or 1 where --kind is given."
)
@click.option(
    "--kind",
    "kinds",
    type=click.Choice(list(BROKEN)),
    multiple=True,
    metavar="NAME",
    help="Break events in this way only; may be repeated.",
)
@click.option(
    "--list-kinds",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list_kinds,
    help="Print every kind of broken event, its reason code and what is wrong with it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def sample(
    *,
    number: int,
    seed: int | None,
    start: int,
    duplicates: float,
    broken: float | None,
    kinds: tuple[str, ...],
    as_json: bool,
) -> None:
    """Publish NUMBER sample order-completed events to the order topic.

    \b
    Example: order-records sample 1000 --broken 0.02
             order-records sample 5 --kind empty-body
    """  # noqa: D301 - click reads \b as the character
    configure_verb_logging("sample")
    seed = secrets.randbelow(_SEEDS) if seed is None else seed
    share = broken if broken is not None else float(bool(kinds))
    events = sample_events(
        seed,
        number,
        at=datetime.now(UTC),
        duplicates=duplicates,
        broken=share,
        start=start,
        kinds=kinds or tuple(BROKEN),
    )
    try:
        counts = asyncio.run(_publish(load_settings().kafka, events, number))
    except (KafkaError, OSError) as error:
        raise UserError(f"Kafka does not take the events: {type(error).__name__}") from None
    result = {"events": number, **counts, "seed": seed}
    text = orjson.dumps(result).decode() if as_json else ", ".join(f"{k} {v}" for k, v in result.items())
    click.echo(text)


async def _publish(kafka: Kafka, events: Iterator[LabelledEvent], number: int) -> dict[str, int]:
    if not await topic_partitions(kafka, kafka.order_topic):
        raise UserError(
            f"Kafka has no topic {kafka.order_topic}: create it, or name another in"
            f" {variable('kafka', 'order_topic')}"
        )
    counts: Counter[str] = Counter()
    progress = Console(stderr=True)
    async with Publisher(kafka) as publisher:
        for labelled in track(
            events,
            "publishing",
            total=number,
            transient=True,
            console=progress,
            disable=not progress.is_terminal,
        ):
            await publisher.send(labelled.event)
            counts[labelled.kind if labelled.kind in {"valid", "duplicate"} else "broken"] += 1
    return dict(counts)
