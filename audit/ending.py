"""Where a verification ends: how much of what was read is signed, by which key, and what may still come."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from audit.checkpoint_book import CheckpointBook, told
from audit.findings import Findings, Kind, Outcome
from audit.merkle import MAX_SIZE
from audit.signing_times import SILENCE_SECONDS
from audit.verdict import Scope

FRESH_SECONDS: Final = 120.0
"""So old may an event be that no checkpoint covers yet."""
_CLOCKS_SECONDS: Final = 300.0
"""So far the clock of whoever reads may be away from those of the trail; more than a minute is told."""
_TOLD_SECONDS: Final = 60.0
_HOUR_SECONDS: Final = 3_600.0


@dataclass(frozen=True)
class Ended:
    """Events from `begin` on, before `at`, were read, and held against the root of the first `compared`.

    `unsigned` of them no checkpoint covers: the first of these was written at `since`, and the last of all at
    `last`, in seconds since 1970 and by the times that Kafka has, which nobody signs.
    """

    begin: int
    at: int
    compared: int
    unsigned: int
    since: float
    last: float | None


def covered(scope: Scope, book: CheckpointBook) -> int:
    """How many events of what is read are covered by what was signed."""
    return book.signed_to(MAX_SIZE if scope.stop is None else scope.last)


def look_at_the_end(scope: Scope, book: CheckpointBook, ended: Ended, findings: Findings) -> None:
    """Adds what is wrong with it."""
    if ended.at < scope.last:
        missing = scope.last - ended.at
        findings.add(Kind.EVENT_MISSING, f"the events from {ended.at} on are missing", missing)
    signed = book.signed_to(MAX_SIZE)
    if scope.stop is None and signed > scope.end:
        text = f"{signed} events were signed, and the trail ends with {scope.end}"
        findings.add(Kind.TRUNCATED, text, signed - scope.end)
    if ended.unsigned and not _may_be_unsigned(scope, ended.since):
        text = f"{ended.unsigned} events are not signed, the first since {told(ended.since)}"
        findings.add(Kind.UNCOVERED, text, ended.unsigned)
    _look_at_silence(scope, book, findings)
    retired = _by_retired_key(book, ended)
    if retired is not None and not _is_limited(scope):
        findings.add(Kind.RETIRED_KEY, retired)


def look_at_what_was_proven(scope: Scope, book: CheckpointBook, ended: Ended, findings: Findings) -> None:
    """The last look: nothing is sound of which no root was compared, unless the topic has nothing new."""
    begun = not scope.exported and ended.begin <= book.target and book.is_signed(ended.begin)
    if findings.outcome is Outcome.SOUND and not ended.compared and not begun:
        text = f"no checkpoint tells anything of the events from {book.target} on, before {ended.at}"
        findings.add(Kind.NOT_PROVEN, text)


def may_go_on(scope: Scope, ended: Ended) -> bool:
    """Whether what belongs to the last events may still be on its way, or may not have been signed yet."""
    if scope.left_out or ended.last is None:
        return True
    return -_CLOCKS_SECONDS <= scope.now - ended.last <= FRESH_SECONDS + _CLOCKS_SECONDS


def notes_on_the_end(scope: Scope, book: CheckpointBook, ended: Ended, findings: Findings) -> Iterator[str]:
    """What is usual, and what whoever reads may want to look at."""
    if ended.unsigned and Kind.UNCOVERED not in findings:
        yield (
            f"the last {ended.unsigned} events are not signed yet, as is usual for those of the last "
            "two minutes"
        )
    retired = _by_retired_key(book, ended)
    if retired is not None and _is_limited(scope):
        yield retired
    last = ended.last or 0.0
    ahead = max(last, book.signed_at or 0) - scope.now
    if ahead > _TOLD_SECONDS:
        clock = "what the export says of when it was made" if scope.exported else "the clock here"
        yield f"what was written or signed last is {ahead:.0f} seconds ahead of {clock}: clocks differ"
    fresh = not scope.exported and last - ended.since <= FRESH_SECONDS
    if Kind.UNCOVERED in findings and fresh and 0 < scope.now - last < _HOUR_SECONDS:
        yield "by the times on the topic what is not signed is fresh: see whether the clock here is ahead"


def _may_be_unsigned(scope: Scope, since: float) -> bool:
    """Only on the topic itself: of a folder the times are the word of whoever made it."""
    if scope.exported or scope.stop is not None:
        return False
    return -_CLOCKS_SECONDS <= scope.now - since <= FRESH_SECONDS


def _look_at_silence(scope: Scope, book: CheckpointBook, findings: Findings) -> None:
    book.tell_silence(math.inf if scope.exported else scope.now)
    signed_at = book.signed_at
    if not book.sizes:
        findings.add(Kind.SILENCE, "nothing is signed at all")
    if scope.stop is None and signed_at is not None and scope.now - signed_at > SILENCE_SECONDS:
        findings.add(Kind.SILENCE, f"nothing was signed after {told(signed_at)}")


def _is_limited(scope: Scope) -> bool:
    """Whether whoever reads wanted no more; what comes then is signed by later keys."""
    return scope.stop is not None and scope.stop < scope.end


def _by_retired_key(book: CheckpointBook, ended: Ended) -> str | None:
    signed = book.signed_to(ended.at)
    if signed <= book.vouched_to(ended.at):
        return None
    return (
        f"of the first {signed} events the last are signed by a retired key alone; if it was the key of "
        "that time, name it before today's"
    )
