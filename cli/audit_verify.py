"""`order-records audit verify`: whether the trail is whole, and is what was signed."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from audit.findings import Kind
from audit.keys import VerifierKey
from audit.verdict import Verdict
from cli.audit_cosigned import Others, by_others
from cli.audit_folder import Folder
from cli.audit_keys import KEY, log_keys
from cli.audit_options import EXPORT, Period, in_period, source_of
from cli.audit_reading import Kept, Shown, Wanted, progress_bar, verified
from cli.audit_report import print_verdict, verdict_facts
from cli.audit_source import Source
from cli.quarantine_options import AS_JSON
from cli.quarantine_view import text
from cli.witness_state import write_whole
from runtime.errors import UserError
from runtime.settings import load_settings

_KEPT: Final = "has the newest checkpoint now"
_NOT_KEPT: Final = "was not written: only of a trail that was read to its end and is what was signed"
_LATE: Final = frozenset({Kind.SILENCE, Kind.UNCOVERED, Kind.NOT_ATTESTED})
"""Gaps that were, or may be mended: the newest checkpoint is worth as much, and they stand on the trail for
as long as it is kept. What whoever reads has asked for, and did not get, is none of them.
"""


@click.command()
@EXPORT
@KEY
@by_others
@click.option(
    "--keep",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE",
    help="Write the newest checkpoint to FILE if the trail is sound up to it, or was but signed or attested "
    "late: for --since, the next time.",
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
    forged, 5 erasures are not numbered or counted as they should be, 64 a wrong call; of several the worst:
    4, 3, 5, 2.

    \b
    Example:
      order-records audit verify
      order-records audit verify ./trail --key verifier.txt --since seen.txt --keep seen.txt
    """  # noqa: D301 (click reads the \b)
    settings = load_settings()
    keys = log_keys(given, settings)
    wanted = Wanted(period.begin, period.end, others.seen(keys), others.cosigned(keys))
    source = source_of(export, settings)
    manifest = source.manifest if isinstance(source, Folder) else None
    kept_for = Kept(retention_days, (manifest or settings.audit).retention_days)
    with progress_bar() as shown:
        verdict = asyncio.run(_verified(source, keys, wanted, kept_for, shown))
    kept = keep is not None and _keep(keep, verdict)
    if as_json:
        click.echo(text(verdict_facts(verdict, keys[0].name, manifest)))
    else:
        print_verdict(verdict, keys[0].name, manifest)
        if keep is not None:
            click.echo(f"note  {keep} {_KEPT if kept else _NOT_KEPT}")
    sys.exit(int(verdict.outcome))


async def _verified(
    source: Source, keys: Sequence[VerifierKey], wanted: Wanted, kept_for: Kept, shown: Shown
) -> Verdict:
    """The verdict. Raises UserError, also where retention has cut what was still to be read."""
    verdict = await verified(source, keys, wanted, kept_for, shown)
    missing = any(finding.kind is Kind.EVENT_MISSING for finding in verdict.findings)
    if missing and (await source.edges()).first > verdict.start:
        raise UserError(
            "the beginning of the audit topic was cut while it was read, as by retention: try again"
        )
    return verdict


def _keep(path: Path, verdict: Verdict) -> bool:
    """Only what was compared is worth to be seen before."""
    newest = verdict.newest
    if newest is None or any(finding.kind not in _LATE for finding in verdict.findings):
        return False
    if newest.signed.checkpoint.size != verdict.compared:
        return False
    write_whole(path, newest.note)
    return True
