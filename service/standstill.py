"""Whether reading stands still: a pure judgement of what was seen over time.

Only of partitions where somebody should be reading while Kafka and MongoDB both answer: an outage is no
standstill, however long, nor is a batch that is tried again and again.
"""

import math
from collections.abc import Mapping
from typing import Final

PATIENCE_SECONDS: Final = 300.0
"""As long as Kafka itself leaves a member that asks for no events; a batch takes seconds."""


class Standstill:
    """Looks are to be regular; the patience counts from the first that saw a partition as it still is."""

    def __init__(self, patience_seconds: float | None = None) -> None:
        self.patience_seconds = PATIENCE_SECONDS if patience_seconds is None else patience_seconds
        self._tries = 0
        self._since: dict[int, tuple[int | None, float]] = {}
        self._offsets: dict[int, int | None] = {}
        self._moved_at = -math.inf

    def unknown(self) -> None:
        """A server did not answer: the patience begins anew."""
        self._since.clear()

    def moves(self, offsets: Mapping[int, int | None], now: float) -> bool:
        """Whether any partition has moved within the patience: then it is not the process that stands still.

        `offsets` holds the group's of all partitions that it reads, `now` is in seconds.
        """
        if any(self._offsets.get(number, offset) != offset for number, offset in offsets.items()):
            self._moved_at = now
        self._offsets = dict(offsets)
        return now - self._moved_at < self.patience_seconds

    def look(self, waiting: Mapping[int, int | None], tries: int, now: float) -> list[int]:
        """The partitions that have not moved for the whole patience.

        `waiting` holds the group's offset for each partition that has unread events, `tries` counts the
        batches that could not be stored so far, `now` is in seconds.
        """
        if tries != self._tries:
            self._tries = tries
            self._since.clear()
        self._since = {
            number: self._since[number] if self._unmoved(number, offset) else (offset, now)
            for number, offset in waiting.items()
        }
        return [number for number, (_, at) in self._since.items() if now - at >= self.patience_seconds]

    def _unmoved(self, number: int, offset: int | None) -> bool:
        return number in self._since and self._since[number][0] == offset
