"""Reading a trail for a verdict: first all checkpoints, then the events, in that order for a reason.

What is signed while this reads could else seem to be missing.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeAlias

from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

from audit.checkpoint_book import CheckpointBook, CheckpointRecord
from audit.checkpoints import Checkpoint
from audit.findings import Findings
from audit.keys import VerifierKey
from audit.verdict import Scope, Verdict
from audit.verification import Verification
from audit.witness_policy import Cosigned
from cli.audit_source import Edges, Source
from cli.console import progress_on_stderr

_CAUGHT_UP_SECONDS: Final = 5.0
_ROUNDS: Final = 20

Shown: TypeAlias = Callable[[str, int, int], None]
"""Is told what is read, how much of it, and of how much."""


@dataclass(frozen=True)
class Wanted:
    """What of the trail: a period by the times that Kafka has, and what was seen before or was co-signed."""

    begin: datetime | None = None
    end: datetime | None = None
    since: Checkpoint | None = None
    cosigned: Cosigned | None = None

    @property
    def period(self) -> tuple[float, float]:
        """In seconds since 1970."""
        begin = -math.inf if self.begin is None else self.begin.timestamp()
        return begin, math.inf if self.end is None else self.end.timestamp()


@dataclass(frozen=True)
class Kept:
    """For how many days events are kept: what whoever verifies was promised, and what is usual."""

    promised: float | None
    usual: float


@dataclass(frozen=True)
class Plan:
    """What is there, what was signed, and the range to read; `now` is when the checkpoints were read."""

    edges: Edges
    book: CheckpointBook
    stop: int | None
    now: float


async def planned(
    source: Source, keys: Sequence[VerifierKey], wanted: Wanted, findings: Findings, shown: Shown
) -> Plan:
    """Reads all checkpoints. Raises UserError."""
    edges = await source.edges()
    target = edges.first
    if wanted.begin is not None:
        offset = await source.offset_at(wanted.begin)
        target = edges.end if offset is None else offset
    if wanted.since is not None:
        target = min(target, wanted.since.size)
    if wanted.cosigned is not None:
        target = min([target, *wanted.cosigned.sizes])
    book = CheckpointBook(keys[0].name, keys, findings, edges.first, target, wanted.period)
    now = await _read_checkpoints(source, book, shown)
    edges = replace(edges, end=(await source.edges()).end)
    if wanted.since is not None:
        book.pin(wanted.since)
    if wanted.cosigned is not None:
        wanted.cosigned.add_to(book)
    return Plan(edges, book, await _stop(source, edges, book, wanted), now)


async def verified(
    source: Source,
    keys: Sequence[VerifierKey],
    wanted: Wanted,
    kept: Kept,
    shown: Shown,
) -> Verdict:
    """The verdict. Raises UserError."""
    findings = Findings()
    plan = await planned(source, keys, wanted, findings, shown)
    edges = plan.edges
    kept_for, what = (kept.promised, kept.usual), (edges.exported, edges.left_out)
    scope = Scope(edges.first, edges.end, plan.now, plan.stop, edges.head, *kept_for, *what)
    verification = Verification(keys[0].name, scope, plan.book, findings)

    def progress(done: int, total: int) -> None:
        shown("events", done, total)

    if verification.begin < verification.stop:
        events = source.events(verification.begin, verification.stop, progress)
        async with aclosing(events) as batches:
            async for batch in batches:
                verification.take(batch)
                if verification.doubtful:
                    await _read_again(source, verification)
    await _read_again(source, verification)
    source.look_around(findings)
    cosigned = None
    if wanted.cosigned is not None:
        reached, read = plan.book.reached, (verification.begin, scope)
        cosigned = wanted.cosigned.judge(reached, read, time.time(), findings)
    return replace(verification.verdict(), cosigned=cosigned)


async def _read_again(source: Source, verification: Verification) -> None:
    """Where a batch was that seems to have come a second time, and to be another one then."""
    for there in verification.to_read_again():
        async with aclosing(source.again(there)) as batches:
            async for batch in batches:
                if not verification.take_again(there, batch):
                    break
    verification.settle()


async def _stop(source: Source, edges: Edges, book: CheckpointBook, wanted: Wanted) -> int | None:
    """A period is read to the checkpoint that covers its last event; None: to the trail's end."""
    offset = None if wanted.end is None else await source.offset_at(wanted.end)
    if offset is not None:
        covered = book.stop(offset)
        if covered is not None and covered < edges.end:
            return covered
    return None if edges.open_end else edges.end


async def _read_checkpoints(source: Source, book: CheckpointBook, shown: Shown) -> float:
    """All of them: again and again from where the last read ended, until one takes but a moment."""

    def progress(done: int, total: int) -> None:
        shown("checkpoints", done, total)

    begin, ended = 0, 0.0
    for _ in range(_ROUNDS):
        begun, records = time.monotonic(), list[CheckpointRecord]()
        async with aclosing(source.checkpoints(begin, progress)) as batches:
            async for records in batches:
                book.take(records)
                begin = records[-1].offset + 1 if records else begin
        ended = time.time()
        if source.now() is not None or time.monotonic() - begun < _CAUGHT_UP_SECONDS:
            break
    return source.now() or ended


@contextmanager
def progress_bar() -> Iterator[Shown]:
    """A bar on standard error, where that is a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with progress_on_stderr(*columns) as bar:
        task = bar.add_task("", total=None)

        def shown(what: str, done: int, total: int) -> None:
            bar.update(task, description=f"reading {what}", completed=done, total=total)

        yield shown
