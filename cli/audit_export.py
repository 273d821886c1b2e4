"""`order-records audit export`: the trail, or a period of it, as files that anybody can verify."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from audit.checkpoint_book import told
from audit.findings import Findings
from audit.keys import VerifierKey
from audit.templates import timestamp
from cli.audit_keys import KEY, log_keys
from cli.audit_options import Period, in_period
from cli.audit_reading import Plan, Shown, Wanted, planned, progress_bar
from cli.audit_source import Edges, Topics
from cli.audit_writing import Writer, copy_checkpoints, copy_events
from cli.quarantine_options import AS_JSON
from cli.quarantine_view import print_facts, text
from runtime.errors import UserError
from runtime.process import build
from runtime.settings import Settings, load_settings


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@KEY
@in_period
@AS_JSON
def export(*, folder: Path, given: tuple[str, ...], period: Period, as_json: bool) -> None:
    """Export the audit trail, or a period of it, into a new FOLDER.

    It gets the events with their exact bytes, the checkpoints that cover them, the verifier keys, and a
    manifest with the digest of every file, which is written last. It ends at the newest checkpoint: events
    of the last minute may not be signed yet, and are left out. A period is widened to the checkpoints
    around it, so that it can be verified by itself. There is no personal data in it.

    \b
    Example:
      order-records audit export ./trail
      order-records audit export ./trail-2026-11 --from 2026-11-01 --to 2026-12-01
    """  # noqa: D301 (click reads the \b)
    settings = load_settings()
    keys = log_keys(given, settings)
    _make(folder)
    with progress_bar() as shown:
        manifest = asyncio.run(_export(settings, keys, Writer(folder), period, shown))
    if as_json:
        click.echo(text(manifest))
    else:
        first, end = manifest["first"], manifest["end"]
        events = f"{first} to {end - 1}" if end > first else "none"
        print_facts({"folder": folder, "events": events, "files": len(manifest["files"]) + 1})
        if left_out := manifest["leftOut"]:
            click.echo(f"note  {left_out} events after these are not signed yet, and are not in it")


@dataclass(frozen=True)
class Range:
    """What is exported: events, and the records of the checkpoint topic from one on, before another."""

    edges: Edges
    begin_record: int
    end_record: int


async def _export(
    settings: Settings, keys: Sequence[VerifierKey], writer: Writer, period: Period, shown: Shown
) -> dict[str, Any]:
    topics = Topics(settings.kafka)
    plan = await planned(topics, keys, Wanted(period.begin, period.end), Findings(), shown)
    wanted = range_of(plan, period)
    writer.write_keys(keys)
    await copy_checkpoints(topics, writer, wanted.begin_record, wanted.end_record, shown)
    await copy_events(topics, writer, wanted.edges, shown)
    first, cut = _first(wanted.edges, writer.begins, (await topics.edges()).first)
    return writer.finish(
        {
            "log_name": keys[0].name,
            "made_at": told(plan.now),
            "build": build(),
            "period_from": None if period.begin is None else timestamp(period.begin),
            "period_to": None if period.end is None else timestamp(period.end),
            "retention_days": settings.audit.retention_days,
            "topic_first": first if cut else plan.edges.first,
            "first": first,
            "end": wanted.edges.end,
            "open_end": wanted.edges.open_end,
            "left_out": wanted.edges.left_out,
        }
    )


def range_of(plan: Plan, period: Period) -> Range:
    """What of a trail is exported: all of it that is signed, or a period to the checkpoints around it.

    An event that nobody has signed would prove nothing. Raises UserError where nothing is signed at all.
    """
    edges, start, book = plan.edges, plan.book.start(), plan.book
    if book.newest is None:
        raise UserError("nothing of the trail is signed yet: an export would prove nothing")
    signed, end_record, left_out = book.newest.signed.checkpoint.size, book.read_to, 0
    if plan.stop is None:
        end = max(edges.first, min(signed, edges.end))
        left_out = edges.end - end
    else:
        end = plan.stop
        end_record = book.records_to(end, book.read_to)
    first, record = edges.first, 0
    if period.begin is not None and start is not None and start.record is not None:
        first, record = min(start.tree.size, end), start.record
    return Range(Edges(first, end, open_end=plan.stop is None, left_out=left_out), record, end_record)


def _first(wanted: Edges, begins: int | None, there: int) -> tuple[int, bool]:
    """The first event that is exported, and whether retention has moved it: `there` the topic begins now."""
    first = wanted.end if begins is None else begins
    cut = wanted.first < first <= there
    return (first, True) if cut else (wanted.first, False)


def _make(folder: Path) -> None:
    """Raises UserError unless it is new, or empty."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UserError(f"{folder} is not empty: name a new folder")
    except OSError as error:
        raise UserError(f"{folder} cannot be made: {error.strerror}") from None
