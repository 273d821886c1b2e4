"""A finding: what was looked at, how it is, and what to do about it."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final


class Level(StrEnum):
    """A problem is wrong now; a warning may be right for somebody who knows why."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


class Check(StrEnum):
    """Everything that is looked at, in the sequence of the report; docs/operator.md has a row for each."""

    ENABLED = "order records"
    SETTINGS = "settings"
    DAY = "length of a day"
    EVENT_AGE = "age of events"
    BOUND = "bound settings"
    ID_KEY = "id key"
    QUARANTINE_KEY = "quarantine key"
    AUDIT_SIGNING_KEY = "audit signing key"
    MONGODB = "mongodb"
    TRANSACTIONS = "transactions"
    CLOCKS = "clocks"
    MONGODB_LOG = "mongodb log"
    PROFILER = "profiler"
    INDEXES = "indexes"
    KAFKA = "kafka"
    ORDER_TOPIC = "order topic"
    ORDER_SIZE = "order topic size"
    ORDER_RETENTION = "order topic retention"
    AUDIT_TOPIC = "audit topic"
    AUDIT_RETENTION = "audit topic retention"
    CHECKPOINT_TOPIC = "checkpoint topic"
    CHECKPOINT_RETENTION = "checkpoint topic retention"
    GROUP = "consumer group"
    RESTORE = "restore"
    WORKER = "worker"
    OVERDUE = "overdue"
    OUTBOX = "outbox"
    QUARANTINE = "quarantine"


@dataclass(frozen=True)
class Finding:
    """`next` is one sentence for whatever is not ok."""

    level: Level
    check: Check
    seen: str
    next: str = ""


def ok(check: Check, seen: str) -> Finding:
    return Finding(Level.OK, check, seen)


def warning(check: Check, seen: str, then: str) -> Finding:
    return Finding(Level.WARNING, check, seen, then)


def problem(check: Check, seen: str, then: str) -> Finding:
    return Finding(Level.PROBLEM, check, seen, then)


_UNITS: Final = (
    (timedelta(days=1), "day"),
    (timedelta(hours=1), "hour"),
    (timedelta(minutes=1), "minute"),
    (timedelta(seconds=1), "second"),
)


def counted(number: int, one: str, several: str = "") -> str:
    """`1 day`, `2 days`."""
    return f"{number} {one if number == 1 else several or one + 's'}"


def span(time: timedelta) -> str:
    """A time in the largest unit of which there are two, cut: for people."""
    unit, name = next((each for each in _UNITS if time >= 2 * each[0]), _UNITS[-1])
    return counted(time // unit, name)
