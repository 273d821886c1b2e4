"""Which date is due now, and when no clock is to be trusted: erasing late is harmless, early is for ever."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from records.clock import MAX_DIFFERENCE, since_boot

MAX_AHEAD: Final = timedelta(minutes=5)


class ClockStopped(Exception):
    """Nothing may be erased until the clocks can be trusted again."""


def _wall() -> datetime:
    return datetime.now(UTC)


class Clock:
    """Gives the cutoff of a sweep: the earlier of the worker's clock and MongoDB's (design section 6)."""

    def __init__(
        self, wall: Callable[[], datetime] = _wall, since_boot: Callable[[], timedelta] = since_boot
    ) -> None:
        self._wall = wall
        self._since_boot = since_boot
        self._first: tuple[datetime, timedelta] | None = None
        self._ran_ahead = False

    def cutoff(self, mongo_now: datetime) -> datetime:
        """The latest date that is due, in UTC. Raises ClockStopped.

        A difference of the clocks stops while it lasts. A cutoff that runs ahead of the time since
        the first one stops until this process starts anew, since nobody knows which half was right.
        """
        wall, elapsed = self._wall(), self._since_boot()
        cutoff = min(wall, mongo_now)
        first, first_elapsed = self._first = self._first or (cutoff, elapsed)
        self._ran_ahead |= cutoff - first > elapsed - first_elapsed + MAX_AHEAD
        if self._ran_ahead:
            raise ClockStopped("the clock was set ahead: check it, then start this process anew")
        if abs(wall - mongo_now) > MAX_DIFFERENCE:
            difference = abs(wall - mongo_now).total_seconds()
            raise ClockStopped(f"this machine's clock and MongoDB's differ by {difference:.0f} s")
        return cutoff
