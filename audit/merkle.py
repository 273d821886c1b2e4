"""The Merkle tree of RFC 6962 over the exact bytes of the trail's values; leaf index = offset.

Nothing here keeps the leaves: a tree is held as its compact range, the roots of its perfect subtrees, at most
one for each bit of its size. Proofs are made in one pass (audit/proof_hashes.py) and checked here.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final, Self

HASH_BYTES: Final = 32
MAX_SIZE: Final = 2**63 - 1
"""Kafka's offsets end there; so a compact range has at most 63 hashes."""

_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"
_sha256 = hashlib.sha256


class InvalidProof(ValueError):
    """A proof that does not prove what it is said to."""


def leaf_hash(value: bytes | None) -> bytes:
    """The hash of one value; a record without a value (a tombstone) counts as an empty one."""
    return _sha256(_LEAF + (value or b"")).digest()


def leaf_hashes(values: Iterable[bytes | None]) -> list[bytes]:
    """The hash of each of some values."""
    return [_sha256(_LEAF + (value or b"")).digest() for value in values]


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two neighbours."""
    return _sha256(_NODE + left + right).digest()


class CompactRange:
    """All that is needed of a tree's first `size` leaves to go on with it."""

    def __init__(self) -> None:
        self._size = 0
        self._nodes: list[bytes] = []

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return self._size

    @property
    def nodes(self) -> tuple[bytes, ...]:
        """The roots of the perfect subtrees, the largest (and first) of them first."""
        return tuple(self._nodes)

    def extend(self, values: Iterable[bytes | None]) -> None:
        """Appends the values of records, in order."""
        self.append_all(map(leaf_hash, values))

    def append_all(self, leaves: Iterable[bytes]) -> None:
        """Appends leaves by their hashes, in order."""
        level = list[bytes]()
        try:
            level.extend(leaves)
        finally:  # the iterable may raise between two leaves
            self._grow(level)

    def _grow(self, level: list[bytes]) -> None:
        """Level by level, from the leaves up; a node that has no right neighbour yet stays."""
        before, self._size = self._size, self._size + len(level)
        staying = list[bytes]()
        while level:
            if before & 1:
                level.insert(0, self._nodes.pop())
            if len(level) & 1:
                staying.append(level.pop())
            nodes = iter(level)
            level = [_sha256(_NODE + left + right).digest() for left, right in zip(nodes, nodes, strict=True)]
            before >>= 1
        self._nodes += reversed(staying)

    def root(self) -> bytes:
        """The root of the tree; that of no leaves is the hash of nothing."""
        if not self._nodes:
            return _sha256().digest()
        root = self._nodes[-1]
        for node in reversed(self._nodes[:-1]):
            root = node_hash(node, root)
        return root

    def copy(self) -> Self:
        """A range of its own with the same leaves."""
        return self.decode(self._size, self.encode())

    def encode(self) -> bytes:
        """The nodes, one after the other: 32 bytes for each bit of the size that is set."""
        return b"".join(self._nodes)

    @classmethod
    def decode(cls, size: int, encoded: bytes) -> Self:
        """The range of a size from its nodes. Raises ValueError unless there are as many as the size has.

        Worthless until its root is compared with a signed one.
        """
        if not 0 <= size <= MAX_SIZE or len(encoded) != size.bit_count() * HASH_BYTES:
            raise ValueError("a compact range has one hash of 32 bytes for each bit of its size that is set")
        decoded = cls()
        decoded._size = size
        decoded._nodes = [encoded[at : at + HASH_BYTES] for at in range(0, len(encoded), HASH_BYTES)]
        return decoded


def root_by_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The root of a tree of this size in which this leaf (a hash) has this index, if the proof is right.

    Compare it with a signed root. Raises InvalidProof when the proof has not the shape of such a tree
    (RFC 9162, section 2.1.3.2).
    """
    if not 0 <= index < size <= MAX_SIZE:
        raise InvalidProof("the index is not in the tree")
    place, last, root = index, size - 1, leaf
    for sibling in proof:
        if len(sibling) != HASH_BYTES or not last:
            raise InvalidProof("the inclusion proof has not the length that this index and size give")
        if place & 1 or place == last:
            root = node_hash(sibling, root)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            root = node_hash(root, sibling)
        place, last = place >> 1, last >> 1
    if last:
        raise InvalidProof("the inclusion proof has not the length that this index and size give")
    return root


def check_consistency(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Raises InvalidProof unless the tree of the old size is the beginning of that of the new size.

    A tree of no leaves is the beginning of any, and one of the same size is so if its root is the same: the
    proof is then empty (RFC 9162, section 2.1.4.2).
    """
    if not 0 <= old_size <= new_size <= MAX_SIZE:
        raise InvalidProof("the sizes are not in sequence")
    if old_size in {0, new_size}:
        if proof or (old_size == new_size and old_root != new_root) or (not old_size and old_root != _EMPTY):
            raise InvalidProof("trees of these sizes need no proof, and one root")
        return
    from_old, from_new = _roots(old_size, old_root, new_size, proof)
    if from_old != old_root or from_new != new_root:
        raise InvalidProof("the consistency proof leads to other roots")


def _roots(old_size: int, old_root: bytes, new_size: int, proof: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Both roots that the proof leads to; 0 < old_size < new_size."""
    hashes = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    if not proof or any(len(each) != HASH_BYTES for each in hashes):
        raise InvalidProof("the consistency proof has not the length that these sizes give")
    place, last = old_size - 1, new_size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = hashes[0]
    for sibling in hashes[1:]:
        if not last:
            raise InvalidProof("the consistency proof has not the length that these sizes give")
        if place & 1 or place == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        place, last = place >> 1, last >> 1
    if last:
        raise InvalidProof("the consistency proof has not the length that these sizes give")
    return old, new


_EMPTY: Final = CompactRange().root()
