"""`order-records trace`: where an order is, and since when; nothing of what is in it."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import click

from audit.templates import entry_subject
from cli.audit_scan import Scan, scan
from cli.connected import connected, reading_time
from cli.console import progress_on_stderr
from cli.parameters import Word
from cli.quarantine_view import print_facts, print_rows, text
from cli.trace_answer import Answer
from records import identity
from records.identity import NaturalKey
from records.keys import RecordKeys
from records.mongo.quarantine_reads import Entry
from records.mongo.trace import Whereabouts, whereabouts
from runtime.environment import variable
from runtime.logs import configure_verb_logging
from runtime.settings import Settings, load_settings


@click.command()
@click.option(
    "--tenant-order-record-id", type=Word(), metavar="NUMBER", help="The sender's own number of the order."
)
@click.option(
    "--event-id", type=Word(), metavar="ID", help="The id of its event, where the order has no number."
)
@click.option("--source", type=Word(), help="The source of that event, where it was a CloudEvent.")
@click.option("--record-id", type=click.UUID, help="The id under which the order is stored.")
@click.option("--no-audit", is_flag=True, help="Do not read the audit topic.")
@click.option(
    "--audit-seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="Read the audit topic for at most so long.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def trace(
    *,
    tenant_order_record_id: str | None,
    event_id: str | None,
    source: str | None,
    record_id: UUID | None,
    no_audit: bool,
    audit_seconds: float,
    as_json: bool,
) -> None:
    """Say where an order is: stored, anonymized, deleted, quarantined, or unknown; and when.

    From MongoDB, and from the audit topic, which is read from the order's creation on, or as a whole
    where that is not known. Nothing of what is in the order is printed. To find an order by its number or
    event ORDER_RECORDS_SECRETS__ID_KEY is needed.

    \b
    Example:
      order-records trace --tenant-order-record-id ORD-2026-000123
      order-records trace --source /shop/1 --event-id 8f0e4d1c-5a3b-4f60-8d7e-2b1a0c9d8e7f
    """  # noqa: D301 (click reads the \b)
    configure_verb_logging("trace")
    named = (tenant_order_record_id, event_id, record_id)
    if sum(each is not None for each in named) != 1 or (source is not None and event_id is None):
        raise click.UsageError("name the order once: by its number, its event (source and id), or record id")
    name = record_id or _natural_key(tenant_order_record_id, event_id, source)
    answer = asyncio.run(_trace(load_settings(), name, None if no_audit else audit_seconds))
    if as_json:
        click.echo(text(answer.facts()))
    else:
        _print(answer)


def _natural_key(number: str | None, event_id: str | None, source: str | None) -> NaturalKey:
    """As the decoder names an order; an envelope has an empty source."""
    return (
        NaturalKey.of_event(source or "", event_id or "") if number is None else NaturalKey.of_order(number)
    )


async def _trace(settings: Settings, name: NaturalKey | UUID, seconds: float | None) -> Answer:
    identifier, bound = _identified(settings, name)
    async with connected(settings, bound) as database:
        where = await whereabouts(database, identifier, await reading_time(database))
    found = None if seconds is None else await _scan(settings, identifier, where, seconds)
    return Answer(identifier, where, found)


def _identified(settings: Settings, name: NaturalKey | UUID) -> tuple[str, dict[str, str]]:
    """The record id, and what has to be the database's own for it to be right."""
    if isinstance(name, UUID):
        return str(name), {}
    keys = RecordKeys.derive(settings.secrets.require("id_key"))
    return identity.record_id(keys.identity, name), {variable("secrets", "id_key"): keys.fingerprint}


async def _scan(settings: Settings, identifier: str, where: Whereabouts, seconds: float) -> Scan:
    arrivals = _arrivals(where.entries)
    with progress_on_stderr() as progress:
        task = progress.add_task("reading the audit topic", total=None)

        def read(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        found = await scan(settings.kafka, [identifier, *arrivals], where.known_since, seconds, read)
    found.leave_out_before({subject: time for subject, time in arrivals.items() if time is not None})
    return found


def _arrivals(entries: Sequence[Entry]) -> dict[str, datetime | None]:
    """The subjects of the entries' audit events, and since when each is theirs, where that is known.

    A topic that was made anew has the same places, and so the same subjects, once more.
    """
    arrivals: dict[str, datetime | None] = {}
    for entry in entries:
        subject = entry_subject(entry.position.topic, entry.position.partition, entry.position.offset)
        known = arrivals.get(subject, entry.arrived)
        arrivals[subject] = min(known, entry.arrived) if known and entry.arrived else None
    return arrivals


def _print(answer: Answer) -> None:
    known = {name: value for name, value in answer.dates().items() if value is not None}
    print_facts({"recordId": answer.record_id, "state": answer.state.value, **known})
    for event in () if answer.scan is None else answer.scan.events.values():
        click.echo(
            f"audit     {event['time']}  {event['type']}  {event['subject']}  offset {event['offset']}"
        )
    if answer.where.entries:
        print_rows(answer.where.entries)
    for note in answer.notes():
        click.echo(f"note      {note}")
