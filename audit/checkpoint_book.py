"""All checkpoints of a trail, in little memory: how long it was, and by which root, at each that counts.

Takes the records of the checkpoint topic in their order. What was signed by a retired key after the key of
today had begun has no say: whoever got hold of it later must not be able to accuse the trail.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from audit.checkpoints import (
    Checkpoint,
    Headers,
    SignedCheckpoint,
    WrongRange,
    log_lines,
    open_checkpoint,
    open_range,
)
from audit.findings import Findings, Kind
from audit.keys import VerifierKey
from audit.merkle import CompactRange
from audit.notes import NoteError, parse_note
from audit.reached import Reached
from audit.signed_sizes import SignedSizes
from audit.signing_times import SigningTimes
from audit.templates import timestamp


@dataclass(frozen=True)
class CheckpointRecord:
    """A record of the checkpoint topic."""

    offset: int
    value: bytes | None
    headers: Headers


@dataclass(frozen=True)
class Start:
    """A tree with which reading may begin; `record` is the offset of its checkpoint on its topic, if any."""

    tree: CompactRange
    record: int | None


@dataclass(frozen=True)
class Newest:
    """The largest checkpoint that counts: its record's value, by which key it is, and when it was signed."""

    value: bytes
    signed: SignedCheckpoint

    @property
    def note(self) -> bytes:
        """It with the log's signatures alone: what else stands there was verified by nobody."""
        return log_lines(self.value, self.signed.key).encode()


class CheckpointBook(SignedSizes):
    """What was signed. The first key is that of today, the others are retired.

    `first` is the trail's first event that is still there, `target` the one with which reading should begin.
    Silence is told of where it is within `period` (seconds since 1970).
    """

    def __init__(
        self,
        log_name: str,
        keys: Sequence[VerifierKey],
        findings: Findings,
        first: int = 0,
        target: int = 0,
        period: tuple[float, float] = (-math.inf, math.inf),
    ) -> None:
        super().__init__()
        self._log_name, self._findings, self._period = log_name, findings, period
        self._current, self._retired = keys[0], keys[1:]
        self._first, self.target = first, max(first, target)
        self._below: Start | None = None
        self._above: Start | None = None
        self._current_signs = False
        self._next_record: int | None = None
        self._times = SigningTimes()
        self._signed_before_first: int | None = None
        self.pinned: Checkpoint | None = None
        self.pinned_is_there = True
        self.newest: Newest | None = None
        self.reached = Reached()
        self.records = self.junk = self.without_say = 0

    @property
    def signed_at(self) -> int | None:
        """The latest time of a signature, in seconds since 1970."""
        return self._times.latest

    @property
    def read_to(self) -> int:
        """The offset after the last record of the checkpoint topic."""
        return self._next_record or 0

    @property
    def before_first(self) -> int | None:
        """When the trail surely had not yet all of the events before its `first` (seconds since 1970).

        By the latest checkpoint that does not cover them all; if there is none, by the first of all.
        """
        if self._signed_before_first is None:
            return self._times.earliest
        return self._times.written_after(self._signed_before_first)

    def start(self) -> Start | None:
        """Where to begin: the beginning, else the nearest signed tree; None where nothing tells of one."""
        if self._first == 0 and (self.target == 0 or self._below is None):
            return Start(CompactRange(), None)
        return self._below or self._above

    def tell_silence(self, now: float) -> None:
        """Adds the hours in which nobody signed; `now` (seconds since 1970) is infinite if it is unknown."""
        for before, after in self._times.silences(self._period, now):
            self._findings.add(Kind.SILENCE, f"nothing was signed from {told(before)} to {told(after)}")

    def take(self, records: Iterable[CheckpointRecord]) -> None:
        """The next records of the topic."""
        for record in records:
            self.records += 1
            self._follow(record.offset)
            signed = self._opened(record)
            if signed is not None:
                self._count(record, signed)

    def pin(self, seen: Checkpoint) -> None:
        """A checkpoint that somebody had seen before: this trail must be what it was then, too."""
        self.pinned, there = seen, self.put(seen, vouched=True)
        self.pinned_is_there = there is not False
        if there is None:
            text = f"for {seen.size} events another root was seen before than is signed now"
            self._findings.add(Kind.TWO_HISTORIES, text)

    def add(self, checkpoint: Checkpoint) -> None:
        """One that the trail's key has signed, and that came by another way than the checkpoint topic."""
        if self.put(checkpoint, vouched=False) is None:
            text = f"for {checkpoint.size} events another root was co-signed than is signed now"
            self._findings.add(Kind.TWO_HISTORIES, text)

    def _follow(self, offset: int) -> None:
        if self._next_record is not None and offset != self._next_record:
            text = f"on the checkpoint topic {self._next_record} is missing: the next one is {offset}"
            self._findings.add(Kind.CHECKPOINT_MISSING, text)
        self._next_record = offset + 1

    def _opened(self, record: CheckpointRecord) -> SignedCheckpoint | None:
        """None where it is nothing of this trail, or has no say."""
        try:
            note = parse_note(record.value or b"")
            checkpoint = Checkpoint.parse(note.text)
        except NoteError:
            self.junk += 1
            return None
        if checkpoint.origin != self._log_name:
            self.junk += 1
            return None
        current = self._current
        by_current = any((each.name, each.key_id) == (current.name, current.id) for each in note.signatures)
        try:
            signed = open_checkpoint(record.value, [current] if by_current else self._retired)
        except NoteError as error:
            self._findings.add(Kind.FORGED, f"checkpoint record {record.offset}: {error}")
            return None
        if self._current_signs and not by_current:
            self.without_say += 1
            return None
        if signed.signed_at is None:
            text = f"checkpoint record {record.offset}: the line that says when it was signed was taken away"
            self._findings.add(Kind.FORGED, text)
            return None
        self._times.add(signed.signed_at)
        if checkpoint.size < self._first:
            self._signed_before_first = max(signed.signed_at, self._signed_before_first or 0)
        self._current_signs = by_current
        return signed

    def _count(self, record: CheckpointRecord, signed: SignedCheckpoint) -> None:
        checkpoint, vouched = signed.checkpoint, signed.key == self._current
        self.reached.take(checkpoint.size, signed.signed_at)
        if self.put(checkpoint, vouched=vouched, record=record.offset) is None:
            text = f"two roots are signed for {checkpoint.size} events"
            self._findings.add(Kind.TWO_HISTORIES, text)
            return
        if record.value is not None and (
            self.newest is None or checkpoint.size >= self.newest.signed.checkpoint.size
        ):
            self.newest = Newest(record.value, signed)
        self._offer(record, checkpoint)

    def _offer(self, record: CheckpointRecord, checkpoint: Checkpoint) -> None:
        """Its tree is looked at in any case, and kept if it is the nearest."""
        try:
            tree = open_range(checkpoint, record.headers)
        except WrongRange as error:
            self._findings.add(Kind.RANGE_ALTERED, f"checkpoint record {record.offset}: {error}")
            return
        if self._first <= tree.size <= self.target:
            if self._below is None or tree.size > self._below.tree.size:
                self._below = Start(tree, record.offset)
        elif tree.size > self.target and (self._above is None or tree.size < self._above.tree.size):
            self._above = Start(tree, record.offset)


def told(seconds: float) -> str:
    """A time in seconds since 1970 as RFC 3339; a nonsensical one as itself."""
    try:
        return timestamp(datetime.fromtimestamp(seconds, UTC))
    except (ValueError, OverflowError, OSError):
        return f"second {seconds:.0f}"
