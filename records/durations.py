"""ISO 8601 durations as they stand in filters: relative to now, signed, and never beyond the calendar."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pydantic_core import PydanticCustomError

_MAX_DAYS: Final = 366_000
"""A thousand years to either side of now: farther dates help nobody, and some cannot be stored."""
_SECONDS_A_DAY: Final = 86_400
_DURATION: Final = re.compile(
    # The contract's own examples prefix an en dash; a typeset minus is as likely.
    r"(?P<sign>[-\u2013\u2212])?P(?=[0-9T])"
    r"(?:(?P<years>[0-9]+)Y)?(?:(?P<months>[0-9]+)M)?(?:(?P<weeks>[0-9]+)W)?(?:(?P<days>[0-9]+)D)?"
    r"(?:T(?=[0-9])(?:(?P<hours>[0-9]+)H)?(?:(?P<minutes>[0-9]+)M)?(?:(?P<seconds>[0-9]+)S)?)?"
)


@dataclass(frozen=True)
class Duration:
    """Calendar months, then an exact rest; both carry the sign."""

    months: int
    rest: timedelta

    def added_to(self, instant: datetime) -> datetime:
        """The instant moved by this much; the day is cut to the length of the month it lands in."""
        year, month = divmod(instant.year * 12 + instant.month - 1 + self.months, 12)
        day = min(instant.day, monthrange(year, month + 1)[1])
        return instant.replace(year=year, month=month + 1, day=day) + self.rest


def parse_duration(text: str) -> Duration:
    """A duration such as ``P1W`` or ``-P1DT12H``, of at most a thousand years.

    Raises PydanticCustomError.
    """
    found = _DURATION.fullmatch(text)
    if not found:
        raise PydanticCustomError("duration", "not an ISO 8601 duration such as -P1D or P1W")
    sign = -1 if found["sign"] else 1
    months = int(found["years"] or 0) * 12 + int(found["months"] or 0)
    seconds = _seconds(found)
    if months * 30.5 + seconds / _SECONDS_A_DAY > _MAX_DAYS:
        raise PydanticCustomError("duration", "a duration is at most 1,000 years")
    return Duration(sign * months, timedelta(seconds=sign * seconds))


def _seconds(found: re.Match[str]) -> int:
    weeks, days, hours, minutes, seconds = (
        int(found[unit] or 0) for unit in ("weeks", "days", "hours", "minutes", "seconds")
    )
    return (((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60 + seconds
