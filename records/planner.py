"""What a policy makes of the dates of a record that is there: the pure decision behind preview and recompute.

What has passed stays: readers have seen it masked, and "expired is invisible" is never undone. Whoever
set dates of his own keeps them (docs/decisions/recompute.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from records.policy import DateRules, GdprPolicy

BY_POLICY: Final = "policy"
BY_SENDER: Final = "sender"
_MILLISECOND: Final = timedelta(milliseconds=1)


class Fate(StrEnum):
    """What becomes of a record's dates; the values are the names by which they are counted everywhere."""

    SENDER = "bySender"
    """Its sender has set them: they are never touched."""
    CURRENT = "current"
    """They are by this policy already, or by a later one."""
    MALFORMED = "malformed"
    """They are no dates that anybody can count with; only a hand on the database can have done that."""
    PAST = "dueForDeletion"
    """The deletion is due already: nothing is changed any more."""
    UNCHANGED = "unchanged"
    """They come out equal; only the policy's version is noted."""
    EARLIER = "movedEarlier"
    """The clean-up or the deletion moves to an earlier time."""
    LATER = "movedLater"
    """One of them moves to a later time, and none to an earlier one."""


MOVED: Final = frozenset({Fate.EARLIER, Fate.LATER})


@dataclass(frozen=True)
class Plan:
    """What becomes of one record; `at_once`: by the move one of its dates comes to be due."""

    fate: Fate
    dates: tuple[datetime, datetime] | None = None
    """Its clean-up and its deletion then; None where nothing is written."""
    at_once: bool = False


@dataclass(frozen=True)
class Planner:
    """A policy to apply, and the time (UTC, milliseconds) up to which a date counts as passed."""

    policy: GdprPolicy
    rules: DateRules
    cutoff: datetime

    @property
    def until_cleanup(self) -> timedelta:
        """From the base to the clean-up, in whole milliseconds as dates are stored."""
        return _cut(self.rules.days(self.policy.retention_time))

    @property
    def until_deletion(self) -> timedelta:
        """From the base to the deletion."""
        policy = self.policy
        return _cut(self.rules.days(policy.retention_time + policy.deletion_time_after_retention))

    @property
    def from_cleanup(self) -> timedelta:
        """From a clean-up that has passed to the deletion (the contract: days since anonymization)."""
        return _cut(self.rules.days(self.policy.deletion_time_after_retention))

    @property
    def dates(self) -> tuple[str, ...]:
        """The members that have to be dates."""
        base = () if self.rules.base == "created" else (self.rules.base,)
        return ("created", "gdprCleanupDate", "deletionDate", *base)

    def plan(self, record: Mapping[str, Any]) -> Plan:
        """What becomes of a stored record."""
        if fate := self._kept(record):
            return Plan(fate)
        before = (record["gdprCleanupDate"], record["deletionDate"])
        passed = record.get("anonymized") is True or before[0] <= self.cutoff
        after = self._after(record, passed=passed)
        fate = _fate(before, after)
        due = after[1] <= self.cutoff or (not passed and after[0] <= self.cutoff)
        return Plan(fate, after, at_once=fate in MOVED and due)

    def _kept(self, record: Mapping[str, Any]) -> Fate | None:
        """Why nothing is changed, if nothing is."""
        if record.get("datesBy") != BY_POLICY:
            return Fate.SENDER
        if not self._sound(record):
            return Fate.MALFORMED
        if record["policyVersion"] >= self.policy.version:
            return Fate.CURRENT
        return Fate.PAST if record["deletionDate"] <= self.cutoff else None

    def _sound(self, record: Mapping[str, Any]) -> bool:
        numbers = (record.get("version"), record.get("policyVersion"))
        return all(isinstance(record.get(name), datetime) for name in self.dates) and all(
            isinstance(number, int | float) and not isinstance(number, bool) for number in numbers
        )

    def _after(self, record: Mapping[str, Any], *, passed: bool) -> tuple[datetime, datetime]:
        if passed:
            cleanup: datetime = record["gdprCleanupDate"]
            return cleanup, cleanup + self.from_cleanup
        base = min(record["created"], record[self.rules.base])
        return base + self.until_cleanup, base + self.until_deletion


def _fate(before: tuple[datetime, datetime], after: tuple[datetime, datetime]) -> Fate:
    if after == before:
        return Fate.UNCHANGED
    return Fate.EARLIER if any(a < b for a, b in zip(after, before, strict=True)) else Fate.LATER


def _cut(duration: timedelta) -> timedelta:
    return duration // _MILLISECOND * _MILLISECOND
