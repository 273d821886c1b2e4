"""When a trail was signed, by the key's own word: for how long nobody did, and what a time then tells.

All of it goes by the times alone, in whatever sequence they come: a clock that was ahead for a while leaves
no silence behind once it was set right, and no sequence of records hides one.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Final

SILENCE_SECONDS: Final = 2 * 3_600
"""An idle trail is signed hourly."""
_CATCH_UP_SECONDS: Final = 3_600


class SigningTimes:
    """Takes times in seconds since 1970."""

    def __init__(self) -> None:
        self._silences = list[tuple[int, int]]()
        self.earliest: int | None = None
        self.latest: int | None = None

    def add(self, at: int) -> None:
        """The next one."""
        if self.earliest is None or self.latest is None:
            self.earliest = self.latest = at
        elif at > self.latest:
            self._silences += _silence(self.latest, at)
            self.latest = at
        elif at < self.earliest:
            self._silences[:0] = _silence(at, self.earliest)
            self.earliest = at
        elif self._silences:
            self._fill(at)

    def written_after(self, at: int) -> int:
        """After which time that was surely written which a checkpoint of a time does not cover.

        Whoever was away signs at first only a part of what was written meanwhile.
        """
        place = bisect_right(self._silences, at, key=lambda silence: silence[1]) - 1
        if place < 0 or at - self._silences[place][1] > _CATCH_UP_SECONDS:
            return at
        return self._silences[place][0]

    def silences(self, period: tuple[float, float], now: float) -> Iterator[tuple[int, int]]:
        """From when to when nobody signed, where that is within a period and more than `now` is away from it.

        `now` is infinite where nobody knows.
        """
        begin, end = period
        for before, after in self._silences:
            if begin < after and before < end and min(after, now) - before > SILENCE_SECONDS:
                yield before, after

    def _fill(self, at: int) -> None:
        place = bisect_left(self._silences, at, key=lambda silence: silence[1])
        if place < len(self._silences) and self._silences[place][0] < at:
            before, after = self._silences[place]
            self._silences[place : place + 1] = _silence(before, at) + _silence(at, after)


def _silence(before: int, after: int) -> list[tuple[int, int]]:
    return [(before, after)] if after - before > SILENCE_SECONDS else []
