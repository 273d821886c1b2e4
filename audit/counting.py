"""The numbers of erasures: `n` without a gap, every batch whole, and no number for two batches.

What is kept of a batch is little more than a digest (audit/batches.py), by which it is known again when it
comes late: after a restore from backup its entries are sent once more, long after. A part that comes late is
looked up where the batch was (audit/late.py, docs/decisions/repeats-in-the-trail.md).

A part that begins in the middle may begin with repeats from before it: its first break, where it comes soon,
is noted, and is no fault.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import repeat

from audit.batches import DIGEST_BYTES, MAX_BATCH, Batches
from audit.findings import Findings, Kind, which
from audit.late import LateParts
from audit.repeats import WINDOW


@dataclass
class _Batch:
    n: int
    size: int
    kind: str
    leaves: dict[int, bytes] = field(default_factory=dict)
    taken: int = 0

    def digest(self) -> bytes:
        """Of its events in the order of their positions."""
        leaves = b"".join(self.leaves[position] for position in sorted(self.leaves))
        return hashlib.sha256(leaves).digest()[:DIGEST_BYTES]

    def has(self) -> str:
        """How much of it was read, in words."""
        return f"batch {self.n} has {len(self.leaves)} of its {self.size} events"


class Numbers:
    """Takes erasures, each the first time that it comes; `from_beginning` of the trail `n` begins at 1.

    `at` is to be the offset of what is taken next, or of the first of its neighbours.
    """

    def __init__(self, findings: Findings, *, from_beginning: bool) -> None:
        self._findings = findings
        self._done = 0 if from_beginning else None
        self._open: _Batch | None = None
        self._late: _Batch | None = None
        self._batches = Batches()
        self._late_at = self.at = 0
        self.late = LateParts(findings)
        self._too_large: set[int] = set()
        self._begun_after: int | None = None
        self._repeats_from: int | None = None
        self.first: int | None = None
        self.batches = self.late_repeats = 0

    @property
    def last(self) -> int | None:
        """The highest number that was begun, 0 before the first of all; None where nothing tells of one."""
        return self._open.n if self._open is not None else self._done

    @property
    def unfinished(self) -> str | None:
        """Of the last batch, where not all of it was read: how much was."""
        return None if self._open is None else self._open.has()

    def go_on_after(self, n: int) -> bool:
        """The trail says that it goes on where another one ended, with this number.

        False where that has no say: numbers were read before, or it was said before, or the head is gone.
        """
        if self._done != 0 or self._open is not None or self._begun_after is not None:
            return False
        self._done = self._begun_after = n
        return True

    def take(self, n: int, position: int, size: int, leaf: bytes, kind: str) -> bool:
        """One event of a batch, of a type (one of ERASING); False where it seems to be the repeat of one that
        came long ago.
        """
        batch = self._open
        if batch is None or (batch.n, batch.size, batch.kind) != (n, size, kind):
            batch = self._other(n, size, kind, position)
            if batch is None:
                return True
        if position >= size:
            self._incomplete(f"batch {n} of {size} events has one at position {position}")
            return True
        is_new = batch is self._open
        batch.taken += 1
        if batch.leaves.setdefault(position, leaf) != leaf:
            self._findings.add(Kind.N_TWICE, f"number {n} has two events at position {position}")
            return is_new
        if len(batch.leaves) == batch.size:
            self._complete(batch)
        return is_new

    def take_run(
        self, n: int, positions: Sequence[int], size: int, leaves: Sequence[bytes], kind: str
    ) -> int:
        """Neighbours of one batch, as `take` takes each; how many of them seem to be no repeats."""
        new = int(self.take(n, positions[0], size, leaves[0], kind))
        batch, rest = self._open, dict(zip(positions[1:], leaves[1:], strict=True))
        if (
            batch is not None
            and (batch.n, batch.size, batch.kind) == (n, size, kind)
            and len(rest) == len(positions) - 1
            and max(rest, default=0) < size
            and batch.leaves.keys().isdisjoint(rest)
        ):
            batch.taken += len(rest)
            batch.leaves |= rest
            if len(batch.leaves) == size:
                self._complete(batch)
            return new + len(rest)
        return new + sum(map(self.take, repeat(n), positions[1:], repeat(size), leaves[1:], repeat(kind)))

    def repeated(self, n: int, position: int, leaf: bytes) -> None:
        """An event that came lately; it may belong to a batch of which the rest came long ago."""
        if self._late is not None and self._late.n == n:
            self._late.leaves[position] = leaf
            if len(self._late.leaves) == self._late.size:
                self._complete(self._late)

    def erased(self, after: int, to: int) -> list[int] | None:
        """How many were erased by the batches after one number up to another and with it, by type as ERASING;
        None where one of these was not seen as a whole.
        """
        return self._batches.erased(after, to)

    def finish(self, *, cut: bool) -> None:
        """The end; `cut`: the last batch may go on where nobody has read, or may still be on its way."""
        self.end_late()
        self.settle_late()
        self.late.finish()
        if self._open is not None and not cut:
            self._tell_open(self._open)

    def _other(self, n: int, size: int, kind: str, position: int) -> _Batch | None:
        if size > MAX_BATCH:
            self._tell_size(n, size)
            return None
        if self._open is not None and self._open.n == n:
            self._tell_other(self._open, size)
            return None
        if self._done is None:
            return self._begin(n, size, kind, position)
        return self._forward(n, size, kind) if n > self._done else self._again(n, size, kind)

    def _begin(self, n: int, size: int, kind: str, position: int) -> _Batch | None:
        """The first batch of a part of the trail; its beginning may be before that part."""
        self._repeats_from = self.at
        if position > 0:
            self.first = self.first or n
            self._done = n
            self._batches.put_unknown(n)
            return None
        self._done = n - 1
        return self._forward(n, size, kind)

    def _forward(self, n: int, size: int, kind: str) -> _Batch:
        whole = self._done or 0
        broken = self._open
        if broken is not None:
            self._batches.put_unknown(broken.n)
            self._close(broken)
        if n > whole + 1 and not self._may_be_before(whole + 1, n - 1):
            if broken is not None:
                self._tell_open(broken)
            if missing := n - 1 - (self._done or 0):
                self._findings.add(Kind.N_SKIPPED, f"{_named(n - missing, n - 1)} missing", missing)
        self._done = n - 1
        self.first = self.first or n
        self._open = _Batch(n, size, kind)
        self.late.begins(n, self.at)
        return self._open

    def _may_be_before(self, first: int, last: int) -> bool:
        """Whether what came so far may be repeats, and these numbers are before the part that is read; asked
        once, as a database that is put back sends its numbers one by one.
        """
        begun, self._repeats_from = self._repeats_from, None
        if begun is None or self.at - begun > WINDOW:
            return False
        self._findings.note(
            f"{_named(first, last)} not whole in what was read, and that was not judged: it begins with "
            f"number {self.first}, which may be a repeat of what came before; begin earlier to have it judged"
        )
        return True

    def _again(self, n: int, size: int, kind: str) -> _Batch | None:
        """A number that was given out already: the same batch once more, or another one."""
        if n <= (self._begun_after or 0):
            text = f"number {n} was given out before this trail was begun, after {self._begun_after}"
            self._findings.add(Kind.N_TWICE, text)
            return None
        if self._batches.digest(n) is None:
            return None
        if self._late is None or self._late.n != n:
            self.end_late()
            self._late, self._late_at = _Batch(n, size, kind), self.at
        return self._late

    def _complete(self, batch: _Batch) -> None:
        if batch is self._late:
            self.end_late()
            return
        self._batches.put(batch.n, batch.digest(), batch.kind, batch.size)
        self._close(batch)

    def _close(self, batch: _Batch) -> None:
        self._done, self._open = batch.n, None
        self.batches += 1

    def end_late(self) -> None:
        """What comes of a late batch after this is looked up by itself."""
        late, self._late = self._late, None
        if late is None:
            return
        if len(late.leaves) == late.size and late.digest() == self._batches.digest(late.n):
            self.late_repeats += late.taken
        else:
            self.late.add(late.n, self._late_at, list(late.leaves.values()), late.taken)

    def settle_late(self) -> None:
        """Once what is to be read again was, or is not to be."""
        self.late_repeats += self.late.settle()

    def _tell_open(self, batch: _Batch) -> None:
        self._incomplete(batch.has())

    def _tell_other(self, batch: _Batch, size: int) -> None:
        if batch.size != size:
            text = f"number {batch.n} has batches of {batch.size} and of {size} events"
            self._findings.add(Kind.N_TWICE, text)
        else:
            self._incomplete(f"batch {batch.n} has events of two types")

    def _tell_size(self, n: int, size: int) -> None:
        if n not in self._too_large and len(self._too_large) < MAX_BATCH:
            self._too_large.add(n)
            self._incomplete(f"batch {n} says it has {size} events: no batch is so large")

    def _incomplete(self, text: str) -> None:
        self._findings.add(Kind.BATCH_INCOMPLETE, text)


def _named(first: int, last: int) -> str:
    return which("number", "numbers", first, last)
