"""Times as Kafka tells them: milliseconds since 1970, in UTC."""

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def milliseconds(instant: datetime) -> int:
    """The whole milliseconds since 1970; below 0 before."""
    return (instant - _EPOCH) // _MILLISECOND


def instant(since_epoch: int) -> datetime:
    """The time (UTC) so many milliseconds after 1970. Raises OverflowError beyond the calendar."""
    return _EPOCH + since_epoch * _MILLISECOND
