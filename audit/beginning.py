"""Where a verification begins: with what, and whether what was before may be gone."""

from typing import Final

from audit.checkpoint_book import CheckpointBook, Start, told
from audit.checkpoints import Checkpoint
from audit.findings import Findings, Kind
from audit.verdict import Scope

_UNSURE_SECONDS: Final = 3 * 3_600.0
"""Clocks may differ, and what is signed late by less than a silence that is told was written before."""
_DAY_SECONDS: Final = 86_400.0


def look_at_the_beginning(
    scope: Scope, book: CheckpointBook, start: Start | None, begin: int, findings: Findings
) -> None:
    """Adds what is wrong with it; `begin` is the first event that is read."""
    if start is None and scope.first < scope.end:
        text = f"no checkpoint tells what was before the event at {scope.first}"
        findings.add(Kind.CHECKPOINT_MISSING, text)
    if book.pinned is not None:
        _look_at_what_was_seen(scope, book, book.pinned, begin, findings)


def look_at_the_head(scope: Scope, book: CheckpointBook, attested: int | None, findings: Findings) -> None:
    """Adds it if what is gone should still be there; `attested` is how many days attestations speak of."""
    promised = scope.usual_days if attested is None else attested
    days = promised if scope.retention_days is None else scope.retention_days
    since = book.before_first
    if not scope.head or scope.first == 0 or days is None or since is None:
        return
    if scope.now - since < days * _DAY_SECONDS - _UNSURE_SECONDS:
        text = (
            f"the events before {scope.first} are gone, the last of them were written after {told(since)}, "
            f"and all are to be kept for {days:g} days"
        )
        findings.add(Kind.CUT_EARLY, text)


def _look_at_what_was_seen(
    scope: Scope, book: CheckpointBook, pinned: Checkpoint, begin: int, findings: Findings
) -> None:
    """It is compared as any other checkpoint, where its size is among what is read.

    That its record is there says nothing of the events: anybody may put it there.
    """
    seen = f"what was seen before has {pinned.size} events, and what is read here"
    if pinned.size < begin:
        findings.add(Kind.NOT_COMPARED, f"{seen} begins with {begin}")
    elif pinned.size > scope.last and scope.stop is not None:
        findings.add(Kind.NOT_COMPARED, f"{seen} ends with {scope.last}")
    elif not book.pinned_is_there:
        text = f"the checkpoint of {pinned.size} events that was seen before is not there any more"
        findings.add(Kind.CHECKPOINT_MISSING, text)
