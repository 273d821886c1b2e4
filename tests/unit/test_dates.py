"""When a record is due: exact, by the sender's wish or the policy's, and never by accident."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.dates import LifecycleDates, lifecycle_dates
from records.payload import OrderPayload
from records.policy import MAX_POLICY_DAYS, DateRules, GdprPolicy
from records.reasons import Reason, Refused
from records.scalars import parse_instant
from service.ingest import created_at
from tests.strategies import INSTANTS

RULES = DateRules()
DAY = timedelta(hours=24)
CREATED = datetime(2026, 11, 23, 10, 0, 0, 127_000, tzinfo=UTC)
POLICIES = st.builds(
    GdprPolicy,
    retention_time=st.integers(1, MAX_POLICY_DAYS),
    deletion_time_after_retention=st.integers(1, MAX_POLICY_DAYS),
)


def order(at: datetime = CREATED, **dates: datetime) -> OrderPayload:
    payload: Any = {"orderRecordDate": at, "facilityRef": "f", "lineItems": [], **dates}
    return payload  # type: ignore[no-any-return]


def refused(**dates: datetime) -> tuple[Reason, str]:
    with pytest.raises(Refused) as caught:
        lifecycle_dates(order(**dates), CREATED, GdprPolicy(), RULES)
    return caught.value.reason, caught.value.pointer


@given(INSTANTS, POLICIES)
def test_the_policys_dates_are_whole_days_after_creation_to_the_millisecond(
    created: datetime, policy: GdprPolicy
) -> None:
    dates = lifecycle_dates(order(), created, policy, RULES)

    assert dates.gdpr_cleanup_date - created == timedelta(hours=24 * policy.retention_time)
    waits = dates.deletion_date - dates.gdpr_cleanup_date
    assert waits == timedelta(hours=24 * policy.deletion_time_after_retention)
    assert dates.dates_by == "policy"
    assert dates.gdpr_cleanup_date.microsecond == created.microsecond


@pytest.mark.parametrize(
    ("created", "cleanup", "deletion"),
    [
        # The published sample of the contract's documentation (api rule 23).
        ("2025-02-04T07:19:35.329Z", "2025-03-06T07:19:35.329Z", "2025-09-02T07:19:35.329Z"),
        # Over 29 February.
        ("2028-02-28T23:59:59.999Z", "2028-03-29T23:59:59.999Z", "2028-09-25T23:59:59.999Z"),
        # Over the nights when clocks change, in March and in October.
        ("2026-03-01T00:30:00.000Z", "2026-03-31T00:30:00.000Z", "2026-09-27T00:30:00.000Z"),
        ("2026-10-01T01:30:00.000Z", "2026-10-31T01:30:00.000Z", "2027-04-29T01:30:00.000Z"),
    ],
)
def test_thirty_and_a_hundred_and_eighty_days_are_these_dates(
    created: str, cleanup: str, deletion: str
) -> None:
    expected = LifecycleDates(parse_instant(cleanup), parse_instant(deletion), "policy")

    assert lifecycle_dates(order(), parse_instant(created), GdprPolicy(), RULES) == expected


def test_a_day_in_which_clocks_are_set_has_24_hours_for_an_order_written_in_local_time() -> None:
    night = datetime(2026, 10, 24, 12, 0, tzinfo=ZoneInfo("Europe/Berlin"))
    created = parse_instant(night.isoformat())

    dates = lifecycle_dates(order(), created, GdprPolicy(retention_time=1), RULES)

    assert dates.gdpr_cleanup_date.astimezone(night.tzinfo).hour == 11


LOCAL = st.datetimes(
    datetime(1999, 12, 1),  # noqa: DTZ001 (the zone is the strategy's)
    datetime(2100, 3, 1),  # noqa: DTZ001
    timezones=st.timezones(),
    allow_imaginary=False,
)


@given(
    LOCAL,
    st.integers(1, 400),
)
def test_a_day_has_24_hours_in_every_zone_of_the_world_over_leap_days_and_changes_of_clocks(
    local: datetime, days: int
) -> None:
    created = parse_instant(local.isoformat(timespec="milliseconds"))

    dates = lifecycle_dates(order(), created, GdprPolicy(retention_time=days), RULES)

    assert dates.gdpr_cleanup_date - created == timedelta(hours=24 * days)
    assert dates.gdpr_cleanup_date.utcoffset() == timedelta(0)


@given(st.integers(0, 3650), st.integers(0, 3650))
def test_the_senders_two_dates_win_over_the_policy(cleanup: int, longer: int) -> None:
    first, last = CREATED + cleanup * DAY, CREATED + min(3650, cleanup + longer) * DAY

    dates = lifecycle_dates(order(gdprCleanupDate=first, deletionDate=last), CREATED, GdprPolicy(), RULES)

    assert dates == LifecycleDates(first, last, "sender")


@given(st.integers(-1000, 3650), POLICIES)
def test_from_the_senders_clean_up_the_policy_computes_the_deletion(days: int, policy: GdprPolicy) -> None:
    cleanup = CREATED + days * DAY

    dates = lifecycle_dates(order(gdprCleanupDate=cleanup), CREATED, policy, RULES)

    assert dates.gdpr_cleanup_date == cleanup
    assert dates.deletion_date == cleanup + policy.deletion_time_after_retention * DAY
    assert dates.dates_by == "sender"


@given(st.integers(-1000, 3650), POLICIES)
def test_from_the_senders_deletion_the_policy_computes_the_clean_up(days: int, policy: GdprPolicy) -> None:
    deletion = CREATED + days * DAY

    dates = lifecycle_dates(order(deletionDate=deletion), CREATED, policy, RULES)

    assert dates.deletion_date == deletion
    assert dates.gdpr_cleanup_date == deletion - policy.deletion_time_after_retention * DAY
    assert dates.dates_by == "sender"


def test_a_clean_up_after_the_deletion_is_refused_and_at_the_same_moment_is_not() -> None:
    moment = CREATED + DAY
    later = moment + timedelta(milliseconds=1)

    lifecycle_dates(order(gdprCleanupDate=moment, deletionDate=moment), CREATED, GdprPolicy(), RULES)

    assert refused(gdprCleanupDate=later, deletionDate=moment) == (
        Reason.INVALID_RETENTION,
        "/gdprCleanupDate",
    )


@pytest.mark.parametrize("name", ["gdprCleanupDate", "deletionDate"])
def test_the_latest_date_that_a_sender_may_ask_for_is_max_days_after_creation(name: str) -> None:
    latest = CREATED + 3650 * DAY

    lifecycle_dates(order(**{name: latest}), CREATED, GdprPolicy(), RULES)

    assert refused(**{name: latest + timedelta(milliseconds=1)}) == (Reason.INVALID_RETENTION, f"/{name}")


@given(st.datetimes(datetime.min, datetime(250, 1, 1)).map(lambda at: at.replace(tzinfo=UTC)), POLICIES)  # noqa: DTZ001, DTZ901 (UTC follows)
def test_no_date_of_long_ago_is_a_reason_to_stop_everybody_elses_orders(
    long_ago: datetime, policy: GdprPolicy
) -> None:
    for name in ("gdprCleanupDate", "deletionDate"):
        with suppress(Refused):  # an answer for that order alone
            lifecycle_dates(order(**{name: long_ago}), CREATED, policy, RULES)


@given(INSTANTS, INSTANTS)
def test_the_base_is_creation_or_the_orders_own_date_if_that_is_earlier(
    ordered: datetime, created: datetime
) -> None:
    by_created = lifecycle_dates(order(ordered), created, GdprPolicy(), RULES)
    by_order = lifecycle_dates(order(ordered), created, GdprPolicy(), DateRules(base="orderRecordDate"))

    assert by_created.gdpr_cleanup_date == created + 30 * DAY
    assert by_order.gdpr_cleanup_date == min(ordered, created) + 30 * DAY


@given(st.integers(1, 86_400), POLICIES)
def test_a_shorter_day_scales_the_policys_two_numbers(seconds: int, policy: GdprPolicy) -> None:
    short = rules_with_days_of(seconds)

    dates = lifecycle_dates(order(), CREATED, policy, short)

    assert dates.gdpr_cleanup_date == CREATED + timedelta(seconds=seconds * policy.retention_time)
    waits = dates.deletion_date - dates.gdpr_cleanup_date
    assert waits == timedelta(seconds=seconds * policy.deletion_time_after_retention)


def test_a_shorter_day_scales_nothing_but_the_policy() -> None:
    short, latest = rules_with_days_of(1), CREATED + 3650 * DAY

    assert (
        lifecycle_dates(order(gdprCleanupDate=latest), CREATED, GdprPolicy(), short).gdpr_cleanup_date
        == latest
    )
    assert not short.too_old(CREATED, CREATED + 365 * DAY)
    assert short.too_old(CREATED, CREATED + 365 * DAY + timedelta(milliseconds=1))


def rules_with_days_of(seconds: float) -> DateRules:
    return DateRules.of(base="created", day_seconds=seconds, max_event_age_days=365, max_days=3650)


@pytest.mark.parametrize("timestamp", [-1, -(2**63), 1_795_428_000_128, 2**63 - 1])
def test_an_event_without_a_time_or_from_the_future_was_created_now(timestamp: int) -> None:
    assert created_at(timestamp, CREATED) == CREATED


@given(st.integers(0, 1_795_428_000_127))
def test_any_other_event_was_created_at_its_time_on_the_topic_whenever_it_is_read(timestamp: int) -> None:
    created = created_at(timestamp, CREATED)

    assert created == created_at(timestamp, CREATED + 100 * DAY)
    assert (created - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1) == timestamp
