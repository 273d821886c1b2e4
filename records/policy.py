"""The retention policy: how long a person stays in a record, and how long the record stays."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Literal

Base = Literal["created", "orderRecordDate"]

DEFAULT_RETENTION_DAYS: Final = 30
DEFAULT_DELETION_DAYS: Final = 180
MAX_POLICY_DAYS: Final = 36_500
"""A century: more is a typing error, and dates beyond the year 9999 cannot be stored."""


@dataclass(frozen=True)
class GdprPolicy:
    """The contract's GdprConfiguration: days until anonymization, then days until deletion.

    The default, which nobody has stored, has no dates of its own.
    """

    retention_time: int = DEFAULT_RETENTION_DAYS
    deletion_time_after_retention: int = DEFAULT_DELETION_DAYS
    actor_anonymization: bool = True
    version: int = 0
    created: datetime | None = field(default=None, compare=False)
    last_modified: datetime | None = field(default=None, compare=False)

    def changed_to(self, wanted: "GdprPolicy") -> "GdprPolicy":
        """What a change to this content makes of this policy; equal content changes nothing (api rule 8)."""
        same = replace(wanted, version=self.version) == self
        return self if same else replace(wanted, version=self.version + 1)


@dataclass(frozen=True)
class DateRules:
    """What a deployment decides once about dates: the base, how long a day is, what is too far."""

    base: Base = "created"
    day: timedelta = timedelta(days=1)
    max_event_age: timedelta = timedelta(days=365)
    max_ahead: timedelta = timedelta(days=3650)

    @classmethod
    def of(cls, *, base: Base, day_seconds: float, max_event_age_days: int, max_days: int) -> "DateRules":
        """The rules from plain numbers, as the settings hold them."""
        return cls(
            base=base,
            day=timedelta(seconds=day_seconds),
            max_event_age=timedelta(days=max_event_age_days),
            max_ahead=timedelta(days=max_days),
        )

    def days(self, count: int) -> timedelta:
        """So many policy days; only a demo or a test has days shorter than 24 h."""
        return self.day * count

    def too_old(self, created: datetime, now: datetime) -> bool:
        """Whether an event is older than the erasure ledger can vouch for (design section 5)."""
        return now - created > self.max_event_age


def policy_numbers(policy: GdprPolicy, rules: DateRules) -> dict[str, str | int]:
    """The numbers that the policy document states; part of its digest, so members are only ever added."""
    return {
        "base": rules.base,
        "daySeconds": str(rules.day.total_seconds()),
        "deletionTimeAfterRetention": policy.deletion_time_after_retention,
        "retentionTime": policy.retention_time,
    }
