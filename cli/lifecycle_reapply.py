"""`order-records lifecycle reapply`: after a restore from backup, what was erased since is erased again."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext, suppress
from typing import Final
from uuid import uuid4

import click

from cli.connected import connected, pseudonym, trusted_now
from cli.console import progress_on_stderr
from cli.interrupts import end_cleanly
from cli.quarantine_options import ACTOR, AS_JSON
from cli.quarantine_view import print_facts, text
from cli.reapply import Report, Run
from records.keys import RecordKeys
from records.mongo.client import Database
from records.mongo.errors import LeaseLost, StoreError
from records.mongo.lease import Lease
from runtime.errors import UserError
from runtime.process import told
from runtime.settings import Settings, load_settings
from runtime.topics import KAFKA_AWAY

_POLL_SECONDS: Final = 0.5
_EXTRA_SECONDS: Final = 3.0


@click.command()
@click.option("--dry-run", "dry", is_flag=True, help="Only say what would be brought back.")
@ACTOR
@AS_JSON
def reapply(*, dry: bool, actor: str | None, as_json: bool) -> None:
    """Bring back what the audit topic knows and a restored database does not.

    For after a restore from backup, before any process is started; and for a new database whose audit
    topic has events already. The whole topic is read twice. Ids of what was deleted go into the erasure
    ledger, the policy and the sweeps' last number are set to the newest, and the consumer group is set
    back to the backup's time; the next sweep then erases again. `work` and `consume` must not run. It may
    be stopped and repeated at any time: once all is brought back it changes nothing. It is an audit event
    (ledger.reapplied), with a pseudonym of whoever asks.

    \b
    Example:
      order-records lifecycle reapply --dry-run
      order-records lifecycle reapply --actor on-call
    """  # noqa: D301 (click reads the \b)
    try:
        report = asyncio.run(_reapply(load_settings(), dry=dry, actor=actor))
    except asyncio.CancelledError:
        raise click.Abort from None
    if as_json:
        click.echo(text(report.facts()))
    else:
        _print(report)


async def _reapply(settings: Settings, *, dry: bool, actor: str | None) -> Report:
    end_cleanly()
    return await reapplied(settings, dry=dry, actor=actor)


async def reapplied(settings: Settings, *, dry: bool, actor: str | None) -> Report:
    """Brings it back, and says what that came to. Raises UserError, SettingsDiffer, StoreError."""
    keys = RecordKeys.derive(settings.secrets.require("id_key"))
    async with connected(settings, settings.bound(keys.fingerprint)) as database:
        name, now = pseudonym(keys, actor), await trusted_now(database)
        try:
            async with nullcontext() if dry else _leading(settings, database) as lease:
                with progress_on_stderr() as shown:
                    task = shown.add_task("", total=None)

                    def progress(what: str, done: int, total: int) -> None:
                        shown.update(task, description=what, completed=done, total=total)

                    return await Run(settings, database, lease, name, progress).run(now)
        except KAFKA_AWAY as error:
            raise UserError(f"Kafka does not give what is needed, try again: {told(error)}") from None
        except LeaseLost:
            raise UserError("a worker leads meanwhile: stop `work`, and run this again") from None


@asynccontextmanager
async def _leading(settings: Settings, database: Database) -> AsyncIterator[Lease]:
    """Nobody sweeps meanwhile. Raises UserError while a worker leads."""
    seconds = settings.worker.lease_seconds
    async with database.session() as session:
        owner = f"reapply/{socket.gethostname()}/{os.getpid()}/{uuid4()}"
        lease = Lease(database, session, owner, seconds)
        await _acquire(lease, seconds + _EXTRA_SECONDS)
        keeping = asyncio.create_task(_keep(lease, seconds / 3))
        try:
            yield lease
        finally:
            keeping.cancel()
            await asyncio.wait([keeping])
            with suppress(StoreError):  # it runs out by itself
                await lease.release()


async def _acquire(lease: Lease, seconds: float) -> None:
    """Waits as long as the lease of one lasts that was killed."""
    try:
        async with asyncio.timeout(seconds):
            while not await lease.acquire():  # noqa: ASYNC110 - no other process sets an event of ours
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        raise UserError("a worker leads: stop `work` first") from None


async def _keep(lease: Lease, every_seconds: float) -> None:
    while True:  # ends by being cancelled
        await asyncio.sleep(every_seconds)
        with suppress(StoreError):  # the last transaction fails if it is lost
            await lease.acquire()


def _print(report: Report) -> None:
    facts = report.facts()
    offsets = facts.pop("offsets")
    print_facts({**facts, **{f"partition {number}": _moved(**each) for number, each in offsets.items()}})
    for note in _notes(report):
        click.echo(f"note  {note}")


def _moved(committed: int, readFrom: int) -> str:  # noqa: N803 - the name that --json uses
    return f"read to {committed}, reads on from {readFrom}"


def _notes(report: Report) -> list[str]:
    notes = []
    if report.unreadable:
        notes.append(
            f"{report.unreadable} records of the audit topic are no events that this build knows: if a newer "
            "one wrote them, run this with that one"
        )
    if report.policy and not report.policy_known:
        notes.append(
            f"the numbers of policy version {report.policy_version} are not on the audit topic: look at them "
            "(GET /api/configurations/gdpr)"
        )
    elif report.policy:
        notes.append(
            "the policy is a newer one now: see what it changes by `order-records lifecycle preview`"
        )
    if report.moved_later:
        notes.append(
            f"{report.moved_later} dates were moved later after the backup, and are in it as they were: once "
            "`work` runs, what is past the earlier one is erased; a later backup would have the later ones"
        )
    if report.replay_again:
        notes.append(
            f"{report.replay_again} quarantined events had been replayed since: replay them again "
            "(order-records quarantine replay)"
        )
    return notes
