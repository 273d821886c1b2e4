"""Records, policies and times for tests of the planner; dates lie close together, in any order."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from records.planner import MOVED, Fate, Planner
from records.policy import DateRules, GdprPolicy

Record = Mapping[str, Any]

NOW: Final = datetime(2028, 2, 29, 23, 59, 59, 999_000, tzinfo=UTC)
_DAY: Final = timedelta(days=1)
_MILLISECOND: Final = timedelta(milliseconds=1)
TIMES: Final = st.builds(
    lambda days, beside: NOW + days * _DAY + beside * _MILLISECOND,
    st.sampled_from([0, 0, -1, 1, -2, 2, 5]) | st.integers(-400, 400),
    st.sampled_from([0, 0, 0, -1, 1]),
)
"""Often the same, or a millisecond beside it, so that every "earlier or equal" is tried with equal ones."""

_DAYS: Final = st.integers(1, 5) | st.integers(1, 400)
POLICIES: Final = st.builds(GdprPolicy, _DAYS, _DAYS, version=st.integers(3, 5))
RULES: Final = st.builds(
    DateRules,
    base=st.sampled_from(["created", "orderRecordDate"]),
    day=st.sampled_from([timedelta(days=1), timedelta(seconds=1), timedelta(seconds=1.0007)]),
)
PLANNERS: Final = st.builds(Planner, POLICIES, RULES, st.just(NOW) | TIMES)


def records(*, dates_by: tuple[str, ...] = ("policy", "policy", "sender")) -> SearchStrategy[dict[str, Any]]:
    """Records as they are stored: the deletion is never before the clean-up."""

    def made(times: list[datetime], **members: Any) -> dict[str, Any]:
        cleanup, deletion = sorted(times)
        return {**members, "gdprCleanupDate": cleanup, "deletionDate": deletion}

    return st.builds(
        made,
        st.lists(TIMES, min_size=2, max_size=2),
        created=TIMES,
        orderRecordDate=TIMES,
        lastModified=TIMES,
        anonymized=st.sampled_from([False, False, True]),
        version=st.integers(1, 4),
        policyVersion=st.integers(0, 5),
        datesBy=st.sampled_from(dates_by),
    )


ODD: Final[SearchStrategy[Any]] = st.sampled_from([None, "policy", "2026-11-23", True, 7, {}, [], {"$gt": 0}])


@st.composite
def odd_records(draw: st.DrawFn) -> dict[str, Any]:
    """Records in which somebody has changed members by hand, or removed them."""
    record = draw(records())
    for name in draw(st.sets(st.sampled_from(sorted(record)), max_size=2)):
        if draw(st.booleans()):
            del record[name]
        else:
            record[name] = draw(ODD)
    return record


def applied(planner: Planner, record: Record, now: datetime) -> Record:
    """The record as recomputing is to leave it at this time, by the plan."""
    plan = planner.plan(record)
    if plan.dates is None:
        return record
    moved = {"version": record["version"] + 1, "lastModified": now} if plan.fate in MOVED else {}
    cleanup, deletion = plan.dates
    dates = {"gdprCleanupDate": cleanup, "deletionDate": deletion, "policyVersion": planner.policy.version}
    return {**record, **dates, **moved}


WRITTEN: Final = MOVED | {Fate.UNCHANGED}
