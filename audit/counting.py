"""The numbers of erasures: `n` without a gap, every batch whole, and no number for two batches.

What is kept of a batch is one digest, by which it is known again when it comes late: after a restore from
backup its entries are sent once more, long after (docs/decisions/repeats-in-the-trail.md).
"""

import hashlib
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Final

from audit.findings import Findings, Kind

MAX_BATCH: Final = 10_000
"""Ten times what a transaction may hold: a batch that says it is larger is not gathered."""
_DIGEST_BYTES: Final = 16
_UNKNOWN: Final = bytes(_DIGEST_BYTES)


@dataclass
class _Batch:
    n: int
    size: int
    leaves: dict[int, bytes] = field(default_factory=dict)
    taken: int = 0

    def digest(self) -> bytes:
        """Of its events in the order of their positions."""
        leaves = b"".join(self.leaves[position] for position in sorted(self.leaves))
        return hashlib.sha256(leaves).digest()[:_DIGEST_BYTES]


class _Digests:
    """One digest for each number, packed; a skipped number begins a new run."""

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._runs: list[bytearray] = []

    def put(self, n: int, digest: bytes) -> None:
        """That of the next number, or of one after a gap."""
        if not self._runs or n != self._firsts[-1] + len(self._runs[-1]) // _DIGEST_BYTES:
            self._firsts.append(n)
            self._runs.append(bytearray())
        self._runs[-1] += digest

    def get(self, n: int) -> bytes | None:
        """None where the batch was not seen as a whole."""
        place = bisect_right(self._firsts, n) - 1
        if place < 0:
            return None
        at = (n - self._firsts[place]) * _DIGEST_BYTES
        digest = bytes(self._runs[place][at : at + _DIGEST_BYTES])
        return digest if digest and digest != _UNKNOWN else None


class Numbers:
    """Takes erasures, each the first time that it comes; `from_beginning` of the trail `n` begins at 1."""

    def __init__(self, findings: Findings, *, from_beginning: bool) -> None:
        self._findings = findings
        self._done = 0 if from_beginning else None
        self._open: _Batch | None = None
        self._late: _Batch | None = None
        self._digests = _Digests()
        self._too_large: set[int] = set()
        self.first: int | None = None
        self.batches = self.late_repeats = 0

    @property
    def last(self) -> int | None:
        """The highest number that was begun."""
        return self._open.n if self._open is not None else self._done or None

    def take(self, n: int, position: int, size: int, leaf: bytes) -> bool:
        """One event of a batch; False where it seems to be the repeat of one that came long ago."""
        batch = self._open
        if batch is None or batch.n != n or batch.size != size:
            batch = self._other(n, size, position)
            if batch is None:
                return True
        if position >= size:
            self._incomplete(f"batch {n} of {size} events has one at position {position}")
            return True
        is_new = batch is self._open
        batch.taken += 1
        batch.leaves[position] = leaf
        if len(batch.leaves) == batch.size:
            self._complete(batch)
        return is_new

    def repeated(self, n: int, position: int, leaf: bytes) -> None:
        """An event that came lately; it may belong to a batch of which the rest came long ago."""
        if self._late is not None and self._late.n == n:
            self._late.leaves[position] = leaf
            if len(self._late.leaves) == self._late.size:
                self._complete(self._late)

    def finish(self, *, cut: bool) -> None:
        """The end; `cut`: the last batch may go on where nobody has read, or may still be on its way."""
        self._end_late()
        if self._open is not None and not cut:
            self._tell_open(self._open)

    def _other(self, n: int, size: int, position: int) -> _Batch | None:
        if size > MAX_BATCH:
            self._tell_size(n, size)
            return None
        if self._open is not None and self._open.n == n:
            self._findings.add(
                Kind.N_TWICE, f"number {n} has batches of {self._open.size} and of {size} events"
            )
            return None
        if self._done is None:
            return self._begin(n, size, position)
        return self._forward(n, size) if n > self._done else self._again(n, size)

    def _begin(self, n: int, size: int, position: int) -> _Batch | None:
        """The first batch of a part of the trail; its beginning may be before that part."""
        if position > 0:
            self.first = self.first or n
            self._done = n
            self._digests.put(n, _UNKNOWN)
            return None
        self._done = n - 1
        return self._forward(n, size)

    def _forward(self, n: int, size: int) -> _Batch:
        if self._open is not None:
            self._tell_open(self._open)
            self._close(self._open.n, _UNKNOWN)
        done = self._done or 0
        if n > done + 1:
            missing = n - done - 1
            which = f"number {n - 1} is" if missing == 1 else f"numbers {done + 1} to {n - 1} are"
            self._findings.add(Kind.N_SKIPPED, f"{which} missing", missing)
        self._done = n - 1
        self.first = self.first or n
        self._open = _Batch(n, size)
        return self._open

    def _again(self, n: int, size: int) -> _Batch | None:
        """A number that was given out already: the same batch once more, or another one."""
        if self._digests.get(n) is None:
            return None
        if self._late is None or self._late.n != n:
            self._end_late()
            self._late = _Batch(n, size)
        return self._late

    def _complete(self, batch: _Batch) -> None:
        if batch is self._late:
            self._end_late()
            return
        self._close(batch.n, batch.digest())

    def _close(self, n: int, digest: bytes) -> None:
        self._digests.put(n, digest)
        self._done, self._open = n, None
        self.batches += 1

    def _end_late(self) -> None:
        late, self._late = self._late, None
        if late is None:
            return
        if len(late.leaves) == late.size and late.digest() == self._digests.get(late.n):
            self.late_repeats += late.taken
            return
        self._findings.add(
            Kind.N_TWICE, f"number {late.n} comes again, with other events or only some of them"
        )

    def _tell_open(self, batch: _Batch) -> None:
        self._incomplete(f"batch {batch.n} has {len(batch.leaves)} of its {batch.size} events")

    def _tell_size(self, n: int, size: int) -> None:
        if n not in self._too_large and len(self._too_large) < MAX_BATCH:
            self._too_large.add(n)
            self._incomplete(f"batch {n} says it has {size} events: no batch is so large")

    def _incomplete(self, text: str) -> None:
        self._findings.add(Kind.BATCH_INCOMPLETE, text)
