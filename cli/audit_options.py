"""Options that several verbs of the trail share."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import click

from cli.audit_folder import Folder
from cli.audit_source import Source, Topics
from cli.parameters import Instant
from runtime.settings import Settings

_FROM: Final = click.option(
    "--from", "begin", type=Instant(), help="Only what was written then or later (Kafka's time)."
)
_TO: Final = click.option("--to", "end", type=Instant(), help="Only what was written earlier.")
EXPORT: Final = click.argument(
    "export", required=False, type=click.Path(file_okay=False, exists=True, path_type=Path)
)


@dataclass(frozen=True)
class Period:
    """From one time up to but not with another, by the times that Kafka has; None: without end."""

    begin: datetime | None
    end: datetime | None


def in_period(command: Callable[..., None]) -> Callable[..., None]:
    """Adds --from and --to, and hands them on as one `period`."""

    @functools.wraps(command)
    def with_period(*, begin: datetime | None, end: datetime | None, **others: Any) -> None:
        if begin is not None and end is not None and end <= begin:
            raise click.UsageError("--to should be later than --from")
        command(period=Period(begin, end), **others)

    decorated: Callable[..., None] = with_period
    for option in (_TO, _FROM):
        decorated = option(decorated)
    return decorated


def source_of(export: Path | None, settings: Settings) -> Source:
    """The exported folder, or the topics. Raises UserError."""
    return Topics(settings.kafka) if export is None else Folder(export)
