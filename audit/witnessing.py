"""A witness: one who follows a trail, and co-signs what is consistent with all that it has co-signed before.

Pure: takes checkpoints, then events, and knows what does not fit. That nothing fits any more is told by
`Findings`; some of them say nothing of the history itself, and are no reason to co-sign nothing.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from audit.checkpoint_book import CheckpointBook, CheckpointRecord, Newest
from audit.checkpoints import SignedCheckpoint, log_lines, range_headers
from audit.findings import Findings, Kind
from audit.keys import VerifierKey, seed_key
from audit.merkle import CompactRange, leaf_hashes
from audit.notes import Note, cosign
from audit.verdict import Batch

BESIDE_HISTORY: Final = frozenset({Kind.FORGED, Kind.RANGE_ALTERED, Kind.CHECKPOINT_MISSING})
"""What anybody who may write to the checkpoint topic can bring about, or retention."""


@dataclass(frozen=True)
class Witness:
    """Who co-signs: a name and an Ed25519 seed (32 bytes) of its own. Raises ValueError as `seed_key`."""

    name: str
    seed: bytes

    @property
    def key(self) -> VerifierKey:
        """The key by which others verify its cosignatures."""
        return seed_key(self.seed, self.name).cosigner()

    def cosigned(self, note: bytes, signed: SignedCheckpoint, at: int) -> bytes:
        """The checkpoint with the log's signatures and this one, made at a time in seconds since 1970.

        Whatever else stands in the note is left out: nobody has verified it.
        """
        kept = log_lines(note, signed.key)
        own = cosign(kept.text, self.seed, self.name, at)
        return Note(kept.text, (*kept.signatures, own)).encode()


@dataclass(frozen=True)
class Mark:
    """A record of the checkpoint topic up to which all was read: its offset, the SHA-256 of its value."""

    offset: int
    digest: bytes

    @classmethod
    def of(cls, record: CheckpointRecord) -> Self:
        """That of a record."""
        return cls(record.offset, hashlib.sha256(record.value or b"").digest())


@dataclass(frozen=True)
class Seen:
    """What a witness co-signed last: the note, what it holds, its tree, and how far the topic was read."""

    note: bytes
    signed: SignedCheckpoint
    tree: CompactRange
    mark: Mark


@dataclass(frozen=True)
class Proven:
    """A checkpoint that fits all that was seen before, as `Seen` has it; the note is the log's."""

    note: bytes
    signed: SignedCheckpoint
    tree: CompactRange
    mark: Mark


class Sight:
    """What a witness sees of a trail that begins with the event `first`, after what it has `seen`.

    It holds what came since: so neither its memory nor its work grows with the age of the trail. `anew`: the
    checkpoint topic is not the one that was seen, and all of it is read. `mark` is how far it was read; its
    record is to be looked for again each time.
    """

    def __init__(
        self,
        keys: Sequence[VerifierKey],
        findings: Findings,
        first: int,
        seen: Seen | None,
        *,
        anew: bool = False,
    ) -> None:
        self._keys, self._findings, self._first, self._seen = keys, findings, first, seen
        silence_is_no_matter = (math.inf, math.inf)
        self._book = CheckpointBook(keys[0].name, keys, findings, first, 0, silence_is_no_matter)
        self._tree: CompactRange | None = None
        self.mark: Mark | None = None
        if seen is not None:
            self._go_on(seen, anew=anew)

    def after(self, seen: Seen) -> "Sight":
        """The sight to go on with, once this was co-signed."""
        return Sight(self._keys, self._findings, self._first, seen)

    @property
    def newest(self) -> Newest | None:
        """The largest checkpoint so far."""
        return self._book.newest

    @property
    def fits(self) -> bool:
        """Whether nothing was found that speaks against the history."""
        return all(finding.kind in BESIDE_HISTORY for finding in self._findings)

    @property
    def only_short(self) -> bool:
        """Whether what speaks against the history is its end alone."""
        kinds = {finding.kind for finding in self._findings} - BESIDE_HISTORY
        return kinds == {Kind.TRUNCATED}

    def take_checkpoints(self, records: Sequence[CheckpointRecord]) -> None:
        """The next records of the checkpoint topic, after that of the mark."""
        self._book.take(records)
        if records:
            self.mark = Mark.of(records[-1])

    def wanted(self) -> tuple[int, int]:
        """The events to give now: from one up to but not with another; none where there is a fault."""
        signed = 0 if self.newest is None else self.newest.signed.checkpoint.size
        before = 0 if self._seen is None else self._seen.signed.checkpoint.size
        if signed < before:
            text = f"{before} events were co-signed before, and {signed} are signed now"
            self._findings.add(Kind.TRUNCATED, text)
        if self._tree is None and self._seen is None and (start := self._book.start()) is not None:
            self._tree = start.tree.copy()
        if self._tree is None or self.newest is None or not self.fits:
            return 0, 0
        return self._tree.size, max(self._tree.size, signed)

    def take_events(self, batch: Batch) -> None:
        """The next of these events; the root is compared at every size that was signed."""
        tree = self._tree
        if tree is None or not self.fits:
            return
        at, sizes = tree.size, self._book.sizes
        if list(batch.offsets) != list(range(at, at + len(batch.offsets))):
            self._findings.add(Kind.EVENT_MISSING, f"what follows on the event {at - 1} is not event {at}")
            return
        leaves, done, place = leaf_hashes(batch.values), 0, self._book.later_than(at)
        while place < len(sizes) and sizes[place] <= at + len(leaves):
            tree.append_all(leaves[done : sizes[place] - at])
            done = sizes[place] - at
            if tree.root() != self._book.root(place):
                text = f"the first {tree.size} events are not those that were signed or seen before"
                self._findings.add(Kind.ALTERED, text)
                return
            place += 1
        tree.append_all(leaves[done:])

    def proven(self, end: int) -> Proven | None:
        """The newest checkpoint, if all that it covers was held against what was seen before, and fits.

        `end` is where the trail ends.
        """
        newest, tree, mark = self.newest, self._tree, self.mark
        if newest is None or tree is None or mark is None or not self.fits:
            return None
        signed = newest.signed.checkpoint
        if min(tree.size, end) < signed.size:
            text = f"{signed.size} events were signed, and the trail ends with {min(tree.size, end)}"
            self._findings.add(Kind.TRUNCATED, text)
            return None
        return Proven(newest.note, newest.signed, tree.copy(), mark)

    def _go_on(self, seen: Seen, *, anew: bool) -> None:
        """From the tree that was seen; where the topic is the same, as after the record of the mark."""
        size = seen.signed.checkpoint.size
        if self._first > size:
            text = f"the events after {size}, which were co-signed before, are not there any more"
            self._findings.add(Kind.NOT_COMPARED, text)
            return
        self._tree = seen.tree.copy()
        self._book.add(seen.signed.checkpoint)
        if not anew:
            self.mark = seen.mark
            self._book.take([CheckpointRecord(seen.mark.offset, seen.note, range_headers(seen.tree))])
