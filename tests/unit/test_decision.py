"""What is due for a record: never early, in order, and the same for sweeps and reads."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from records.dates import lifecycle_dates
from records.lifecycle import Decision, as_seen, decide
from records.mask import mask
from records.policy import MAX_POLICY_DAYS, DateRules, GdprPolicy
from tests.strategies import INSTANTS, stored_records
from worker.clock import Clock, ClockStopped

Record = dict[str, Any]
TICK = timedelta(milliseconds=1)
SKEW = timedelta(minutes=2)
SPANS = st.timedeltas(timedelta(0), timedelta(days=9000))
RANK = {Decision.KEEP: 0, Decision.ANONYMIZE: 1, Decision.DELETE: 2}


@st.composite
def _records(draw: st.DrawFn) -> Record:
    """The members that the decision is made of, the clean-up before the deletion as dates always are."""
    cleanup = draw(INSTANTS)
    later = draw(SPANS) // TICK * TICK
    anonymized: bool = draw(st.booleans())
    return {"anonymized": anonymized, "gdprCleanupDate": cleanup, "deletionDate": cleanup + later}


RECORDS = _records()


@given(RECORDS, SPANS)
def test_no_record_is_touched_before_its_date(record: Record, before: timedelta) -> None:
    at_most = record["deletionDate" if record["anonymized"] else "gdprCleanupDate"]

    assert decide(record, at_most - TICK - before) is Decision.KEEP


@given(
    INSTANTS,
    st.integers(1, MAX_POLICY_DAYS),
    st.integers(1, MAX_POLICY_DAYS),
    st.floats(0.001, 86_400),
    st.floats(0, 2, exclude_max=True),
)
def test_no_policy_and_no_length_of_a_day_brings_a_record_down_early(
    created: datetime, retention: int, deletion: int, day_seconds: float, share: float
) -> None:
    policy = GdprPolicy(retention_time=retention, deletion_time_after_retention=deletion)
    rules = DateRules.of(base="created", day_seconds=day_seconds, max_event_age_days=1, max_days=1)
    order: Any = {"orderRecordDate": created}
    dates = lifecycle_dates(order, created, policy, rules)
    record = {"gdprCleanupDate": dates.gdpr_cleanup_date, "deletionDate": dates.deletion_date}

    alive = timedelta(seconds=day_seconds) * retention
    decided = decide(record | {"anonymized": False}, created + alive * share)

    whole = alive + timedelta(seconds=day_seconds) * deletion
    assert (decided is Decision.KEEP) == (alive * share < alive)
    assert (decided is Decision.DELETE) == (alive * share >= whole)


@given(RECORDS)
def test_due_is_the_very_millisecond_of_the_date(record: Record) -> None:
    fresh = {"anonymized": False, **{k: v for k, v in record.items() if k != "anonymized"}}
    same_moment = record["gdprCleanupDate"] == record["deletionDate"]

    assert decide(fresh, record["gdprCleanupDate"]) is (
        Decision.DELETE if same_moment else Decision.ANONYMIZE
    )
    assert decide(fresh, record["deletionDate"]) is Decision.DELETE
    assert decide(fresh, record["deletionDate"] - TICK) is not Decision.DELETE


@given(RECORDS, INSTANTS)
def test_past_its_deletion_date_a_record_goes_whether_anonymized_or_not(
    record: Record, cutoff: datetime
) -> None:
    for anonymized in (True, False):
        decided = decide({**record, "anonymized": anonymized}, max(cutoff, record["deletionDate"]))
        assert decided is Decision.DELETE


@given(RECORDS, st.lists(INSTANTS, min_size=2, max_size=6))
def test_as_time_passes_a_decision_only_goes_from_keep_to_anonymize_to_delete(
    record: Record, cutoffs: list[datetime]
) -> None:
    ranks = [RANK[decide(record, cutoff)] for cutoff in sorted(cutoffs)]

    assert ranks == sorted(ranks)


@given(RECORDS, INSTANTS)
def test_what_was_anonymized_is_never_anonymized_again(record: Record, cutoff: datetime) -> None:
    assert decide({**record, "anonymized": True}, cutoff) is not Decision.ANONYMIZE


@given(stored_records(), INSTANTS)
def test_a_reader_sees_at_once_what_the_sweep_will_leave(record: Record, now: datetime) -> None:
    expected = {Decision.KEEP: record, Decision.ANONYMIZE: mask(record), Decision.DELETE: None}

    assert as_seen(record, now) == expected[decide(record, now)]


@given(stored_records(), INSTANTS, st.timedeltas(-SKEW, SKEW), st.timedeltas(-SKEW, timedelta(0)))
def test_no_clock_that_is_wrong_brings_a_record_down_early_while_the_other_is_not_ahead(
    record: Record, true_time: datetime, wrong: timedelta, behind: timedelta
) -> None:
    """Either of the two may be the one that is wrong, by any amount and in either direction."""
    for wall, mongo in ((true_time + wrong, true_time + behind), (true_time + behind, true_time + wrong)):
        try:
            decided = decide(record, cutoff_of(wall, mongo))
        except ClockStopped:
            continue
        assert RANK[decided] <= RANK[decide(record, true_time)]


def cutoff_of(wall: datetime, mongo: datetime) -> datetime:
    return Clock(lambda: wall, lambda: timedelta(hours=1)).cutoff(mongo)
