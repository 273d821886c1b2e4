"""When a record is due: exact to the millisecond, in UTC, where a day is always 24 hours."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from records.payload import OrderPayload
from records.policy import DateRules, GdprPolicy
from records.reasons import Reason, Refused

_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class LifecycleDates:
    """The two dates of a record, and who set them."""

    gdpr_cleanup_date: datetime
    deletion_date: datetime
    dates_by: Literal["policy", "sender"]


def lifecycle_dates(
    order: OrderPayload, created: datetime, policy: GdprPolicy, rules: DateRules
) -> LifecycleDates:
    """The dates of an order that was created at this time (UTC, milliseconds).

    A sender's date wins; where one is given the other is computed from it. Raises Refused
    (INVALID_RETENTION) for a clean-up after the deletion, or a date too far ahead.
    Source: design section 4 and 5, api rules 22 and 23.
    """
    cleanup, deletion = order.get("gdprCleanupDate"), order.get("deletionDate")
    _check_reach(order, created, rules)
    until_deletion = rules.days(policy.deletion_time_after_retention)
    if cleanup is None and deletion is None:
        cleanup = _base(order, created, rules) + rules.days(policy.retention_time)
        return LifecycleDates(cleanup, cleanup + until_deletion, "policy")
    if cleanup is None:
        assert deletion is not None  # noqa: S101 - for the type checker: one of the two is given
        cleanup = deletion - min(until_deletion, deletion - _EARLIEST)
    if deletion is None:
        deletion = cleanup + until_deletion
    if cleanup > deletion:
        raise Refused(Reason.INVALID_RETENTION, "/gdprCleanupDate")
    return LifecycleDates(cleanup, deletion, "sender")


def _base(order: OrderPayload, created: datetime, rules: DateRules) -> datetime:
    return created if rules.base == "created" else min(order["orderRecordDate"], created)


def _check_reach(order: OrderPayload, created: datetime, rules: DateRules) -> None:
    latest = created + rules.max_ahead
    if order.get("gdprCleanupDate", latest) > latest:
        raise Refused(Reason.INVALID_RETENTION, "/gdprCleanupDate")
    if order.get("deletionDate", latest) > latest:
        raise Refused(Reason.INVALID_RETENTION, "/deletionDate")
