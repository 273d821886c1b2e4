"""`order-records audit verify`: whether the trail is whole, and is what was signed."""

import asyncio
import sys
from pathlib import Path
from typing import Final

import click

from audit.findings import Outcome
from audit.verdict import Verdict
from cli.audit_cosigned import Others, by_others
from cli.audit_folder import Folder
from cli.audit_keys import KEY, log_keys
from cli.audit_options import EXPORT, Period, in_period, source_of
from cli.audit_reading import Kept, Wanted, progress_bar, verified
from cli.audit_report import print_verdict, verdict_facts
from cli.quarantine_options import AS_JSON
from cli.quarantine_view import text
from runtime.errors import UserError
from runtime.settings import load_settings

_KEPT: Final = "has the newest checkpoint now"
_NOT_KEPT: Final = "was not written: only of a sound trail, read to its end"


@click.command()
@EXPORT
@KEY
@by_others
@click.option(
    "--keep",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE",
    help="Write the newest checkpoint to FILE if the trail is sound: for --since, the next time.",
)
@in_period
@click.option(
    "--retention-days",
    type=click.FloatRange(min=0),
    help="How long events are promised to be kept; else what the last attestation says, or the settings.",
)
@AS_JSON
def verify(
    *,
    export: Path | None,
    given: tuple[str, ...],
    others: Others,
    keep: Path | None,
    period: Period,
    retention_days: float | None,
    as_json: bool,
) -> None:
    """Verify the audit trail: on its topics, or in a folder that `audit export` made.

    Needs nothing but the trail and its public key. Reads all of it, or a period (--from, --to). Exit codes:
    0 sound, 2 a gap or events that are not signed yet, 3 something is missing, 4 something was changed or
    forged, 5 erasures are not numbered as they should be, 64 a wrong call; of several the worst: 4, 3, 5, 2.

    \b
    Example:
      order-records audit verify
      order-records audit verify ./trail --key verifier.txt --since seen.txt --keep seen.txt
    """  # noqa: D301 (click reads the \b)
    settings = load_settings()
    keys = log_keys(given, settings)
    wanted = Wanted(period.begin, period.end, others.seen(keys), others.cosigned(keys))
    source = source_of(export, settings)
    usual = source.manifest if isinstance(source, Folder) else settings.audit
    kept_for = Kept(retention_days, usual.retention_days)
    with progress_bar() as shown:
        verdict = asyncio.run(verified(source, keys, wanted, kept_for, shown))
    kept = keep is not None and _keep(keep, verdict)
    if as_json:
        click.echo(text(verdict_facts(verdict, keys[0].name)))
    else:
        print_verdict(verdict, keys[0].name)
        if keep is not None:
            click.echo(f"note  {keep} {_KEPT if kept else _NOT_KEPT}")
    sys.exit(int(verdict.outcome))


def _keep(path: Path, verdict: Verdict) -> bool:
    """Only what was compared is worth to be seen before."""
    newest = verdict.newest
    if verdict.outcome is not Outcome.SOUND or newest is None:
        return False
    if newest.signed.checkpoint.size != verdict.compared:
        return False
    try:
        path.write_bytes(newest.note)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}") from None
    return True
