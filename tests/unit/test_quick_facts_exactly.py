"""The quick pattern says of a value what the models say: byte by byte, date by date, number by number."""

import re
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.event_values import MAX_COUNT, MAX_LONG
from audit.quick_facts import Erasures, Facts, NotAnEvent, Run, model_facts
from tests.trails import LOG, Trail

_MEMBERS: Final = ("n", "position", "size", "policyVersion", "versionAfter", "versionBefore")
_QUICK_TO: Final = 10**15
_TWO: Final = st.integers(0, 99)


def erasure(n: int) -> bytes:
    """Of an odd number an anonymized record, of an even one a deleted record."""
    trail = Trail()
    trail.erase(n, 1)
    return trail.events[0].value or b""


VALUES: Final = (erasure(1), erasure(2))


def quick(value: bytes) -> Facts | None:
    """None where it is left to the models."""
    [found] = Erasures(LOG).runs([value])
    if not isinstance(found, Run):
        return None
    return Facts(found.ids[0], found.type, (found.n, found.positions[0], found.size))


def by_model(value: bytes) -> Facts | None:
    try:
        return model_facts(value, LOG)
    except NotAnEvent:
        return None


@pytest.mark.parametrize("value", VALUES, ids=["anonymized", "deleted"])
def test_no_byte_can_be_another_where_the_models_would_notice(value: bytes) -> None:
    for at in range(len(value)):
        for put in (b"\xff", b".", b"0", b"9", b"a", b"", b"\\", b"\n"):
            changed = value[:at] + put + value[at + 1 :]
            found = quick(changed)
            assert found is None or found == by_model(changed), (at, put)


TIMES: Final = st.tuples(
    st.one_of(st.integers(0, 9999), st.sampled_from([0, 4, 1900, 2000, 2024, 2100, 9999])),
    st.one_of(st.integers(0, 14), _TWO),
    st.one_of(st.integers(27, 32), _TWO),
    st.one_of(st.integers(0, 25), _TWO),
    _TWO,
    st.one_of(st.integers(58, 61), _TWO),
)


@settings(max_examples=500)
@given(st.sampled_from(VALUES), st.sampled_from([b"due", b"time"]), TIMES)
def test_a_time_is_one_for_both_or_for_neither(
    value: bytes, name: bytes, parts: tuple[int, int, int, int, int, int]
) -> None:
    time = b"%04d-%02d-%02dT%02d:%02d:%02d.000Z" % parts
    changed = re.sub(rb'"%b":"[^"]*"' % name, b'"%b":"%b"' % (name, time), value)
    assert quick(changed) == by_model(changed)


@pytest.mark.parametrize("value", VALUES, ids=["anonymized", "deleted"])
def test_every_day_of_some_years_is_one_for_both_or_for_neither(value: bytes) -> None:
    for year in (0, 4, 1900, 2000, 2023, 2024):
        for month in range(14):
            for day in (0, 1, 9, 10, 19, 28, 29, 30, 31, 32, 40):
                time = b'"time":"%04d-%02d-%02dT00:00:00.000Z"' % (year, month, day)
                changed = re.sub(rb'"time":"[^"]*"', time, value)
                assert quick(changed) == by_model(changed), time


@settings(max_examples=500)
@given(
    st.sampled_from(VALUES),
    st.sampled_from(_MEMBERS),
    st.one_of(
        st.integers(-1, 3),
        st.integers(0, 2**70),
        st.sampled_from([_QUICK_TO - 1, _QUICK_TO, MAX_COUNT, MAX_COUNT + 1, 2**63, 10**20]),
    ),
)
def test_a_number_is_one_for_both_or_for_neither(value: bytes, name: str, number: int) -> None:
    changed = re.sub(rb'"%b":\d+' % name.encode(), b'"%b":%d' % (name.encode(), number), value)
    found, expected = quick(changed), by_model(changed)
    assert found == (expected if number < _QUICK_TO or changed == value else None)
    most = MAX_LONG if name.startswith("version") else MAX_COUNT
    assert expected is None or number <= most or changed == value
