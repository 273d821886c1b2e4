"""The time by which events are judged: this machine's, as long as MongoDB's agrees."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from records.clock import MAX_DIFFERENCE, require_agreement
from records.mongo.client import Database
from records.mongo.errors import translated

_CHECK_SECONDS: Final = 5.0


async def mongo_time(database: Database) -> datetime:
    """MongoDB's time in UTC. Raises StoreUnavailable."""
    with translated():
        hello = await database.client.admin.command("hello")
    now: datetime = hello["localTime"]
    return now.replace(tzinfo=UTC)  # commands know nothing of the client's `tz_aware`


def _wall() -> datetime:
    return datetime.now(UTC)


class CheckedClock:
    """The machine's clock, compared with MongoDB's every five seconds and after each leap."""

    def __init__(self, database: Database, wall: Callable[[], datetime] = _wall) -> None:
        self._database = database
        self._wall = wall
        self._checked: tuple[datetime, float] | None = None

    async def now(self) -> datetime:
        """The time in UTC, cut to milliseconds. Raises ClockUntrusted, StoreUnavailable."""
        if not self._still_right():
            self._checked = None
            before = self._wall()
            mongo = await mongo_time(self._database)
            require_agreement(before, mongo, self._wall())
            self._checked = self._wall(), time.monotonic()
        now = self._wall()
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def _still_right(self) -> bool:
        if self._checked is None:
            return False
        wall, monotonic = self._checked
        passed = time.monotonic() - monotonic
        leap = abs(self._wall() - wall - timedelta(seconds=passed))
        return passed <= _CHECK_SECONDS and leap <= MAX_DIFFERENCE
