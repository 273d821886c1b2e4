"""Where in the files of an export the events stand that were read, so that some can be read again."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from runtime.regular_files import open_regular


@dataclass(frozen=True)
class Chunk:
    """Whole lines of one file, so many bytes from a place on; the first of them is of the event `first`.

    They are known again by a hash with a seed of this process, which is a tenth of the work of a digest.
    """

    first: int
    file: str
    place: int
    size: int
    seen: int

    @classmethod
    def of(cls, first: int, file: str, place: int, lines: bytes) -> "Chunk":
        """That of lines which were read."""
        return cls(first, file, place, len(lines), hash(lines))

    def read(self, folder: Path) -> bytes | None:
        """Its lines; None where the file was changed meanwhile. Raises OSError."""
        with open_regular(folder / self.file) as opened:
            opened.seek(self.place)
            lines = opened.read(self.size)
        return lines if hash(lines) == self.seen else None


class Chunks:
    """Those of one reading, in the order of their events: one for each megabyte."""

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._chunks: list[Chunk] = []

    def add(self, chunk: Chunk) -> None:
        """The next; one that is out of its order cannot be found again, and the trail is not whole then."""
        if not self._firsts or chunk.first > self._firsts[-1]:
            self._firsts.append(chunk.first)
            self._chunks.append(chunk)

    def of(self, there: range) -> Sequence[Chunk]:
        """Those that may have events of a range."""
        begin = max(0, bisect_right(self._firsts, there.start) - 1)
        return self._chunks[begin : bisect_left(self._firsts, there.stop)]
