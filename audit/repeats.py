"""Telling a repeat from a conflict, with memory that does not grow with the trail."""

from enum import Enum
from typing import Final

WINDOW: Final = 16_384
"""At least so many latest events are remembered: the relay repeats what it had just sent, at most ten entries
of a thousand events (docs/decisions/repeats-in-the-trail.md)."""


class Seen(Enum):
    """Whether an id came lately, and with which bytes."""

    FIRST = 0
    REPEAT = 1
    CONFLICT = 2


class LatestEvents:
    """The leaf hashes of the latest events by their ids."""

    def __init__(self, window: int = WINDOW) -> None:
        self._window = window
        self._latest: dict[bytes, bytes] = {}
        self._before: dict[bytes, bytes] = {}

    def see(self, identifier: bytes, leaf: bytes) -> Seen:
        """Takes one event."""
        known = self._latest.get(identifier) or self._before.get(identifier)
        if known is not None:
            return Seen.REPEAT if known == leaf else Seen.CONFLICT
        if len(self._latest) == self._window:
            self._before, self._latest = self._latest, {}
        self._latest[identifier] = leaf
        return Seen.FIRST
