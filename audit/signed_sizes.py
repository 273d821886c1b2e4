"""The sizes at which a trail was signed, with their roots, in little memory."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from audit.checkpoints import Checkpoint
from audit.merkle import HASH_BYTES


class SignedSizes:
    """Each size once, ascending; the first that comes for a size decides on its root."""

    def __init__(self) -> None:
        self._sizes, self._records = array("q"), array("q")
        self._roots, self._vouched = bytearray(), bytearray()

    @property
    def sizes(self) -> Sequence[int]:
        """The sizes that were signed, each once, ascending."""
        return self._sizes

    def root(self, place: int) -> bytes:
        """The root that was signed for the size at this place of `sizes`."""
        return bytes(self._roots[place * HASH_BYTES : (place + 1) * HASH_BYTES])

    def later_than(self, size: int) -> int:
        """The place of the first signed size that is larger."""
        return bisect_right(self._sizes, size)

    def stop(self, end: int) -> int | None:
        """The smallest signed size that covers so many events."""
        place = bisect_left(self._sizes, end)
        return self._sizes[place] if place < len(self._sizes) else None

    def is_signed(self, size: int) -> bool:
        """Whether just so many events were signed."""
        return self.stop(size) == size

    def signed_to(self, end: int) -> int:
        """The largest signed size that is no larger; 0 where there is none."""
        place = self.later_than(end)
        return self._sizes[place - 1] if place else 0

    def vouched_to(self, end: int) -> int:
        """The same, of those for which more speaks than a retired key."""
        place = self._vouched.rfind(1, 0, self.later_than(end))
        return self._sizes[place] if place >= 0 else 0

    def vouched_from(self, size: int) -> int | None:
        """The place of the smallest such size that covers so many events."""
        place = self._vouched.find(1, bisect_left(self._sizes, size))
        return place if place >= 0 else None

    def put(self, checkpoint: Checkpoint, *, vouched: bool, record: int = -1) -> bool | None:
        """Notes a checkpoint, and in which record of its topic it came: whether its size was there already.

        None where that has another root. `vouched`: by the key of today, or by whoever had seen it before.
        """
        place = bisect_left(self._sizes, checkpoint.size)
        if there := place < len(self._sizes) and self._sizes[place] == checkpoint.size:
            if self.root(place) != checkpoint.root:
                return None
            self._vouched[place] |= vouched
            return there
        self._sizes.insert(place, checkpoint.size)
        self._records.insert(place, record)
        self._vouched.insert(place, vouched)
        self._roots[place * HASH_BYTES : place * HASH_BYTES] = checkpoint.root
        return there

    def records_to(self, size: int, end: int) -> int:
        """Up to which record of the topic, not with it, it tells of a signed size and then of none larger.

        `end` is where the topic ends.
        """
        place = bisect_left(self._sizes, size)
        own = self._records[place] if place < len(self._sizes) else 0
        return min((each for each in self._records[self.later_than(size) :] if each > own), default=end)
