"""Whether a trail is whole and what was signed. Pure: takes records in batches, and comes to a verdict.

First the checkpoints (audit/checkpoint_book.py), then the events in the order of their offsets. Memory is a
signed size and root for each checkpoint, a digest for each batch of erasures, and a window of events.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from typing import Final

from audit.attested import Attestations
from audit.beginning import look_at_the_beginning, look_at_the_head
from audit.checkpoint_book import SILENCE_SECONDS, CheckpointBook, told
from audit.counting import Numbers
from audit.findings import Findings, Kind
from audit.merkle import CompactRange, leaf_hash
from audit.quick_facts import Facts, NotAnEvent, erasure_pattern, model_facts
from audit.repeats import LatestEvents, Seen
from audit.types import RECORD_ANONYMIZED, RECORD_DELETED
from audit.verdict import Batch, Scope, Verdict

FRESH_SECONDS: Final = 120.0
"""So old may an event be that no checkpoint covers yet."""
_ANONYMIZED: Final = b'{"data":{"action":"ANONYMIZE"'
_DELETED: Final = b'{"data":{"action":"DELETE"'


class Verification:
    """Takes the events that `begin` says, in order. The book is complete by then."""

    def __init__(self, log_name: str, scope: Scope, book: CheckpointBook, findings: Findings) -> None:
        self._log_name, self._scope, self._book, self._findings = log_name, scope, book, findings
        start = book.start()
        self._tree: CompactRange | None = None if start is None else start.tree.copy()
        self.begin = scope.first if start is None else max(start.tree.size, scope.first)
        self._at = self.begin
        self._next = book.later_than(self.begin)
        self._compared, self._spoiled = 0, False
        self._kinds = (
            erasure_pattern(RECORD_ANONYMIZED, log_name),
            erasure_pattern(RECORD_DELETED, log_name),
        )
        self._numbers = Numbers(findings, from_beginning=self.begin == 0)
        self._latest = LatestEvents()
        self._types: Counter[str] = Counter()
        self._repeats = 0
        self._uncovered, self._uncovered_since = 0, 0.0
        self._times: list[int] = []
        self._attestations = Attestations(findings)
        look_at_the_beginning(scope, book, start, self.begin, findings)

    @property
    def stop(self) -> int:
        """Up to where events are to be given, not with it."""
        return self._scope.last

    def take(self, batch: Batch) -> None:
        """The next events; any that are missing show."""
        leaves = [leaf_hash(value) for value in batch.values]
        self._grow(batch.offsets, leaves)
        self._judge(batch, leaves)
        self._note_times(batch)

    def verdict(self) -> Verdict:
        """What all of it comes to."""
        self._look_at_the_end()
        fresh = self._is_fresh(self._times[-1] / 1000) if self._times else True
        self._numbers.finish(cut=fresh or self._scope.stop is not None)
        look_at_the_head(self._scope, self._book, self._attestations.last, self._findings)
        if self._scope.stop is None:
            self._attestations.finish(self._scope.now, self._numbers.last, fresh=fresh)
        book, sizes = self._book, self._book.sizes
        return Verdict(
            outcome=self._findings.outcome,
            findings=list(self._findings),
            start=self.begin,
            read_to=self._at,
            compared=self._compared,
            not_read=self.begin - self._scope.first if self._scope.head else 0,
            signed_size=sizes[-1] if sizes else None,
            newest=book.newest,
            checkpoints=len(sizes),
            types=dict(sorted(self._types.items())),
            repeats=self._repeats + self._numbers.late_repeats,
            first_n=self._numbers.first,
            last_n=self._numbers.last,
            first_time=told(self._times[0] / 1000) if self._times else None,
            last_time=told(self._times[-1] / 1000) if self._times else None,
            attested=self._attestations.last,
            notes=list(self._notes()),
        )

    def _grow(self, offsets: Sequence[int], leaves: Sequence[bytes]) -> None:
        """Appends to the tree, up to each signed size in turn, and compares there."""
        if list(offsets) != list(range(self._at, self._at + len(offsets))):
            self._tell_offsets(offsets)
            self._tree = None
        else:
            self._at += len(offsets)
        if (tree := self._tree) is None:
            return
        sizes, done = self._book.sizes, 0
        while self._next < len(sizes) and sizes[self._next] <= self._at:
            cut = done + sizes[self._next] - tree.size
            tree.append_all(leaves[done:cut])
            done = cut
            self._compare(tree, self._next)
            self._next += 1
        tree.append_all(leaves[done:])

    def _compare(self, tree: CompactRange, place: int) -> None:
        if tree.root() == self._book.root(place):
            self._compared = tree.size
            return
        pinned = self._book.pinned
        if pinned is not None and pinned.size == tree.size:
            text = f"the first {tree.size} events are not those that were seen before"
            self._findings.add(Kind.TWO_HISTORIES, text)
        elif not self._spoiled:
            last = max(self._compared, self.begin)
            text = f"the first {tree.size} events are not those that were signed; the first {last} are"
            self._findings.add(Kind.ALTERED, text)
        self._spoiled = True

    def _judge(self, batch: Batch, leaves: Sequence[bytes]) -> None:
        anonymized, deleted = self._kinds
        see, numbers, types = self._latest.see, self._numbers, self._types
        for offset, value, leaf in zip(batch.offsets, batch.values, leaves, strict=True):
            found, kind = None, RECORD_ANONYMIZED
            if value is not None and value.startswith(_ANONYMIZED):
                found = anonymized(value)
            elif value is not None and value.startswith(_DELETED):
                found, kind = deleted(value), RECORD_DELETED
            if found is None:
                self._judge_by_model(offset, value, leaf)
                continue
            _, n, position, size, identifier = found.groups()
            seen = see(identifier, leaf)
            if seen is Seen.FIRST:
                if numbers.take(int(n), int(position), int(size), leaf):
                    types[kind] += 1
            else:
                self._again(seen, offset, (int(n), int(position)), leaf)

    def _judge_by_model(self, offset: int, value: bytes | None, leaf: bytes) -> None:
        try:
            facts: Facts = model_facts(value, self._log_name)
        except NotAnEvent as error:
            self._findings.add(Kind.NOT_AN_EVENT, f"the event at {offset} {error}")
            return
        seen = self._latest.see(facts.id, leaf)
        if seen is not Seen.FIRST:
            self._again(seen, offset, facts.sequence and facts.sequence[:2], leaf)
            return
        if facts.attested is not None:
            self._attestations.take(facts.attested)
        if facts.sequence is None or self._numbers.take(*facts.sequence, leaf):
            self._types[facts.type] += 1

    def _again(self, seen: Seen, offset: int, place: tuple[int, int] | None, leaf: bytes) -> None:
        if seen is Seen.CONFLICT:
            text = f"the event at {offset} has the id of an earlier one, and is another"
            self._findings.add(Kind.CONFLICT, text)
            return
        self._repeats += 1
        if place is not None:
            self._numbers.repeated(*place, leaf)

    def _tell_offsets(self, offsets: Sequence[int]) -> None:
        for offset in offsets:
            if offset > self._at:
                missing = offset - self._at
                one = f"the event at {self._at} is missing"
                several = f"the events at {self._at} to {offset - 1} are missing"
                self._findings.add(Kind.EVENT_MISSING, one if missing == 1 else several, missing)
            elif offset < self._at:
                self._findings.add(Kind.ALTERED, f"the event at {offset} comes out of its order")
            self._at = max(self._at, offset + 1)

    def _note_times(self, batch: Batch) -> None:
        if not batch.timestamps:
            return
        self._times = [*self._times[:1], batch.timestamps[0], batch.timestamps[-1]]
        sizes = self._book.sizes
        covered = sizes[-1] if sizes else 0
        place = bisect_left(batch.offsets, covered)
        if place < len(batch.offsets):
            if not self._uncovered:
                self._uncovered_since = batch.timestamps[place] / 1000
            self._uncovered += len(batch.offsets) - place

    def _look_at_the_end(self) -> None:
        scope, sizes = self._scope, self._book.sizes
        if self._at < self.stop:
            self._findings.add(
                Kind.EVENT_MISSING, f"the events from {self._at} on are missing", self.stop - self._at
            )
        if scope.stop is not None:
            return
        if sizes and sizes[-1] > scope.end:
            text = f"{sizes[-1]} events were signed, and the trail ends with {scope.end}"
            self._findings.add(Kind.TRUNCATED, text, sizes[-1] - scope.end)
        if self._uncovered and not self._is_fresh(self._uncovered_since):
            text = f"{self._uncovered} events are not signed, the first since {told(self._uncovered_since)}"
            self._findings.add(Kind.UNCOVERED, text, self._uncovered)
        signed_at = self._book.signed_at
        if not sizes:
            self._findings.add(Kind.SILENCE, "nothing is signed at all")
        if signed_at is not None and scope.now - signed_at > SILENCE_SECONDS:
            self._findings.add(Kind.SILENCE, f"nothing was signed after {told(signed_at)}")

    def _is_fresh(self, seconds: float) -> bool:
        """A time that is far ahead is no sign of freshness either."""
        return abs(self._scope.now - seconds) <= FRESH_SECONDS

    def _notes(self) -> Sequence[str]:
        book, notes = self._book, list[str]()
        if self._uncovered and self._scope.stop is None and Kind.UNCOVERED not in self._findings:
            notes.append(
                f"the last {self._uncovered} events are not signed yet, as is usual for those of the last "
                "two minutes"
            )
        if self._tree is None or self._spoiled:
            notes.append("what comes after the first fault could not be held against the signatures")
        if self._scope.head and self.begin > self._scope.first:
            notes.append(
                f"the events {self._scope.first} to {self.begin - 1} were not read: they are older than the "
                "checkpoint with which this began"
            )
        if book.junk:
            notes.append(f"{book.junk} records of the checkpoint topic are no checkpoints of this trail")
        if book.without_say:
            notes.append(f"{book.without_say} checkpoints are by a retired key after it was replaced")
        return notes
