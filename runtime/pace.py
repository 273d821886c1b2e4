"""How often to look at what costs something."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_SHARE: Final = 20
_LONGEST_PAUSE: Final = 60.0


class Pace:
    """The pauses between looks: as short as is wished, or longer so that looking stays cheap.

    Looking takes up a twentieth of the time at most, as long as that means a look a minute.
    """

    def __init__(self, least: float) -> None:
        self._least = least
        self._took = 0.0

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Measures the block, whether it fails or not."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._took = time.monotonic() - began

    def pause(self) -> float:
        """Seconds until the next look; `least` where none was taken since the last pause."""
        took, self._took = self._took, 0.0
        return pause_after(took, self._least)


def pause_after(took: float, least: float) -> float:
    """Seconds to wait after a look that took so many."""
    return max(least, min(_SHARE * took, _LONGEST_PAUSE))
