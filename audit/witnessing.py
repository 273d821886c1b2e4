"""A witness: one who follows a trail, and co-signs what is consistent with all that it has co-signed before.

Pure: takes checkpoints, then events, and knows what does not fit. That nothing fits any more is told by
`Findings`; some of them say nothing of the history itself, and are no reason to co-sign nothing.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from audit.checkpoint_book import CheckpointBook, CheckpointRecord, Newest
from audit.checkpoints import Checkpoint, SignedCheckpoint
from audit.findings import Findings, Kind
from audit.keys import VerifierKey, seed_key
from audit.merkle import CompactRange, leaf_hash
from audit.notes import Note, cosign, parse_note
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
        parsed, log = parse_note(note), signed.key
        ids = (log.id, log.cosigner().id)
        first = {each.key_id: each for each in reversed(parsed.signatures) if each.name == log.name}
        kept = [first[key_id] for key_id in ids if key_id in first]
        return Note(parsed.text, (*kept, cosign(parsed.text, self.seed, self.name, at))).encode()


class Sight:
    """What a witness sees of a trail that begins with the event `first`; `seen` is what it co-signed last."""

    def __init__(
        self, keys: Sequence[VerifierKey], findings: Findings, first: int, seen: Checkpoint | None
    ) -> None:
        self._findings, self._seen = findings, seen
        silence_is_no_matter = (math.inf, math.inf)
        target = 0 if seen is None else seen.size
        self._book = CheckpointBook(keys[0].name, keys, findings, first, target, silence_is_no_matter)
        self._tree: CompactRange | None = None

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

    def take_checkpoints(self, records: Iterable[CheckpointRecord]) -> None:
        """The next records of the checkpoint topic."""
        self._book.take(records)

    def wanted(self) -> tuple[int, int]:
        """The events to give now: from one up to but not with another; none where there is a fault."""
        if self._tree is None:
            self._begin()
        if self._tree is None or self.newest is None or not self.fits:
            return 0, 0
        return self._tree.size, max(self._tree.size, self.newest.signed.checkpoint.size)

    def take_events(self, batch: Batch) -> None:
        """The next of these events; the root is compared at every size that was signed."""
        tree = self._tree
        if tree is None or not self.fits:
            return
        at, sizes = tree.size, self._book.sizes
        if list(batch.offsets) != list(range(at, at + len(batch.offsets))):
            self._findings.add(Kind.EVENT_MISSING, f"what follows on the event {at - 1} is not event {at}")
            return
        leaves, done, place = [leaf_hash(value) for value in batch.values], 0, self._book.later_than(at)
        while place < len(sizes) and sizes[place] <= at + len(leaves):
            tree.append_all(leaves[done : sizes[place] - at])
            done = sizes[place] - at
            if tree.root() != self._book.root(place):
                text = f"the first {tree.size} events are not those that were signed or seen before"
                self._findings.add(Kind.ALTERED, text)
                return
            place += 1
        tree.append_all(leaves[done:])

    def proven(self, end: int) -> Newest | None:
        """The newest checkpoint, if all that it covers was held against what was seen before, and fits.

        `end` is where the trail ends.
        """
        newest, tree = self.newest, self._tree
        if newest is None or tree is None or not self.fits:
            return None
        signed = newest.signed.checkpoint.size
        if min(tree.size, end) < signed:
            text = f"{signed} events were signed, and the trail ends with {min(tree.size, end)}"
            self._findings.add(Kind.TRUNCATED, text)
            return None
        return newest

    def _begin(self) -> None:
        """The tree with which to begin: no later than with what was seen before."""
        seen, signed = self._seen, 0 if self.newest is None else self.newest.signed.checkpoint.size
        if seen is not None:
            if signed < seen.size:
                text = f"{seen.size} events were co-signed before, and {signed} are signed now"
                self._findings.add(Kind.TRUNCATED, text)
            self._book.pin(seen)
        start = self._book.start()
        if seen is not None and (start is None or start.tree.size > seen.size):
            text = f"the events after {seen.size}, which were co-signed before, are not there any more"
            self._findings.add(Kind.NOT_COMPARED, text)
        elif start is not None and self.newest is not None:
            self._tree = start.tree.copy()
