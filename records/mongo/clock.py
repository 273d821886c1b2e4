"""The time by which orders are judged: this machine's, as long as MongoDB's agrees."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
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


@dataclass(frozen=True)
class _Look:
    """MongoDB's time, and this machine's before and after it was asked for."""

    before: datetime
    asked: float  # monotonic seconds, as `before`
    mongo: datetime
    after: datetime

    def still_good(self, wall: datetime) -> bool:
        """Whether it is no older than five seconds, and no clock has leapt since."""
        passed = time.monotonic() - self.asked
        leap = abs(wall - self.before - timedelta(seconds=passed))
        return passed <= _CHECK_SECONDS and leap <= MAX_DIFFERENCE

    def mongo_now(self) -> datetime:
        """MongoDB's time by now, or ahead of it by no more than its answer took; never behind."""
        return self.mongo + timedelta(seconds=time.monotonic() - self.asked)


class CheckedClock:
    """The machine's clock, compared with MongoDB's every five seconds and after each leap.

    Callers at the same moment share one look at MongoDB's clock.
    """

    def __init__(self, database: Database, wall: Callable[[], datetime] = _wall) -> None:
        self._database = database
        self._wall = wall
        self._last: _Look | None = None
        self._looking = asyncio.Lock()

    async def now(self) -> datetime:
        """The time in UTC, cut to milliseconds. Raises ClockUntrusted, StoreUnavailable."""
        look = await self._look()
        require_agreement(look.before, look.mongo, look.after)
        return _cut(self._wall())

    async def latest(self) -> datetime:
        """The later of the two times in UTC, cut to milliseconds, however far they are apart.

        By it a record is never shown past its date: a clock that is behind the other cannot lengthen
        a life, and one that is ahead only hides what is still stored. Raises StoreUnavailable.
        """
        look = await self._look()
        return _cut(max(self._wall(), look.mongo_now()))

    async def _look(self) -> _Look:
        if (look := self._good_look()) is None:
            async with self._looking:
                look = self._good_look() or await self._new_look()
                self._last = look
        return look

    def _good_look(self) -> _Look | None:
        return self._last if self._last and self._last.still_good(self._wall()) else None

    async def _new_look(self) -> _Look:
        before, asked = self._wall(), time.monotonic()
        mongo = await mongo_time(self._database)
        return _Look(before, asked, mongo, self._wall())


def _cut(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
