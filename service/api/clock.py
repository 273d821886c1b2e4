"""By which time a request is answered, and what is said while no clock can be trusted."""

import time
from datetime import datetime
from typing import Final, Protocol

import structlog

from records.clock import ClockUntrusted
from records.mongo.clock import CheckedClock
from runtime import metrics

log = structlog.get_logger(__name__)

_REMIND_SECONDS: Final = 60.0


class Clock(Protocol):
    """Two times in UTC, cut to milliseconds; each is asked for once per request."""

    async def now(self) -> datetime:
        """By which an order is created. Raises ClockUntrusted, StoreUnavailable."""

    async def latest(self) -> datetime:
        """By which records are shown: no clock that is behind may show one past its date."""


class WatchedClock:
    """The clock that storing needs to be right, with its gauge and its log line.

    The rule is the consumer's: while this machine's clock and MongoDB's differ by more than 30 s, nothing is
    stored, since dates that were computed wrong stay wrong. Reading goes on, by the later of the two: it
    changes nothing, and what a clock that is ahead hides is there again once it is right.
    """

    def __init__(self, clock: CheckedClock) -> None:
        self._clock = clock
        self._say_at = 0.0

    async def now(self) -> datetime:
        """As `Clock.now`; says once, and then every minute, that nothing is stored."""
        try:
            now = await self._clock.now()
        except ClockUntrusted as untrusted:
            self._note(untrusted)
            raise
        metrics.CLOCK_STOPPED.set(0)
        self._say_at = 0.0
        return now

    async def latest(self) -> datetime:
        """As `Clock.latest`."""
        return await self._clock.latest()

    def _note(self, untrusted: ClockUntrusted) -> None:
        metrics.CLOCK_STOPPED.set(1)
        if time.monotonic() >= self._say_at:
            log.critical("no order is stored until the clocks agree", reason=str(untrusted))
            self._say_at = time.monotonic() + _REMIND_SECONDS
