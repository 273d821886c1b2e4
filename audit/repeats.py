"""Telling a repeat from a conflict, with memory that does not grow with the trail."""

from collections.abc import Sequence
from enum import Enum
from itertools import islice
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

    def see_new(self, identifiers: Sequence[bytes], leaves: Sequence[bytes]) -> bool:
        """Takes events none of which came lately, and no two of one id; else takes none, and is False."""
        new = dict(zip(identifiers, leaves, strict=True))
        if len(new) < len(identifiers) or not all(
            known.keys().isdisjoint(new) for known in (self._latest, self._before)
        ):
            return False
        pairs = iter(new.items())
        self._latest.update(islice(pairs, self._window - len(self._latest)))
        while later := dict(islice(pairs, self._window)):
            self._before, self._latest = self._latest, later
        return True
