"""Durations in filters follow the calendar, and none that is taken leaves it."""

from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.durations import parse_duration
from records.search import parse_search
from records.search_faults import SearchFaults

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)


def faults(text: str) -> list[str]:
    try:
        parse_search(orjson.dumps({"query": {"deletionDate": {"before": text}}}))
    except SearchFaults as refused:
        return [place for place, _ in refused.faults]
    return []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("P1D", datetime(2026, 4, 1, 12, tzinfo=UTC)),
        ("-P1D", datetime(2026, 3, 30, 12, tzinfo=UTC)),
        ("\u2013P1W", datetime(2026, 3, 24, 12, tzinfo=UTC)),
        ("\u2212P1M", datetime(2026, 2, 28, 12, tzinfo=UTC)),
        ("P1Y11M", datetime(2028, 2, 29, 12, tzinfo=UTC)),
        ("-PT36H30M1S", datetime(2026, 3, 29, 23, 29, 59, tzinfo=UTC)),
        ("P0D", NOW),
        ("P1000Y", datetime(3026, 3, 31, 12, tzinfo=UTC)),
    ],
)
def test_durations_move_now_by_the_calendar(text: str, expected: datetime) -> None:
    assert parse_duration(text).added_to(NOW) == expected


NO_DURATIONS = [
    *("", "P", "PT", "-P", "1D", "P1", "P1DT", "p1d", "P1.5D", "P-1D", "--P1D", " P1D", "P1D\n"),
    *("P\u0661D", "P1001Y", "P9999999999Y", "-P999999999999999999M", "P99999999W", "PT9999999999999S"),
    "P" + "1" * 300 + "D",
]


@pytest.mark.parametrize("text", NO_DURATIONS, ids=range(len(NO_DURATIONS)))
def test_what_is_no_duration_or_leaves_the_calendar_is_a_fault(text: str) -> None:
    assert faults(text) == ["/query/deletionDate/before"]


@given(text=st.from_regex(r"-?P([0-9]{1,4}Y)?([0-9]{1,6}M)?([0-9]{1,9}W)?([0-9]{1,12}D)?", fullmatch=True))
def test_no_duration_that_is_taken_overflows(text: str) -> None:
    if not faults(text):
        assert 1000 <= parse_duration(text).added_to(NOW).year <= 3100
