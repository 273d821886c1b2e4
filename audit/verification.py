"""Whether a trail is whole and what was signed. Pure: takes records in batches, and comes to a verdict.

First the checkpoints (audit/checkpoint_book.py), then the events in the order of their offsets. Memory is a
signed size and root for each checkpoint, a digest for each batch of erasures, and a window of events. What
seems to be another batch under an old number is looked up on the trail, which is read again there.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence

from audit.attested import Attestations
from audit.beginning import look_at_the_beginning, look_at_the_head
from audit.checkpoint_book import CheckpointBook, told
from audit.counting import Numbers
from audit.ending import (
    Ended,
    covered,
    look_at_the_end,
    look_at_what_was_proven,
    may_go_on,
    notes_on_the_end,
)
from audit.event_data import TrailBegun
from audit.findings import Findings, Kind
from audit.merkle import CompactRange, leaf_hashes
from audit.quick_facts import Erasures, Facts, NotAnEvent, Run, model_facts
from audit.repeats import LatestEvents, Seen
from audit.types import LEDGER_REAPPLIED
from audit.verdict import Batch, Scope, Verdict


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
        self._erasures = Erasures(log_name)
        self._numbers = Numbers(findings, from_beginning=self.begin == 0)
        self._latest, self._rare = LatestEvents(), LatestEvents()
        self._types: Counter[str] = Counter()
        self._repeats = self._begun_later = 0
        self._begun: TrailBegun | None = None
        self._covered = covered(scope, book)
        self._unsigned, self._unsigned_since = 0, 0.0
        self._times: list[int] = []
        self._attestations = Attestations(findings, self._numbers)
        look_at_the_beginning(scope, book, start, self.begin, findings)

    @property
    def stop(self) -> int:
        """Up to where events are to be given, not with it."""
        return self._scope.last

    def take(self, batch: Batch) -> None:
        """The next events; any that are missing show."""
        leaves = leaf_hashes(batch.values)
        self._grow(batch.offsets, leaves)
        self._judge(batch, leaves)
        self._note_times(batch)

    @property
    def doubtful(self) -> bool:
        """Whether so much is to be looked up that it is time to."""
        return self._numbers.late.many

    def to_read_again(self) -> list[range]:
        """The offsets at which events are to be read again, for what seems to be a number given twice.

        Without that, and `settle`, the verdict takes it for one.
        """
        self._numbers.end_late()
        return self._numbers.late.ranges()

    def take_again(self, there: range, batch: Batch) -> bool:
        """The next events of one of these ranges; False once no more of it is needed."""
        return self._numbers.late.look(there, batch.offsets, leaf_hashes(batch.values))

    def settle(self) -> None:
        """After all of them."""
        self._numbers.settle_late()

    def verdict(self) -> Verdict:
        """What all of it comes to."""
        scope, book, ended = self._scope, self._book, self._ended()
        look_at_the_end(scope, book, ended, self._findings)
        goes_on = may_go_on(scope, ended)
        self._numbers.finish(cut=goes_on or scope.stop is not None)
        look_at_the_head(scope, book, self._attestations.retention_days(scope.now), self._findings)
        self._attestations.finish(scope.now, fresh=goes_on, cut=scope.stop is not None)
        look_at_what_was_proven(scope, book, ended, self._findings)
        sizes = book.sizes
        return Verdict(
            outcome=self._findings.outcome,
            findings=list(self._findings),
            start=self.begin,
            read_to=self._at,
            compared=self._compared,
            not_read=self.begin - scope.first,
            signed_size=sizes[-1] if sizes else None,
            newest=book.newest,
            checkpoints=len(sizes),
            types=dict(sorted(self._types.items())),
            repeats=self._repeats + self._numbers.late_repeats,
            first_n=self._numbers.first,
            last_n=self._numbers.last or None,
            first_time=told(self._times[0] / 1000) if self._times else None,
            last_time=told(self._times[-1] / 1000) if self._times else None,
            attested=self._attestations.last,
            counted=self._attestations.counted,
            begun=self._begun,
            notes=[
                *self._notes(),
                *self._notes_on_what_goes_on(),
                *notes_on_the_end(scope, book, ended, self._findings),
                *self._findings.notes,
            ],
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
        for run in self._erasures.runs(batch.values):
            if isinstance(run, Run):
                self._judge_erasures(run, batch.offsets[run.begin : run.end], leaves[run.begin : run.end])
            else:
                for at in run:
                    self._judge_by_model(batch.offsets[at], batch.values[at], leaves[at])

    def _judge_erasures(self, run: Run, offsets: Sequence[int], leaves: Sequence[bytes]) -> None:
        self._numbers.at = offsets[0]
        if self._latest.see_new(run.ids, leaves):
            self._types[run.type] += self._numbers.take_run(run.n, run.positions, run.size, leaves, run.type)
            return
        for offset, position, identifier, leaf in zip(offsets, run.positions, run.ids, leaves, strict=True):
            self._numbers.at = offset
            seen = self._latest.see(identifier, leaf)
            if seen is not Seen.FIRST:
                self._again(seen, offset, (run.n, position), leaf)
            elif self._numbers.take(run.n, position, run.size, leaf, run.type):
                self._types[run.type] += 1

    def _judge_by_model(self, offset: int, value: bytes | None, leaf: bytes) -> None:
        try:
            facts: Facts = model_facts(value, self._log_name)
        except NotAnEvent as error:
            self._findings.add(Kind.NOT_AN_EVENT, f"the event at {offset} {error}")
            return
        seen = self._latest.see(facts.id, leaf)
        if seen is Seen.FIRST and (facts.attested or facts.begun or facts.type == LEDGER_REAPPLIED):
            seen = self._rare.see(facts.id, leaf)  # a repeat may come however late, and has no say
        if seen is not Seen.FIRST:
            self._again(seen, offset, facts.sequence and facts.sequence[:2], leaf)
            return
        if facts.attested is not None:
            self._attestations.take(facts.attested)
        elif facts.type == LEDGER_REAPPLIED:
            self._attestations.reapplied()
        elif facts.begun is not None:
            self._begin(facts.begun)
        self._numbers.at = offset
        if facts.sequence is None or self._numbers.take(*facts.sequence, leaf, facts.type):
            self._types[facts.type] += 1

    def _begin(self, begun: TrailBegun) -> None:
        if self._numbers.go_on_after(begun.last_n):
            self._begun = begun
        else:
            self._begun_later += 1

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
        place = bisect_left(batch.offsets, self._covered)
        if place < len(batch.offsets):
            if not self._unsigned:
                self._unsigned_since = batch.timestamps[place] / 1000
            self._unsigned += len(batch.offsets) - place

    def _ended(self) -> Ended:
        last = self._times[-1] / 1000 if self._times else None
        return Ended(self.begin, self._at, self._compared, self._unsigned, self._unsigned_since, last)

    def _notes_on_what_goes_on(self) -> Iterator[str]:
        """What is no fault where the trail goes on, and one where it does not: so it is told in any case."""
        unfinished, last = self._numbers.unfinished, self._numbers.last
        if unfinished is not None and Kind.BATCH_INCOMPLETE not in self._findings:
            yield f"{unfinished}: the others are not in what was read"
        attested = self._attestations.last
        if (
            attested is not None
            and last is not None
            and last < attested.n
            and Kind.N_SKIPPED not in self._findings
        ):
            yield f"batches to number {attested.n} are attested, and what was read tells of {last}"

    def _notes(self) -> Sequence[str]:
        book, notes = self._book, list[str]()
        if self._tree is None or self._spoiled:
            notes.append("what comes after the first fault could not be held against the signatures")
        if self.begin > self._scope.first:
            notes.append(
                f"the events {self._scope.first} to {self.begin - 1} were not read: they are older than the "
                "checkpoint with which this began"
            )
        if later := self._begun_later:
            notes.append(
                f"{later} events say that this trail was begun, and stand where it had been: they have no say"
            )
        if unknown := self._numbers.late.unknown:
            notes.append(f"{unknown} batches came again in part, and what they were is gone meanwhile")
        if book.junk:
            notes.append(f"{book.junk} records of the checkpoint topic are no checkpoints of this trail")
        if stray := self._attestations.stray:
            notes.append(
                f"{stray} attestations do not follow on the one before them: a database was put back, or "
                "somebody else may write to the audit topic"
            )
        if book.without_say:
            notes.append(f"{book.without_say} checkpoints are by a retired key after it was replaced")
        return notes
