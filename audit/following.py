"""Following the trail: the tree over its events as they come, and every reason not to go on signing it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from audit.checkpoints import Checkpoint, Headers, SignedCheckpoint, open_checkpoint, open_range
from audit.keys import ED25519, MalformedKey, VerifierKey, seed_key
from audit.merkle import MAX_SIZE, CompactRange
from audit.notes import NoteError, parse_note


class Fault(StrEnum):
    """Why a trail is not signed any more."""

    GAP = "GAP"
    PARTITIONS = "PARTITIONS"
    SHORTER = "SHORTER"
    DIFFERENT = "DIFFERENT"
    UNREADABLE = "UNREADABLE"


class TrailFault(Exception):
    """The trail is not what it was, or cannot be one; the text says what was found, and holds no data."""

    def __init__(self, fault: Fault, text: str) -> None:
        super().__init__(text)
        self.fault = fault


@dataclass(frozen=True)
class LogKeys:
    """The keys that sign a log's checkpoints: the one of today, and those before it."""

    current: VerifierKey
    retired: tuple[VerifierKey, ...]

    @classmethod
    def of(cls, seed: bytes, name: str, retired: Iterable[str]) -> Self:
        """From the seed, and the texts of retired keys. Raises MalformedKey, ValueError."""
        current, before = seed_key(seed, name), [VerifierKey.parse(text) for text in retired]
        if any(key.name != name or key.type != ED25519 for key in before):
            raise MalformedKey("a retired verifier key is of this trail's name, and of type 1 (Ed25519)")
        return cls(current, tuple(key for key in before if key != current))


@dataclass(frozen=True)
class Known:
    """A checkpoint that counts, with the tree that goes on from it."""

    signed: SignedCheckpoint
    tree: CompactRange

    @property
    def size(self) -> int:
        """How many events it covers."""
        return self.tree.size


class LastCheckpoints:
    """Takes records of the checkpoint topic, in whatever sequence, and keeps those with which to go on.

    What does not count is passed over: anybody who may write to the topic may have written it. Once the
    key of today has signed, a retired one only helps: whoever has got hold of it has no say any more. Before,
    it counts up to the floor, what was signed by whatever key, or up to the trail's end where none is known.
    """

    def __init__(self, keys: LogKeys, floor: Checkpoint | None = None, end: int = MAX_SIZE) -> None:
        self._keys = keys
        self._floor = floor
        self._most = end if floor is None else floor.size
        self.at_floor: Known | None = None
        self._current: dict[int, Known] = {}
        self._retired: dict[int, Known] = {}

    def take(self, value: bytes | None, headers: Headers) -> None:
        """One record. Raises TrailFault when today's key has signed two roots for one size."""
        current = self._keys.current
        try:
            note = parse_note(value or b"")
            checkpoint = Checkpoint.parse(note.text)
            if any((each.name, each.key_id) == (current.name, current.id) for each in note.signatures):
                signed = _opened(self._current, checkpoint, value, [current])
                if signed and checkpoint.size in self._current:
                    text = f"two roots are signed for {checkpoint.size} events"
                    raise TrailFault(Fault.DIFFERENT, text)
                _keep(self._current, signed, headers)
            elif checkpoint.size <= self._most:
                self._take_retired(checkpoint, value, headers)
        except NoteError:
            return

    def _take_retired(self, checkpoint: Checkpoint, value: bytes | None, headers: Headers) -> None:
        retired = self._keys.retired
        if checkpoint == self._floor and self.at_floor is None:
            self.at_floor = Known(open_checkpoint(value, retired), open_range(checkpoint, headers))
        _keep(self._retired, _opened(self._retired, checkpoint, value, retired), headers)

    def enough(self, first: int) -> bool:
        """Whether older records could add nothing, where the trail begins with the event `first`."""
        known = self.signed_by_current and self.before is not None
        return known and self.last is not None and self.last.size >= first

    @property
    def last(self) -> Known | None:
        """The largest that the key of today has signed; if none, that a retired one has."""
        sizes = self._current or self._retired
        return sizes[max(sizes)] if sizes else None

    @property
    def before(self) -> Known | None:
        """The largest that is smaller, of today's key if there is one."""
        if (last := self.last) is None:
            return None
        for sizes in (self._current, self._retired):
            if smaller := [size for size in sizes if size < last.size]:
                return sizes[max(smaller)]
        return None

    @property
    def signed_by_current(self) -> bool:
        """Whether the last one is signed by the key of today."""
        return bool(self._current)


def _opened(
    sizes: dict[int, Known], checkpoint: Checkpoint, value: bytes | None, keys: Sequence[VerifierKey]
) -> SignedCheckpoint | None:
    """None where it could change nothing: then its signatures are not worth a look. Raises NoteError."""
    there = sizes.get(checkpoint.size)
    small = there is None and len(sizes) > 1 and checkpoint.size < min(sizes)
    if small or (there is not None and there.signed.checkpoint == checkpoint):
        return None
    return open_checkpoint(value, keys)


def _keep(sizes: dict[int, Known], signed: SignedCheckpoint | None, headers: Headers) -> None:
    """Keeps the two largest. Raises NoteError."""
    if signed is None or signed.checkpoint.size in sizes:
        return
    sizes[signed.checkpoint.size] = Known(signed, open_range(signed.checkpoint, headers))
    for size in sorted(sizes)[:-2]:
        del sizes[size]


class Follower:
    """The tree over all events so far. It goes on only where nothing is missing, and is what was `signed`.

    `instead` is where to begin if it is not, since somebody else may have made the tree to begin with.
    """

    def __init__(self, tree: CompactRange, *signed: Checkpoint, instead: "Follower | None" = None) -> None:
        """Raises TrailFault where the tree itself is not what was signed."""
        self._tree = tree
        self._signed = sorted((each for each in signed if each.size >= tree.size), key=lambda each: each.size)
        self.instead = instead
        self._compare_all(())

    @property
    def size(self) -> int:
        """How many events there are, and the offset of the next one."""
        return self._tree.size

    @property
    def compared(self) -> bool:
        """Whether the events up to the last checkpoint were read again and are those it has signed."""
        return not self._signed

    def take(self, offsets: Sequence[int], values: Sequence[bytes | None]) -> None:
        """The next events. Raises TrailFault."""
        if list(offsets) != list(range(self.size, self.size + len(offsets))):
            raise _gap(self.size, offsets)
        self._tree.extend(self._compare_all(values))

    def _compare_all(self, values: Sequence[bytes | None]) -> Sequence[bytes | None]:
        """Takes events up to the last size with which to compare that is among them; gives the others."""
        while self._signed and (cut := self._signed[0].size - self.size) <= len(values):
            self._tree.extend(values[:cut])
            if self._tree.root() != self._signed[0].root:
                text = f"the first {self._tree.size} events are not those that were signed"
                raise TrailFault(Fault.DIFFERENT, text)
            del self._signed[0]
            values = values[cut:]
        return values

    def require_position(self, position: int) -> None:
        """Raises TrailFault where offsets before the reader's position held no event."""
        if position != self.size:
            raise TrailFault(Fault.GAP, f"event {self.size} is missing: its offset holds no event")

    def snapshot(self) -> CompactRange:
        """The tree as it is now."""
        return self._tree.copy()


def _gap(size: int, offsets: Sequence[int]) -> TrailFault:
    number, offset = next(pair for pair in enumerate(offsets, size) if pair[0] != pair[1])
    return TrailFault(Fault.GAP, f"event {number} is missing: the next one is {offset}")


def follow_from(found: LastCheckpoints, first: int, end: int, floor: Checkpoint | None = None) -> Follower:
    """Where to go on in a trail that holds the events from `first` up to but not with `end`.

    One checkpoint is read again, where it is still there: whether the trail was cut and has grown since shows
    in no number, but in the root. The `floor` is compared as well: it is known from elsewhere, and shows a
    trail of which both topics were cut. Raises TrailFault.
    """
    last, floors = found.last, [] if floor is None else [floor]
    signed = [*floors, last.signed.checkpoint] if last and found.signed_by_current else floors
    if (size := max((each.size for each in signed), default=0)) > end:
        raise TrailFault(Fault.SHORTER, f"the trail ends with {end} events, and {size} were signed")
    if last and found.signed_by_current:
        return _from_todays(last, found.before, first, signed)
    return _from_retired(found, range(first, end + 1), floors)


def _from_todays(last: Known, before: Known | None, first: int, signed: Sequence[Checkpoint]) -> Follower:
    if last.size < first:
        text = f"the trail begins with event {first}, and only {last.size} were signed"
        raise TrailFault(Fault.GAP, text)
    if before is not None and before.size < first:
        return Follower(last.tree.copy(), *signed)
    alone = Follower(CompactRange() if first == 0 else last.tree.copy(), *signed)
    if before is None:
        return alone
    if before.signed.key == last.signed.key:
        return Follower(before.tree.copy(), *signed)
    if any(each.size == before.size for each in signed):
        return alone
    return Follower(before.tree.copy(), *signed, instead=alone)


def _from_retired(found: LastCheckpoints, there: range, floors: Sequence[Checkpoint]) -> Follower:
    """What a retired key has signed is a place to begin; where there is a floor, that alone has to hold."""
    instead = None
    if there.start == 0:
        instead = Follower(CompactRange(), *floors)
    elif found.at_floor is not None and found.at_floor.size in there:
        instead = Follower(found.at_floor.tree.copy(), *floors)
    places = [each for each in (found.before, found.last) if each is not None and each.size in there]
    signed = floors or [each.signed.checkpoint for each in places[-1:]]
    for place in places:
        if all(each.size > place.size for each in floors):
            return Follower(place.tree.copy(), *signed, instead=instead)
    if instead is None:
        text = f"the trail begins with event {there.start}, and nothing that counts is signed from there on"
        raise TrailFault(Fault.GAP, text)
    return instead
