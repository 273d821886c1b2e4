"""`order-records quarantine replay`: refused events through the one way in once more."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

import click

from cli.connected import connected, pseudonym, require_compared, trusted_now
from cli.console import progress_on_stderr
from cli.interrupts import end_cleanly
from cli.parameters import EntryId
from cli.quarantine_options import ACTOR, AS_JSON, selecting
from cli.quarantine_view import became_facts, print_became, text
from records.clock import ClockUntrusted
from records.keys import RecordKeys
from records.mongo.client import Database
from records.mongo.configuration import order_records_enabled
from records.mongo.quarantine_reads import Selection, counted
from records.mongo.quarantine_replay import Became, Fate
from records.policy import DateRules
from records.quarantine import QuarantineKey
from runtime.environment import variable
from runtime.errors import UserError
from runtime.process import build
from runtime.settings import Settings, load_settings
from service.replay import Replay, ReplayContext

_STORED: Final = frozenset({Fate.CREATED, Fate.UNCHANGED, Fate.ERASED})


@dataclass(frozen=True)
class _Wanted:
    """What is to be replayed: entries by id, or else a selection; and how."""

    ids: tuple[str, ...]
    selection: Selection
    rate: int | None
    actor: str | None
    dry: bool


@dataclass
class _Report:
    """What became of the entries so far; each of those that a reader wants to see."""

    dry: bool
    shown: list[Became] = field(default_factory=list)
    counts: Counter[Fate] = field(default_factory=Counter)
    complete: bool = False

    def add(self, page: list[Became]) -> None:
        self.counts.update(each.fate for each in page)
        self.shown += [each for each in page if self.dry or each.fate not in _STORED]

    def print(self, *, as_json: bool) -> None:
        if not as_json:
            print_became(self.shown, self.counts, dry=self.dry)
            return
        totals = {fate.value: self.counts[fate] for fate in Fate}
        entries = [became_facts(each) for each in self.shown]
        result = {"complete": self.complete, "dryRun": self.dry, "totals": totals, "entries": entries}
        click.echo(text(result))


@click.command()
@click.argument("ids", metavar="[ID]...", nargs=-1, type=EntryId())
@selecting
@click.option("--all", "everything", is_flag=True, help="All that have content.")
@click.option("--dry-run", is_flag=True, help="Only say what would become of each; nothing is written.")
@click.option("--rate", type=click.IntRange(min=1), help="At most so many a second.")
@ACTOR
@AS_JSON
def replay(
    *,
    ids: tuple[str, ...],
    selection: Selection,
    everything: bool,
    dry_run: bool,
    rate: int | None,
    actor: str | None,
    as_json: bool,
) -> None:
    """Try quarantined events again: by ID, by the filters, or --all.

    Each goes through the consumer's own decoder and the one way in, with the time of its first delivery.
    What is stored leaves the quarantine in the same transaction; what is refused again stays, with the
    reason of now. It may be stopped and repeated at any time, beside running processes.

    Exit code 1 when an entry that was named by its ID is refused again. By filters or with --all refusals are
    a result, and the totals count them.

    \b
    Example:
      order-records quarantine replay --reason UNKNOWN_VALUE --dry-run
      order-records quarantine replay --all --rate 200
    """  # noqa: D301 (click reads the \b)
    if sum((bool(ids), selection != Selection(), everything)) != 1:
        raise click.UsageError("say what to replay: entries by ID, or filters, or --all")
    wanted = _Wanted(ids, selection, rate, actor, dry_run)
    report = _Report(dry_run)
    try:
        asyncio.run(_replay(load_settings(), wanted, report))
        report.complete = True
    except asyncio.CancelledError:
        raise click.Abort from None
    finally:  # what was done before it ended is done
        if report.complete or report.counts:
            report.print(as_json=as_json)
    _complain(report, named=bool(ids))


def _complain(report: _Report, *, named: bool) -> None:
    """Entries of another key, or that were named and are not there or refused again, are no success."""
    if unreadable := report.counts[Fate.UNREADABLE]:
        key = variable("secrets", "quarantine_key")
        raise UserError(
            f"{unreadable} entries were sealed with another key: replay them with the {key} of then"
        )
    if named and (gone := report.counts[Fate.GONE]):
        raise UserError(
            f"{gone} entries have no content (any more): replayed, dropped, erased, or never there"
        )
    if named and (refused := report.counts[Fate.REFUSED]):
        raise UserError(f"{refused} of the entries that were named are still refused, and stay")


async def _replay(settings: Settings, wanted: _Wanted, report: _Report) -> None:
    end_cleanly()
    keys = RecordKeys.derive(settings.secrets.require("id_key"))
    key = QuarantineKey.derive(settings.secrets.require("quarantine_key"))
    async with connected(settings, settings.bound(keys.fingerprint)) as database:
        await require_compared(database)
        if not wanted.dry and not await order_records_enabled(database):
            raise UserError("order records are disabled: nothing is stored before they are enabled")
        dates = DateRules.of(**settings.retention.date_numbers())
        actor = pseudonym(keys, wanted.actor)
        context = ReplayContext(database, keys, key, dates, build(), actor, settings.pricing.tax_mode)
        total = len(set(wanted.ids)) or await _count(database, wanted.selection)
        try:
            await _run(_pages(Replay(context, dry=wanted.dry), wanted), report, total)
        except ClockUntrusted as error:
            raise UserError(f"nothing more is stored until the clocks agree: {error}") from None


async def _count(database: Database, selection: Selection) -> int:
    return await counted(database, selection, await trusted_now(database))


def _pages(run: Replay, wanted: _Wanted) -> AsyncGenerator[list[Became]]:
    if wanted.ids:
        return run.of_entries(wanted.ids, wanted.rate)
    return run.of_selection(wanted.selection, wanted.rate)


async def _run(pages: AsyncGenerator[list[Became]], report: _Report, total: int) -> None:
    with progress_on_stderr() as progress:
        task = progress.add_task("replaying", total=total)
        async with aclosing(pages):
            async for page in pages:
                report.add(page)
                progress.advance(task, len(page))
