"""`order-records lifecycle reapply`: after a restore from backup, what was erased since is erased again."""

import asyncio
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Final, NoReturn

import click

from audit.findings import Kind
from audit.keys import VerifierKey
from cli.audit_keys import KEY, log_keys
from cli.audit_reading import progress_bar
from cli.audit_report import print_verdict, verdict_facts
from cli.connected import connected, pseudonym, trusted_now
from cli.console import progress_on_stderr
from cli.interrupts import end_cleanly
from cli.leading import leading
from cli.quarantine_options import ACTOR, AS_JSON
from cli.quarantine_view import print_facts, text
from cli.reapply import Given, Report, Run
from cli.reapply_exports import Export, Unsound, verified_exports
from cli.reapply_trail import Trail
from cli.reapply_vouching import live_trail
from records.keys import RecordKeys
from records.mongo.errors import LeaseLost
from runtime.errors import UserError
from runtime.process import told
from runtime.settings import Settings, load_settings
from runtime.topics import KAFKA_AWAY, TopicMissing

_NO_TOPIC: Final = (
    "see whether it may be read, and is still to come; if it is gone, name the folders that `order-records "
    "audit export` made of it: order-records lifecycle reapply FOLDER ..."
)

_ACCEPT: Final = "if there is none without that, what was signed can be gone by: --accept-gaps"
_NAME_LATER: Final = (
    "name the exports that go on from it as well, up to one that today's key has signed (the audit topic was "
    "asked, too)"
)


@click.command()
@click.argument(
    "exports", nargs=-1, metavar="[EXPORT]...", type=click.Path(file_okay=False, exists=True, path_type=Path)
)
@KEY
@click.option(
    "--accept-gaps",
    is_flag=True,
    help="Go on though some of the trail is not there, or an export is not sound in a way that leaves what "
    "was signed as it was. Only once it is sure that what is missing cannot be had.",
)
@click.option("--dry-run", "dry", is_flag=True, help="Only say what would be brought back.")
@ACTOR
@AS_JSON
def reapply(
    *,
    exports: tuple[Path, ...],
    given: tuple[str, ...],
    accept_gaps: bool,
    dry: bool,
    actor: str | None,
    as_json: bool,
) -> None:
    """Bring back what the audit topic knows and a restored database does not.

    For after a restore from backup, before any process is started; and for a new database whose audit
    topic has events already. The whole topic is read twice. Ids of what was deleted go into the erasure
    ledger, the policy and the sweeps' last number are set to the newest, and the consumer group is set
    back to the backup's time; the next sweep then erases again. `work` and `consume` must not run. It may
    be stopped and repeated at any time: once all is brought back it changes nothing. It is an audit event
    (ledger.reapplied), with a pseudonym of whoever asks.

    Where the topic does not have all since the backup any more, name the folders that `audit export` made,
    all of them in one call, in any order: they are read first, and the topic from where they end. Each is
    verified before anything is changed, and of each only what was signed counts. After a change of keys
    today's speaks for one from before it, in an export or on the topic that goes on. What is not sound is
    refused with the exit codes of `audit verify`; a gap between them, before them or up to the topic with 1.

    \b
    Example:
      order-records lifecycle reapply --dry-run
      order-records lifecycle reapply --actor on-call
      order-records lifecycle reapply ./trail-2026-10 ./trail-2026-11 --key verifier.txt
    """  # noqa: D301 (click reads the \b)
    settings = load_settings()
    keys = _keys(exports, given, settings)
    try:
        report = asyncio.run(_reapply(settings, exports, keys, accept_gaps=accept_gaps, dry=dry, actor=actor))
    except asyncio.CancelledError:
        raise click.Abort from None
    except Unsound as found:
        _refuse(found, settings.audit.log_name, as_json=as_json)
    if as_json:
        click.echo(text(report.facts()))
    else:
        _print(report)


def _keys(exports: Sequence[Path], given: Sequence[str], settings: Settings) -> list[VerifierKey]:
    """Those to verify exports by. Raises UsageError."""
    if not exports:
        if given:
            raise click.UsageError("--key is for an EXPORT, and none is named")
        return []
    keys, log_name = log_keys(given, settings), settings.audit.log_name
    if keys[0].name != log_name:
        raise click.UsageError(f"--key: it is of the trail {keys[0].name}, and this database's is {log_name}")
    return keys


def _refuse(found: Unsound, log_name: str, *, as_json: bool) -> NoReturn:
    """Says what is wrong with an export, as `audit verify` does, and ends as that does."""
    if as_json:
        click.echo(text({"folder": str(found.path), **verdict_facts(found.verdict, log_name)}))
    else:
        print_verdict(found.verdict, log_name)
    advice = _ACCEPT if found.acceptable else "take a copy that is whole, or export it again"
    if any(finding.kind is Kind.RETIRED_KEY for finding in found.verdict.findings) and found.acceptable:
        advice = f"{_NAME_LATER}; {advice}"
    click.echo(f"Error: nothing was changed: export {found} (see above); {advice}", err=True)
    sys.exit(int(found.verdict.outcome))


async def _reapply(
    settings: Settings,
    paths: Sequence[Path],
    keys: Sequence[VerifierKey],
    *,
    accept_gaps: bool,
    dry: bool,
    actor: str | None,
) -> Report:
    with progress_bar() as shown:
        exports = await verified_exports(
            paths, keys, shown, accept_gaps=accept_gaps, live=lambda: live_trail(settings.kafka)
        )
    end_cleanly()
    return await reapplied(settings, exports, accept_gaps=accept_gaps, dry=dry, actor=actor)


async def reapplied(
    settings: Settings,
    exports: Sequence[Export] = (),
    *,
    accept_gaps: bool = False,
    dry: bool,
    actor: str | None,
) -> Report:
    """Brings it back, and says what that came to. Raises UserError, SettingsDiffer, StoreError."""
    keys = RecordKeys.derive(settings.secrets.require("id_key"))
    async with connected(settings, settings.bound(keys.fingerprint)) as database:
        name, now = pseudonym(keys, actor), await trusted_now(database)
        given = Given(Trail(settings.kafka, exports), accept_gaps, name)
        try:
            async with nullcontext() if dry else leading(settings, database) as lease:
                with progress_on_stderr() as shown:
                    task = shown.add_task("", total=None)

                    def progress(what: str, done: int, total: int) -> None:
                        shown.update(task, description=what, completed=done, total=total)

                    return await Run(settings, database, lease, given, progress).run(now)
        except TopicMissing as error:
            raise UserError(f"{error}: {_NO_TOPIC}") from None
        except KAFKA_AWAY as error:
            raise UserError(f"Kafka does not give what is needed, try again: {told(error)}") from None
        except LeaseLost:
            raise UserError("a worker leads meanwhile: stop `work`, and run this again") from None


def _print(report: Report) -> None:
    facts = report.facts()
    offsets, _ = facts.pop("offsets"), facts.pop("notCovered")
    print_facts({**facts, **{f"partition {number}": _moved(**each) for number, each in offsets.items()}})
    for note in _notes(report):
        click.echo(f"note  {note}")


def _moved(committed: int, readFrom: int) -> str:  # noqa: N803 - the name that --json uses
    return f"read to {committed}, reads on from {readFrom}"


def _notes(report: Report) -> list[str]:
    notes = [f"not covered: {gap}" for gap in report.gaps]
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
