"""`order-records quarantine`: events that could not be stored, and what people may do about them."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import click

from cli.connected import act_of, connected, reading_time
from cli.parameters import EntryId
from cli.quarantine_options import ACTOR, AS_JSON, selecting
from cli.quarantine_replay import replay
from cli.quarantine_skip import skip_record
from cli.quarantine_view import (
    content_facts,
    entry_facts,
    print_entries,
    print_facts,
    print_table,
    readable,
    text,
)
from records.keys import RecordKeys
from records.mongo import quarantine_acts
from records.mongo.quarantine_acts import MAX_DROPPED, Dropped
from records.mongo.quarantine_reads import Entry, Selection, counted, entry, listed
from records.quarantine import CannotOpen, DropGrounds, QuarantineKey, RawEvent, ShowGrounds
from runtime.environment import variable
from runtime.errors import UserError
from runtime.logs import configure_verb_logging
from runtime.settings import Settings, load_settings


@click.group()
def quarantine() -> None:
    """List, show, replay and drop events that could not be stored; skip what cannot be fetched.

    \b
    Example:
      order-records quarantine list --reason WRONG_TYPE
      order-records quarantine replay --reason WRONG_TYPE --dry-run
    """  # noqa: D301 (click reads the \b)
    configure_verb_logging("quarantine")


quarantine.add_command(replay)
quarantine.add_command(skip_record)


@quarantine.command("list")
@selecting
@click.option("--bare", is_flag=True, help="Those without content, too: erased, dropped, or never kept.")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="At most so many."
)
@AS_JSON
def list_entries(*, selection: Selection, bare: bool, limit: int, as_json: bool) -> None:
    """List quarantined events, the newest first; nothing of what is in them.

    \b
    Example:
      order-records quarantine list --reason WRONG_TYPE --since 2026-11-23
    """  # noqa: D301 (click reads the \b)
    entries, total = asyncio.run(_list(load_settings(), selection, limit, kept_only=not bare))
    if as_json:
        click.echo(text({"entries": [entry_facts(each) for each in entries], "total": total}))
    else:
        print_entries(entries, total)


async def _list(
    settings: Settings, selection: Selection, limit: int, *, kept_only: bool
) -> tuple[list[Entry], int]:
    async with connected(settings, {}) as database:
        now = await reading_time(database)
        entries = await listed(database, selection, now, limit, kept_only=kept_only)
        return entries, await counted(database, selection, now, kept_only=kept_only)


@quarantine.command("show")
@click.argument("identifier", metavar="ID", type=EntryId())
@click.option("--payload", is_flag=True, help="Decrypt the event and print it; this is announced.")
@click.option(
    "--reason", type=click.Choice(list(ShowGrounds)), help="Why; needed with --payload, and announced."
)
@ACTOR
@AS_JSON
def show(*, identifier: str, payload: bool, reason: str | None, actor: str | None, as_json: bool) -> None:
    """Show one quarantined event: what is known of it, and with --payload the event itself.

    The event may name people. Showing it is an audit event (quarantine.shown) with the reason and a
    pseudonym of whoever asks. --json gives the very bytes, as base64.

    \b
    Example:
      order-records quarantine show order-completed/4/18273/1795392898120
      order-records quarantine show order-completed/4/18273/1795392898120 --payload --reason INCIDENT
    """  # noqa: D301
    if payload != (reason is not None):
        raise click.UsageError("--payload and --reason belong together")
    grounds = None if reason is None else ShowGrounds(reason)
    found, event = asyncio.run(_show(load_settings(), identifier, grounds, actor))
    facts = entry_facts(found)
    if as_json:
        click.echo(text(facts if event is None else {**facts, "event": content_facts(event)}))
        return
    print_facts(facts)
    if event is not None:
        click.echo(readable(event))


async def _show(
    settings: Settings, identifier: str, grounds: ShowGrounds | None, actor: str | None
) -> tuple[Entry, RawEvent | None]:
    if grounds is None:
        async with connected(settings, {}) as database:
            found = await entry(database, identifier, await reading_time(database))
        return _known(found, identifier), None
    keys = RecordKeys.derive(settings.secrets.require("id_key"))
    key = QuarantineKey.derive(settings.secrets.require("quarantine_key"))
    async with connected(settings, settings.bound(keys.fingerprint)) as database:
        act = await act_of(settings, database, keys, actor)
        found = _known(await entry(database, identifier, act.now), identifier)
        try:
            event = await quarantine_acts.show(database, identifier, key, grounds, act)
        except CannotOpen as error:
            raise UserError(f"{error}: see {variable('secrets', 'quarantine_key')}") from None
    if event is None:
        raise UserError(f"entry {identifier} has no content: it was erased, dropped, or never kept")
    return found, event


def _known(found: Entry | None, identifier: str) -> Entry:
    if found is None:
        raise UserError(f"there is no entry {identifier}: it was replayed, forgotten, or never there")
    return found


@quarantine.command("drop")
@click.argument("ids", metavar="ID...", nargs=-1, required=True, type=EntryId())
@click.option(
    "--reason", required=True, type=click.Choice(list(DropGrounds)), help="Why; announced on the audit topic."
)
@ACTOR
@AS_JSON
def drop(*, ids: tuple[str, ...], reason: str, actor: str | None, as_json: bool) -> None:
    """Give quarantined events up: their content is erased at once, and cannot be brought back.

    The bare entries stay, so that a redelivery does not bring the content back either. Dropping is an
    audit event (quarantine.dropped) with the reason and a pseudonym of whoever asks.

    \b
    Example:
      order-records quarantine drop order-completed/4/18273/1795392898120 --reason SENT_AGAIN
    """  # noqa: D301
    unique = list(dict.fromkeys(ids))
    became = asyncio.run(_drop(load_settings(), unique, DropGrounds(reason), actor))
    if as_json:
        rows = [{"id": each, "result": result.value} for each, result in became.items()]
        click.echo(text({"entries": rows}))
    else:
        print_table(("id", "result"), [(each, result.value) for each, result in became.items()])
    if unknown := [each for each, result in became.items() if result is Dropped.UNKNOWN]:
        raise UserError(f"{len(unknown)} of {len(unique)} entries are not there")


async def _drop(
    settings: Settings, ids: Sequence[str], grounds: DropGrounds, actor: str | None
) -> dict[str, Dropped]:
    keys = RecordKeys.derive(settings.secrets.require("id_key"))
    ledger_time = timedelta(days=settings.retention.ledger_days)
    became: dict[str, Dropped] = {}
    async with connected(settings, settings.bound(keys.fingerprint)) as database:
        for start in range(0, len(ids), MAX_DROPPED):
            part = ids[start : start + MAX_DROPPED]
            act = await act_of(settings, database, keys, actor)
            results = await quarantine_acts.drop(database, part, grounds, act, ledger_time)
            became |= dict(zip(part, results, strict=True))
    return became
