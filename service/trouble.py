"""The refusals of a group or topic by Kafka: which, and for how long."""

import math
import time
from typing import Final

import structlog

log = structlog.get_logger(__name__)

_OVER_SECONDS: Final = 10.0
_REMIND_SECONDS: Final = 60.0


class Trouble:
    """Lasts until Kafka has refused nothing for ten seconds; said once, and then every minute."""

    def __init__(self, group: str | None) -> None:
        self._group = group
        self._name = ""
        self._since = self._at = self._say_at = -math.inf

    @property
    def name(self) -> str:
        """The class of the last error while it lasts, else empty."""
        return self._name if time.monotonic() - self._at < _OVER_SECONDS else ""

    @property
    def seconds(self) -> float:
        """For how long it has lasted so far; 0 when it does not."""
        return time.monotonic() - self._since if self.name else 0.0

    def remember(self, error: Exception) -> None:
        """Kafka has refused something, now."""
        now = time.monotonic()
        if not self.name:
            self._since = now
        self._name, self._at = type(error).__name__, now
        if now >= self._say_at:
            log.error("Kafka refuses this group or topic", group=self._group, error=self._name)
            self._say_at = now + _REMIND_SECONDS
