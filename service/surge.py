"""A surge of refusals: so many of the last minutes' events that somebody has changed what is sent."""

import time
from collections import deque
from collections.abc import Callable
from typing import Final

import structlog

from runtime import metrics

log = structlog.get_logger(__name__)

WINDOW_SECONDS: Final = 300.0
_MORE_THAN: Final = 20
_SHARE: Final = 0.5
_REMIND_SECONDS: Final = 60.0


class Surge:
    """Counts batches of the last five minutes. It only raises an alarm: good events are stored as ever."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._batches: deque[tuple[float, int, int]] = deque()
        self._taken = self._refused = 0
        self._say_at = clock()

    def note(self, taken: int, refused: int) -> None:
        """A batch of so many events, of which so many were refused."""
        self._batches.append((self._clock(), taken, refused))
        self._taken += taken
        self._refused += refused
        self.tell()

    def tell(self) -> None:
        """Sets the figure, and says once a minute that a surge lasts."""
        now = self._clock()
        while self._batches and self._batches[0][0] <= now - WINDOW_SECONDS:
            _, taken, refused = self._batches.popleft()
            self._taken -= taken
            self._refused -= refused
        lasts = self._refused > _MORE_THAN and self._refused > _SHARE * self._taken
        metrics.REFUSAL_SURGE.set(lasts)
        if lasts and now >= self._say_at:
            self._say_at = now + _REMIND_SECONDS
            log.critical(
                "most events are refused: a publisher has changed something; replay them once it is mended",
                refused=self._refused,
                of=self._taken,
                seconds=round(WINDOW_SECONDS),
            )
