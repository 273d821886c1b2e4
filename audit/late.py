"""Events under a number that was done long ago: repeats, if the very same were on the trail before.

Its digest knows a batch again only as a whole, and a worker that stood still may send the rest of one at any
time. So a part is held against the trail itself, which is read again there, before anybody is accused.

Whoever may write to the topic can send old numbers without end, so reading again has bounds: it ends once
enough are known to be others, and all of it together is no more than a few times what was read
(docs/decisions/repeats-in-the-trail.md).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from audit.findings import MAX_TEXTS, Findings, Kind

_APART: Final = 4_096
"""So many events are between two places that are remembered: memory is two numbers for each of them."""
_MANY_PARTS, _MANY_EVENTS = 1_000, 100_000
_NEAR: Final = 50_000
"""Between places that are no further apart all is read: a new consumer takes longer."""
_ENOUGH: Final = MAX_TEXTS
"""After so many numbers that are certain to be given twice the next one would not be told by its name."""
_TIMES, _AT_LEAST = 4, 1_000_000
"""So many times what was read may be read again, or so many events where that is more."""


@dataclass
class _Part:
    """Events that came again, so far as they were not found where their batch was (`there`, offsets)."""

    n: int
    there: range
    events: int
    missing: set[bytes]
    read: int = 0


class LateParts:
    """Remembers about where batches began, and what is still to be looked up there."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._numbers: list[int] = []
        self._offsets: list[int] = []
        self._parts: list[_Part] = []
        self._asked = self._refused = False
        self._certain = self._read_again = self._reached = self._passed_over = 0
        self.unknown = 0

    def begins(self, n: int, offset: int) -> None:
        """A batch of a higher number than all before."""
        if not self._offsets or offset - self._offsets[-1] >= _APART:
            self._numbers.append(n)
            self._offsets.append(offset)

    def add(self, n: int, offset: int, leaves: Sequence[bytes], events: int) -> None:
        """So many events of which these are the leaves came again, the first one at the offset."""
        if self._certain >= _ENOUGH:
            self._passed_over += 1
            return
        if self._refused:
            self._tell_unread(n)
            return
        self._reached = max(self._reached, offset)
        place = max(0, bisect_right(self._numbers, n) - 1)
        ends = [*self._offsets[place + 1 : place + 2], offset]
        there = range(self._offsets[place], min(ends)) if self._offsets else range(0)
        self._parts.append(_Part(n, there, events, set(leaves)))

    @property
    def many(self) -> bool:
        """Whether it is time to look them up, so that memory has a bound."""
        return len(self._parts) >= _MANY_PARTS or sum(each.events for each in self._parts) >= _MANY_EVENTS

    def ranges(self) -> list[range]:
        """The offsets at which to look, in order, none of them twice; none where too much was read again."""
        joined = list[range]()
        for there in sorted((each.there for each in self._parts), key=lambda each: each.start):
            if joined and there.start <= joined[-1].stop + _NEAR:
                joined[-1] = range(joined[-1].start, max(joined[-1].stop, there.stop))
            else:
                joined.append(there)
        wanted = [each for each in joined if each]
        self._refused = self._refused or self._read_again + sum(map(len, wanted)) > self._most
        self._asked = not self._refused
        return wanted if self._asked else []

    def look(self, there: range, offsets: Sequence[int], leaves: Sequence[bytes]) -> bool:
        """Events of one of those ranges; False once nothing more is missed that could come in it."""
        self._read_again += len(offsets)
        for part, begin, stop in self._touched(offsets):
            part.missing.difference_update(leaves[begin:stop])
            part.read += stop - begin
        at = offsets[-1] + 1 if offsets else there.start
        within = (each for each in self._parts if each.there.start < there.stop and each.there.stop > at)
        return any(each.missing for each in within)

    def _touched(self, offsets: Sequence[int]) -> Iterator[tuple[_Part, int, int]]:
        for part in self._parts:
            begin, stop = bisect_left(offsets, part.there.start), bisect_left(offsets, part.there.stop)
            if begin < stop and part.missing:
                yield part, begin, stop

    def settle(self) -> int:
        """How many were repeats; the others belong to a second batch of their number, and are told.

        Not where some of what had to be read again is gone by now.
        """
        repeats = 0
        for part in self._parts:
            if not part.missing:
                repeats += part.events
            elif self._asked and part.read < len(part.there):
                self.unknown += 1
            elif self._refused:
                self._tell_unread(part.n)
            else:
                self._certain += 1
                self._findings.add(Kind.N_TWICE, f"number {part.n} comes again, with other events")
        self._parts, self._asked = [], False
        return repeats

    def finish(self) -> None:
        """The end of all, when everything is settled."""
        if self._passed_over:
            self._findings.note(
                f"{self._passed_over} more batches came again in part, and were not looked up: "
                f"{self._certain} numbers had been found to be given twice by then"
            )

    @property
    def _most(self) -> int:
        begin = self._offsets[0] if self._offsets else 0
        return max(_AT_LEAST, _TIMES * (self._reached - begin))

    def _tell_unread(self, n: int) -> None:
        text = f"number {n} comes again in part, after so many others that this one was not looked up"
        self._findings.add(Kind.N_TWICE, text)
