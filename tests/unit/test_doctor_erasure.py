"""What `doctor` says of erasing on time."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from cli.diagnosis.asking import Unanswered, asked
from cli.diagnosis.erasure import judge_outbox, judge_overdue, judge_quarantine, judge_restore, judge_worker
from cli.diagnosis.finding import Level, span
from records.mongo.errors import StoreError, StoreUnavailable
from records.mongo.overdue import Overdue
from records.mongo.restored import Ahead, Service
from records.mongo.sweep import Action

NOW = datetime(2026, 5, 1, tzinfo=UTC)
LEADS, STOPPED = NOW + timedelta(seconds=10), datetime(1970, 1, 1, tzinfo=UTC)
INTERVAL = timedelta(seconds=5)
UNKNOWN = Unanswered("StoreUnavailable: deadline exceeded")


def ago(**time: float) -> datetime:
    return NOW - timedelta(**time)


@pytest.mark.parametrize(
    ("leads_until", "last_sweep", "interval", "level"),
    [
        (LEADS, ago(seconds=3), INTERVAL, Level.OK),
        (LEADS, ago(seconds=60), INTERVAL, Level.OK),
        (LEADS, ago(seconds=61), INTERVAL, Level.WARNING),
        (LEADS, ago(minutes=9), timedelta(minutes=1), Level.OK),
        (LEADS, None, INTERVAL, Level.WARNING),
        (STOPPED, ago(seconds=3), INTERVAL, Level.PROBLEM),
        (STOPPED, None, INTERVAL, Level.PROBLEM),
        (None, None, INTERVAL, Level.WARNING),
        (UNKNOWN, None, INTERVAL, Level.WARNING),
        (LEADS, UNKNOWN, INTERVAL, Level.WARNING),
    ],
)
def test_a_worker_must_lead_and_come_to_the_end_of_its_sweeps(
    leads_until: datetime | Unanswered | None,
    last_sweep: datetime | Unanswered | None,
    interval: timedelta,
    level: Level,
) -> None:
    assert judge_worker(leads_until, last_sweep, interval, NOW).level is level


AHEAD = Ahead("AHEAD", "audit", 9, 3, 7, 3)


@pytest.mark.parametrize(
    ("found", "level"),
    [
        (Service(None, None, None), Level.OK),
        (Service(ago(seconds=20), timedelta(seconds=20), None), Level.OK),
        (Service(ago(minutes=60), timedelta(minutes=60), None), Level.OK),
        (Service(ago(minutes=61), timedelta(minutes=61), None), Level.WARNING),
        (Service(ago(seconds=20), timedelta(seconds=20), AHEAD), Level.PROBLEM),
        (UNKNOWN, Level.WARNING),
    ],
)
def test_a_database_that_its_trail_is_ahead_of_is_a_problem_and_one_out_of_service_a_warning(
    found: Service | Unanswered, level: Level
) -> None:
    assert judge_restore(found).level is level


def overdue(**figures: Overdue) -> dict[Action, Overdue]:
    return {action: figures.get(action.name, Overdue(0, None)) for action in Action}


def test_what_is_overdue_for_over_five_minutes_is_a_problem_with_its_number() -> None:
    late = overdue(DELETE=Overdue(7, ago(minutes=6)), ANONYMIZE=Overdue(2, ago(minutes=4)))
    young, old = judge_overdue(late, 0, NOW)

    assert (young.level, old.level) == (Level.OK, Level.PROBLEM)
    assert "7 to be deleted, the oldest for 6 minutes" in old.seen


def test_nothing_overdue_is_one_finding() -> None:
    (finding,) = judge_overdue(overdue(), 0, NOW)
    assert finding.level is Level.OK


def test_records_whose_erasure_failed_are_a_warning_beside_it() -> None:
    assert [each.level for each in judge_overdue(overdue(), 3, NOW)] == [Level.OK, Level.WARNING]
    assert [each.level for each in judge_overdue(UNKNOWN, UNKNOWN, NOW)] == [Level.WARNING]


@pytest.mark.parametrize(
    ("backlog", "level"),
    [
        ((0, None), Level.OK),
        ((1, ago(minutes=4)), Level.OK),
        ((1, ago(minutes=6)), Level.WARNING),
        (UNKNOWN, Level.WARNING),
    ],
)
def test_audit_events_that_wait_long_are_a_warning(
    backlog: tuple[int, datetime | None] | Unanswered, level: Level
) -> None:
    assert judge_outbox(backlog, NOW).level is level


def test_the_quarantine_is_told_by_reason() -> None:
    figures = {"CONFLICT": {"entries": 3, "sealed": 1}, "NOT_JSON": {"entries": 12, "sealed": 12}}
    finding = judge_quarantine(figures)
    assert (finding.level, finding.seen) == (Level.OK, "CONFLICT 3, NOT_JSON 12")
    assert judge_quarantine({}).seen == "empty"
    assert judge_quarantine(UNKNOWN).level is Level.WARNING


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (timedelta(), "0 seconds"),
        (timedelta(seconds=1), "1 second"),
        (timedelta(seconds=119), "119 seconds"),
        (timedelta(minutes=2), "2 minutes"),
        (timedelta(hours=47), "47 hours"),
        (timedelta(days=2, hours=5), "2 days"),
    ],
)
def test_times_are_told_in_the_unit_that_people_would_take(time: timedelta, text: str) -> None:
    assert span(time) == text


async def raising(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(
    ("error", "why", "refused"),
    [
        (StoreError("OperationFailure 13"), "StoreError: OperationFailure 13", True),
        (StoreUnavailable("AutoReconnect"), "StoreUnavailable: AutoReconnect", False),
        (KeyError("ada@example.com"), "KeyError", False),
    ],
)
async def test_a_question_that_fails_is_an_answer_that_quotes_nobody(
    error: Exception, why: str, *, refused: bool
) -> None:
    assert await asked(raising(error), 1) == Unanswered(why, refused)


async def test_a_question_without_an_answer_ends_by_itself() -> None:
    assert await asked(asyncio.sleep(60), 0.05) == Unanswered("no answer within 0.05 s")
