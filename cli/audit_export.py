"""`order-records audit export`: the trail, or a period of it, as files that anybody can verify."""

import asyncio
from collections.abc import Sequence
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
    manifest with the digest of every file, which is written last. A period is widened to the checkpoints
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


async def _export(
    settings: Settings, keys: Sequence[VerifierKey], writer: Writer, period: Period, shown: Shown
) -> dict[str, Any]:
    topics = Topics(settings.kafka)
    plan = await planned(topics, keys, Wanted(period.begin, period.end), Findings(), shown)
    edges, first_record = _range(plan, period)
    writer.write_keys(keys)
    await copy_checkpoints(topics, writer, first_record, None if edges.open_end else edges.end, shown)
    await copy_events(topics, writer, edges, shown)
    return writer.finish(
        {
            "log_name": keys[0].name,
            "made_at": told(plan.now),
            "build": build(),
            "period_from": None if period.begin is None else timestamp(period.begin),
            "period_to": None if period.end is None else timestamp(period.end),
            "retention_days": settings.audit.retention_days,
            "topic_first": plan.edges.first,
            "first": edges.first,
            "end": edges.end,
            "open_end": edges.open_end,
        }
    )


def _range(plan: Plan, period: Period) -> tuple[Edges, int]:
    """The events to copy, and the checkpoint record to begin with; the whole trail from its very first."""
    edges, start = plan.edges, plan.book.start()
    end = edges.end if plan.stop is None else plan.stop
    if period.begin is None or start is None or start.record is None:
        return Edges(edges.first, end, open_end=plan.stop is None), 0
    return Edges(min(start.tree.size, end), end, open_end=plan.stop is None), start.record


def _make(folder: Path) -> None:
    """Raises UserError unless it is new, or empty."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UserError(f"{folder} is not empty: name a new folder")
    except OSError as error:
        raise UserError(f"{folder} cannot be made: {error.strerror}") from None
