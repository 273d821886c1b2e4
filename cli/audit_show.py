"""`order-records audit show`: the events of one record, order, type or time, as they are on the trail."""

import asyncio
from collections.abc import Collection
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, get_args
from uuid import UUID

import click
import orjson

from audit.events import AuditEvent, event_of
from audit.verdict import Batch
from cli.audit_options import EXPORT, Period, in_period, source_of
from cli.audit_reading import Shown, progress_bar
from cli.audit_source import Source
from cli.parameters import Word
from cli.quarantine_options import AS_JSON
from cli.quarantine_view import print_table, text
from records import identity
from records.identity import NaturalKey
from records.keys import RecordKeys
from runtime.settings import Settings, load_settings

_PREFIX, _SUFFIX = "order-records.", ".v1"
_TYPES: Final = [
    str(get_args(model.model_fields["type"].annotation)[0]).removeprefix(_PREFIX).removesuffix(_SUFFIX)
    for model in get_args(get_args(AuditEvent)[0])
]
_COLUMNS: Final = ("offset", "time", "type", "subject", "n", "due")


@dataclass
class Found:
    """The first so many that fit `subject` and `types`, where those are asked for; repeats are dropped."""

    subject: str | None
    types: Collection[str]
    limit: int
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    more: bool = False
    malformed: int = 0

    def take(self, batch: Batch) -> None:
        """The next events."""
        marks = [f'"{mark}"'.encode() for mark in ([self.subject] if self.subject else self.types)]
        for offset, value in zip(batch.offsets, batch.values, strict=True):
            if value is None or (marks and not any(mark in value for mark in marks)):
                continue
            self._take(offset, value)

    def _take(self, offset: int, value: bytes) -> None:
        try:
            event_of(value)
        except ValueError:
            self.malformed += 1
            return
        event = orjson.loads(value)
        fits = self.subject in {None, event["subject"]} and (not self.types or event["type"] in self.types)
        if not fits or event["id"] in self.events:
            return
        if len(self.events) == self.limit:
            self.more = True
            return
        self.events[event["id"]] = {"offset": offset, **event}


@click.command()
@EXPORT
@click.option("--record-id", type=click.UUID, help="Only those of this record.")
@click.option(
    "--tenant-order-record-id",
    type=Word(),
    metavar="NUMBER",
    help="Only those of the order with this number; needs ORDER_RECORDS_SECRETS__ID_KEY.",
)
@click.option(
    "--type",
    "types",
    multiple=True,
    type=click.Choice(_TYPES),
    metavar="TYPE",
    help="Only those of this type, such as record.deleted (docs/compliance.md lists them).",
)
@in_period
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=1_000, show_default=True, help="At most so many."
)
@AS_JSON
def show(*, export: Path | None, period: Period, limit: int, as_json: bool, **wanted: Any) -> None:
    """Show events of the audit trail, from its topic or from a folder that `audit export` made.

    They are shown as they stand there: whether they are what was signed says `audit verify`.

    \b
    Example:
      order-records audit show --tenant-order-record-id ORD-2026-000123
      order-records audit show ./trail --type policy.changed --from 2026-11-01
    """  # noqa: D301 (click reads the \b)
    settings = load_settings()
    types = {f"{_PREFIX}{each}{_SUFFIX}" for each in wanted["types"]}
    found = Found(_subject(settings, wanted["record_id"], wanted["tenant_order_record_id"]), types, limit)
    source = source_of(export, settings)
    with progress_bar() as shown:
        asyncio.run(_read(source, found, period, shown))
    if as_json:
        facts = {"events": list(found.events.values()), "more": found.more, "malformed": found.malformed}
        click.echo(text(facts))
    else:
        _print(found)


def _subject(settings: Settings, record_id: UUID | None, number: str | None) -> str | None:
    if record_id is not None and number is not None:
        raise click.UsageError("name the record once: by its id, or by its order's number")
    if number is None:
        return None if record_id is None else str(record_id)
    keys = RecordKeys.derive(settings.secrets.require("id_key"))
    return identity.record_id(keys.identity, NaturalKey.of_order(number))


async def _read(source: Source, found: Found, period: Period, shown: Shown) -> None:
    edges = await source.edges()
    begin = edges.first if period.begin is None else await source.offset_at(period.begin)
    stop = edges.end if period.end is None else await source.offset_at(period.end)
    stop = edges.end if stop is None else stop
    if begin is None or begin >= stop:
        return

    def progress(done: int, total: int) -> None:
        shown("events", done, total)

    async with aclosing(source.events(begin, stop, progress)) as batches:
        async for batch in batches:
            found.take(batch)
            if found.more:
                return


def _print(found: Found) -> None:
    if not found.events:
        click.echo("no such event")
    else:
        print_table(_COLUMNS, ([_cell(event, name) for name in _COLUMNS] for event in found.events.values()))
    if found.more:
        click.echo(f"and more: --limit is {found.limit}")
    if found.malformed:
        click.echo(f"note  {found.malformed} records there are no audit events that this build knows")


def _cell(event: dict[str, Any], name: str) -> str:
    data = event["data"]
    match name:
        case "type":
            return str(event["type"]).removeprefix(_PREFIX).removesuffix(_SUFFIX)
        case "n":
            return str(data["sequence"]["n"]) if "sequence" in data else "-"
        case "due":
            return str(data.get("due", "-"))
        case _:
            return str(event[name])
