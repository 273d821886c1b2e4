"""Sample orders onto the order topic."""

import asyncio
import secrets
from collections import Counter
from datetime import UTC, datetime
from typing import Final

import click
import orjson
from aiokafka.errors import KafkaError
from rich.progress import track

from local.publisher import Publisher
from local.samples.events import sample_events
from runtime.errors import UserError
from runtime.settings import Settings, load_settings

_SEEDS: Final = 10**9


@click.command()
@click.argument("number", type=click.IntRange(min=1))
@click.option("--seed", type=int, help="The same number, the same order ids; new ones without it.")
@click.option("--start", type=click.IntRange(min=0), default=0, help="The number of the first order.")
@click.option("--duplicates", type=click.FloatRange(0, 1), default=0.0, help="Share of repeated events.")
@click.option("--broken", type=click.FloatRange(0, 1), default=0.0, help="Share of broken events.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def sample(
    *, number: int, seed: int | None, start: int, duplicates: float, broken: float, as_json: bool
) -> None:
    """Publish NUMBER sample order-completed events to the order topic.

    \b
    Example: order-records sample 1000 --broken 0.02
    """  # noqa: D301 - click reads \b as the character
    seed = secrets.randbelow(_SEEDS) if seed is None else seed
    try:
        counts = asyncio.run(_publish(load_settings(), number, seed, start, duplicates, broken))
    except (KafkaError, OSError) as error:
        raise UserError(f"Kafka does not take the events: {type(error).__name__}") from None
    result = {"events": number, **counts, "seed": seed}
    text = orjson.dumps(result).decode() if as_json else ", ".join(f"{k} {v}" for k, v in result.items())
    click.echo(text)


async def _publish(
    settings: Settings, number: int, seed: int, start: int, duplicates: float, broken: float
) -> dict[str, int]:
    counts: Counter[str] = Counter()
    events = sample_events(
        seed, number, at=datetime.now(UTC), duplicates=duplicates, broken=broken, start=start
    )
    async with Publisher(settings.kafka) as publisher:
        for labelled in track(events, "publishing", total=number, transient=True):
            await publisher.send(labelled.event)
            counts[labelled.kind if labelled.kind in {"valid", "duplicate"} else "broken"] += 1
    return dict(counts)
