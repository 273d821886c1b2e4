"""Inclusion and consistency proofs, made in one pass over the leaves, with memory for the proof alone.

Both are lists of roots of neighbouring ranges of leaves. Which ranges is arithmetic; their roots are gathered
as the leaves go by. The pass may begin at a compact range: retention may have cut what was before.
"""

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from audit.merkle import MAX_SIZE, CompactRange

Span: TypeAlias = tuple[int, int]
"""Leaves from the first number up to but not with the second."""

_BEGINNING: Final = CompactRange()


def inclusion_spans(index: int, size: int) -> list[Span]:
    """The ranges whose roots are the inclusion proof, in its order: from the leaf up. Raises ValueError."""
    if not 0 <= index < size <= MAX_SIZE:
        raise ValueError("the index is not in the tree")
    low, high, spans = 0, size, list[Span]()
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            spans.append((middle, high))
            high = middle
        else:
            spans.append((low, middle))
            low = middle
    return spans[::-1]


def consistency_spans(old_size: int, new_size: int) -> list[Span]:
    """The ranges whose roots are the consistency proof, in its order; none where none is needed.

    Raises ValueError unless 0 <= old_size <= new_size.
    """
    if not 0 <= old_size <= new_size <= MAX_SIZE:
        raise ValueError("the sizes are not in sequence")
    if old_size in {0, new_size}:
        return []
    low, high, spans = 0, new_size, list[Span]()
    while old_size < high:
        middle = low + _split(high - low)
        if old_size <= middle:
            spans.append((middle, high))
            high = middle
        else:
            spans.append((low, middle))
            low = middle
    if low:  # else the old tree is a perfect subtree, and its root is known
        spans.append((low, high))
    return spans[::-1]


class SpanRoots:
    """Gathers the roots of ranges that do not overlap, while the leaves are appended in order.

    `begin` is the compact range after which the leaves go on. Raises ValueError where a range needs single
    leaves from before it.
    """

    def __init__(self, spans: Sequence[Span], begin: CompactRange = _BEGINNING) -> None:
        self._spans = list(spans)
        self._at = begin.size
        self._ranges = [CompactRange() for _ in spans]
        self._sorted = sorted(range(len(spans)), key=lambda place: spans[place][0])
        self._next = 0
        self._begin_with(begin)

    def extend(self, leaves: Sequence[bytes]) -> None:
        """The next leaves, by their hashes."""
        at, self._at = self._at, self._at + len(leaves)
        while self._next < len(self._sorted):
            place = self._sorted[self._next]
            first, end = self._spans[place]
            self._ranges[place].append_all(leaves[max(0, first - at) : end - at])
            if end > self._at:
                return
            self._next += 1

    def roots(self) -> list[bytes]:
        """The proof. Raises ValueError when leaves are missing."""
        if self._next < len(self._sorted):
            raise ValueError("the leaves of this proof are not all there")
        return [each.root() for each in self._ranges]

    def _begin_with(self, begin: CompactRange) -> None:
        """Gives the ranges what lies before the first leaf; a range of the tree is made of whole subtrees."""
        there = list(_subtrees(begin))
        while self._next < len(self._sorted):
            place = self._sorted[self._next]
            first, end = self._spans[place]
            inside = [(span, node) for span, node in there if first <= span[0] and span[1] <= end]
            if first < begin.size:
                self._ranges[place] = _joined(first, min(end, begin.size), inside)
            if end > begin.size:
                return
            self._next += 1


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The proof of one of these leaves (hashes), which are a whole tree."""
    return _proof(inclusion_spans(index, len(leaves)), leaves)


def consistency_proof(leaves: Sequence[bytes], old_size: int) -> list[bytes]:
    """The proof that the first so many of these leaves (hashes) are a tree that grew to all of them."""
    return _proof(consistency_spans(old_size, len(leaves)), leaves)


def _proof(spans: list[Span], leaves: Sequence[bytes]) -> list[bytes]:
    gathered = SpanRoots(spans)
    gathered.extend(leaves)
    return gathered.roots()


def _split(size: int) -> int:
    """The largest power of two below a size of at least two (RFC 6962, section 2.1)."""
    return 1 << ((size - 1).bit_length() - 1)


def _subtrees(begin: CompactRange) -> Iterable[tuple[Span, bytes]]:
    low, left = 0, begin.size
    for node in begin.nodes:
        width = 1 << (left.bit_length() - 1)
        yield (low, low + width), node
        low, left = low + width, left - width


def _joined(first: int, end: int, inside: Sequence[tuple[Span, bytes]]) -> CompactRange:
    """The subtrees as a range of its own: within an aligned range they are those of its size."""
    if sum(high - low for (low, high), _ in inside) != end - first:
        raise ValueError("the leaves of this proof are from before the trail's beginning")
    return CompactRange.decode(end - first, b"".join(node for _, node in inside))
