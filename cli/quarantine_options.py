"""Options that several verbs of the quarantine share."""

import functools
from collections.abc import Callable
from datetime import datetime
from typing import Any

import click

from cli.parameters import Instant, Word
from records.mongo.quarantine_reads import Selection
from records.reasons import Reason

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
ACTOR = click.option(
    "--actor",
    type=Word(),
    help="Who asks; the audit topic gets a pseudonym of it. By default the user of this system.",
)
_SELECTING = (
    click.option(
        "--reason",
        type=click.Choice(list(Reason)),
        metavar="CODE",
        help="Only those refused for this reason (docs/publisher.md lists the codes).",
    ),
    click.option("--topic", type=Word(), help="Only those of this topic."),
    click.option("--since", type=Instant(), help="Only those with this time on the topic, or a later one."),
    click.option("--until", type=Instant(), help="Only those with an earlier time on the topic."),
)


def selecting(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the filters --reason, --topic, --since, --until, and hands them on as one `selection`."""

    @functools.wraps(command)
    def with_selection(
        *,
        reason: str | None,
        topic: str | None,
        since: datetime | None,
        until: datetime | None,
        **others: Any,
    ) -> None:
        command(selection=Selection(reason, topic, since, until), **others)

    decorated: Callable[..., None] = with_selection
    for option in reversed(_SELECTING):
        decorated = option(decorated)
    return decorated
