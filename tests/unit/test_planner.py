"""What a policy makes of stored dates: what has passed stays, senders' dates stay, twice is once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.dates import lifecycle_dates
from records.lifecycle import Decision, as_seen, decide
from records.planner import MOVED, Fate, Planner
from records.policy import DateRules, GdprPolicy
from tests.policy_plans import (
    NOW,
    PLANNERS,
    POLICIES,
    RULES,
    TIMES,
    WRITTEN,
    Record,
    applied,
    odd_records,
    records,
)

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
CREATED = datetime(2028, 2, 28, 12, 0, 0, 127_000, tzinfo=UTC)


def record(cleanup: datetime, deletion: datetime, **changed: Any) -> dict[str, Any]:
    return {
        "created": CREATED,
        "orderRecordDate": CREATED,
        "lastModified": CREATED,
        "anonymized": False,
        "version": 1,
        "policyVersion": 0,
        "datesBy": "policy",
        "gdprCleanupDate": cleanup,
        "deletionDate": deletion,
        **changed,
    }


@given(PLANNERS, records())
def test_what_has_passed_is_never_undone(planner: Planner, found: Record) -> None:
    before, after = decide(found, planner.cutoff), decide(applied(planner, found, NOW), planner.cutoff)

    if before is Decision.DELETE:
        assert after is Decision.DELETE
    if before is Decision.ANONYMIZE:
        assert after in {Decision.ANONYMIZE, Decision.DELETE}


@given(PLANNERS, records())
def test_a_clean_up_that_has_passed_keeps_its_date_and_a_deletion_that_has_passed_everything(
    planner: Planner, found: Record
) -> None:
    left = applied(planner, found, NOW)

    if found["anonymized"] or found["gdprCleanupDate"] <= planner.cutoff:
        assert left["gdprCleanupDate"] == found["gdprCleanupDate"]
    if found["deletionDate"] <= planner.cutoff:
        assert left == found


@given(PLANNERS, records(dates_by=("sender",)))
def test_what_a_sender_has_set_is_never_touched(planner: Planner, found: Record) -> None:
    assert planner.plan(found).fate is Fate.SENDER
    assert applied(planner, found, NOW) == found


@given(POLICIES, RULES, records(dates_by=("policy",)))
def test_a_record_that_has_not_passed_gets_the_dates_of_one_that_is_stored_now(
    policy: GdprPolicy, rules: DateRules, found: Record
) -> None:
    found = {**found, "anonymized": False, "policyVersion": 0}
    order: Any = {"orderRecordDate": found["orderRecordDate"]}

    fresh = lifecycle_dates(order, found["created"], policy, rules)

    assert Planner(policy, rules, NOW - 500 * DAY).plan(found).dates == tuple(
        date.replace(microsecond=date.microsecond // 1000 * 1000)  # as BSON stores it
        for date in (fresh.gdpr_cleanup_date, fresh.deletion_date)
    )


@given(PLANNERS, records())
def test_recomputing_twice_is_recomputing_once(planner: Planner, found: Record) -> None:
    once = applied(planner, found, NOW)

    assert applied(planner, once, NOW + DAY) == once


@given(POLICIES, RULES.filter(lambda rules: rules.day != timedelta(seconds=1.0007)), records(), TIMES)
def test_the_same_policy_again_moves_nothing(
    policy: GdprPolicy, rules: DateRules, found: Record, cutoff: datetime
) -> None:
    planner = Planner(policy, rules, cutoff)
    once = applied(planner, found, NOW)
    again = Planner(replace(policy, version=policy.version + 1), rules, cutoff + 400 * DAY)

    if planner.plan(found).fate in WRITTEN:
        assert again.plan(once).fate in {Fate.UNCHANGED, Fate.PAST}


@given(PLANNERS, records())
def test_only_a_record_that_moves_counts_as_changed(planner: Planner, found: Record) -> None:
    left, fate = applied(planner, found, NOW), planner.plan(found).fate

    assert (left["version"] - found["version"], left["lastModified"] == NOW or fate not in MOVED) == (
        int(fate in MOVED),
        True,
    )
    dates = ("gdprCleanupDate", "deletionDate")
    assert (fate in MOVED) == any(left[name] != found[name] for name in dates)
    assert left["deletionDate"] >= left["gdprCleanupDate"]


@given(PLANNERS, records())
def test_due_at_once_is_what_comes_to_be_due_by_the_move(planner: Planner, found: Record) -> None:
    left, plan = applied(planner, found, NOW), planner.plan(found)

    comes_due = decide(left, planner.cutoff) is not decide(found, planner.cutoff)
    assert plan.at_once == comes_due
    assert not plan.at_once or plan.fate is Fate.EARLIER


@given(PLANNERS, odd_records())
def test_a_record_that_somebody_has_broken_is_left_alone_and_stops_nothing(
    planner: Planner, found: dict[str, Any]
) -> None:
    plan = planner.plan(found)

    if not isinstance(found.get("created"), datetime):
        assert plan.fate in {Fate.MALFORMED, Fate.SENDER}
    assert (plan.dates is None) == (plan.fate not in WRITTEN)


@pytest.mark.parametrize(
    ("retention", "deletion", "cleanup", "fate", "at_once"),
    [
        (30, 180, CREATED + 30 * DAY, Fate.UNCHANGED, False),
        (29, 180, CREATED + 30 * DAY, Fate.EARLIER, False),
        (31, 180, CREATED + 30 * DAY, Fate.LATER, False),
        (30, 179, CREATED + 30 * DAY, Fate.EARLIER, False),
        (29, 300, CREATED + 30 * DAY, Fate.EARLIER, False),
        (31, 100, CREATED + 30 * DAY, Fate.EARLIER, False),
        (1, 180, CREATED + 30 * DAY, Fate.EARLIER, True),
    ],
)
def test_earlier_means_that_one_of_the_dates_is(
    retention: int, deletion: int, cleanup: datetime, fate: Fate, *, at_once: bool
) -> None:
    planner = Planner(GdprPolicy(retention, deletion, version=1), DateRules(), CREATED + 10 * DAY)
    plan = planner.plan(record(cleanup, cleanup + 180 * DAY))

    assert (plan.fate, plan.at_once) == (fate, at_once)


def test_a_day_is_24_hours_also_over_a_leap_day() -> None:
    planner = Planner(GdprPolicy(2, 366, version=1), DateRules(), CREATED)
    plan = planner.plan(record(CREATED + 30 * DAY, CREATED + 210 * DAY))

    assert plan.dates == (CREATED + 48 * HOUR, CREATED + 368 * 24 * HOUR)
    assert plan.dates[0] == datetime(2028, 3, 1, 12, 0, 0, 127_000, tzinfo=UTC)


def test_the_base_may_be_the_earlier_of_order_and_creation() -> None:
    found = record(CREATED + 30 * DAY, CREATED + 210 * DAY, orderRecordDate=CREATED - 10 * DAY)
    policy = GdprPolicy(30, 180, version=1)

    plan = Planner(policy, DateRules(base="orderRecordDate"), CREATED).plan(found)
    late = {**found, "orderRecordDate": CREATED + DAY}

    assert plan.dates == (CREATED + 20 * DAY, CREATED + 200 * DAY)
    assert Planner(policy, DateRules(base="orderRecordDate"), CREATED).plan(late).fate is Fate.UNCHANGED


@given(st.integers(-1, 1))
def test_to_the_millisecond_of_the_cutoff_it_has_passed(beside: int) -> None:
    cleanup = CREATED + 30 * DAY
    cutoff = cleanup + timedelta(milliseconds=beside)
    plan = Planner(GdprPolicy(60, 180, version=1), DateRules(), cutoff).plan(
        record(cleanup, cleanup + 180 * DAY)
    )

    assert plan.fate is (Fate.LATER if beside < 0 else Fate.UNCHANGED)


def test_a_reader_who_saw_nobody_sees_nobody_afterwards() -> None:
    found = record(NOW - HOUR, NOW + 180 * DAY, consumer={"email": "e@example.com"}, lineItems=[])
    longer = Planner(GdprPolicy(400, 400, version=1), DateRules(), NOW)

    for left in (found, applied(longer, found, NOW)):
        seen = as_seen(left, NOW)
        assert seen is not None
        assert "email" not in seen["consumer"]
