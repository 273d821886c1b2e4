"""The demo: everything on this machine."""

import os
import sys
from pathlib import Path
from typing import Final, Literal, cast

import click
import uvloop
from rich.console import Console

from local.demo.options import DemoOptions
from local.demo.run import run_demo
from runtime.logs import configure_logging

_PLAIN_WIDTH: Final = 120


@click.command()
@click.option("--for", "seconds", type=click.FloatRange(min=1), metavar="SECONDS", help="End after so long.")
@click.option("--orders", type=click.IntRange(min=1), metavar="N", help="Send so many events, then end.")
@click.option("--rate", type=click.FloatRange(min=0.1, max=1000), default=25.0, help="Events a second.")
@click.option("--seed", type=int, default=1, help="Another number, other orders.")
@click.option(
    "--kafka",
    type=click.Choice(["auto", "apache", "in-process"]),
    default="auto",
    help="Apache Kafka needs Java 17 and Maven; the in-process broker is in a wheel.",
)
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Keep data and logs there.")
def dev(
    *, seconds: float | None, orders: int | None, rate: float, seed: int, kafka: str, keep: Path | None
) -> None:
    """Show the whole mission on this machine: a record lives its whole life in 40 seconds.

    Starts MongoDB and Kafka (unless the settings name some), `consume`, `work`, `serve` and a stream of
    sample orders, and prints how to call the API; at the end it checks its own claims, and exits 0 only if
    they hold; 130 if nothing was checked.

    \b
    Example: order-records dev --for 60
    """  # noqa: D301 - click reads \b as the character
    configure_logging("dev", "WARNING")
    kind = cast("Literal['auto', 'apache', 'in-process']", kafka)
    options = DemoOptions(seconds, orders, kind, keep, rate, seed)
    console = Console() if sys.stdout.isatty() else Console(width=_PLAIN_WIDTH)
    sys.exit(uvloop.run(run_demo(options, console, os.environ)))
