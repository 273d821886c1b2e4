"""How far a trail had been signed by which time."""

from array import array
from typing import Final

_ALWAYS: Final = 0
"""In place of a time that was not signed: as if it had been from the beginning on."""


class Reached:
    """Takes what was signed in the sequence of the checkpoint topic; 16 bytes for each size."""

    def __init__(self) -> None:
        self._sizes, self._times = array("q"), array("q")

    def take(self, size: int, signed_at: int | None) -> None:
        """So many events were signed at a time (seconds since 1970, None where it is not known)."""
        if not self._sizes or size > self._sizes[-1]:
            self._sizes.append(size)
            self._times.append(_ALWAYS if signed_at is None else signed_at)

    def by(self, time: float) -> int:
        """The largest size that was signed by then; 0 where there is none."""
        places = range(len(self._sizes) - 1, -1, -1)
        return next((self._sizes[place] for place in places if self._times[place] <= time), 0)
