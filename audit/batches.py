"""What is remembered of every batch of erasures: by what it is known again, its type and its size."""

from array import array
from bisect import bisect_right
from typing import Final

from audit.types import QUARANTINE_ERASED, RECORD_ANONYMIZED, RECORD_DELETED

ERASING: Final = (RECORD_ANONYMIZED, RECORD_DELETED, QUARANTINE_ERASED)
"""The types of events that bear a number; a batch has events of one of them."""
MAX_BATCH: Final = 10_000
"""Ten times what a transaction may hold: a batch that says it is larger is not gathered."""
DIGEST_BYTES: Final = 16
_SIZE_BITS: Final = MAX_BATCH.bit_length()
_SIZE: Final = (1 << _SIZE_BITS) - 1
_UNKNOWN: Final = 0
"""In place of type and size: it was not seen as a whole."""


class Batches:
    """Digest, type and size for each number, packed in 18 bytes; a skipped number begins a new run."""

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._digests: list[bytearray] = []
        self._facts: list[array[int]] = []

    def put(self, n: int, digest: bytes, kind: str, size: int) -> None:
        """Those of the next number, or of one after a gap; `kind` is one of ERASING."""
        self._put(n, digest, ERASING.index(kind) << _SIZE_BITS | size)

    def put_unknown(self, n: int) -> None:
        """That a number was not seen as a whole."""
        self._put(n, bytes(DIGEST_BYTES), _UNKNOWN)

    def digest(self, n: int) -> bytes | None:
        """None where the batch was not seen as a whole."""
        place, at = self._place(n)
        if place < 0 or at >= len(self._facts[place]) or self._facts[place][at] == _UNKNOWN:
            return None
        return bytes(self._digests[place][at * DIGEST_BYTES : (at + 1) * DIGEST_BYTES])

    def erased(self, after: int, to: int) -> list[int] | None:
        """How many events of each type, in the sequence of ERASING, have the batches after one number up to
        another and with it; None where one of them was not seen as a whole.
        """
        totals, n = [0] * len(ERASING), after + 1
        while n <= to:
            place, at = self._place(n)
            part = self._facts[place][at : at + to - n + 1] if place >= 0 else array("H")
            if not part or _UNKNOWN in part:
                return None
            for each in part:
                totals[each >> _SIZE_BITS] += each & _SIZE
            n += len(part)
        return totals

    def _put(self, n: int, digest: bytes, facts: int) -> None:
        if not self._firsts or n != self._firsts[-1] + len(self._facts[-1]):
            self._firsts.append(n)
            self._digests.append(bytearray())
            self._facts.append(array("H"))
        self._digests[-1] += digest
        self._facts[-1].append(facts)

    def _place(self, n: int) -> tuple[int, int]:
        """Which run, and where in it; the run is below 0 before the first number."""
        place = bisect_right(self._firsts, n) - 1
        return place, n - self._firsts[place] if place >= 0 else 0
