"""How fast a backlog drains: what is sent is spread over time."""

import time
from collections.abc import Callable
from typing import Final

_SLACK_SECONDS: Final = 0.1
"""What a sleep took too long may be made up for, and no longer rest than that."""


class Throttle:
    """At most so many in a second on average, and a tenth of that at once."""

    def __init__(self, per_second: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._per_second, self._monotonic = per_second, monotonic
        self._free_at = float("-inf")

    def wait(self, count: int) -> float:
        """Takes the turn of so many, and says how long they have to wait for it, in seconds."""
        now = self._monotonic()
        turn = max(self._free_at, now - _SLACK_SECONDS)
        self._free_at = turn + count / self._per_second
        return max(0.0, turn - now)
