"""The quick pattern takes only what the closed models take, and says the same of it."""

import re
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.quick_facts import Erasures, Facts, NotAnEvent, model_facts
from audit.templates import expand

NAMES = ("order-records", 'a"b\\c/1')
NUMBERS = st.integers(0, 10**15 - 3)


@st.composite
def erasures(draw: st.DrawFn) -> tuple[str, bytes]:
    """A trail's name, and one event of it by the real templates."""
    name, kind = draw(st.sampled_from(NAMES)), draw(st.sampled_from(["anonymized", "deleted"]))
    time = draw(st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
    flags = draw(st.sampled_from([[], ["NEVER_ANONYMIZED"]]))
    record = str(uuid.UUID(int=draw(st.integers(0, 2**128 - 1))))
    entry: dict[str, Any] = {"_id": str(uuid.uuid4()), "kind": kind, "time": time, "template": 1}
    entry |= {"build": draw(st.sampled_from(["0.1.0", "1.4.2+a_b"])), "policyVersion": draw(NUMBERS)}
    entry |= {"policyDigest": "sha256:" + "0f" * 32, "n": draw(NUMBERS) + 1}
    entry["items"] = [[record, draw(NUMBERS) + 2, time, flags]]
    return name, expand(entry, name)[0].value


def erasure_entry(kind: str = "deleted") -> dict[str, Any]:
    time = datetime(2026, 11, 23, tzinfo=UTC)
    entry: dict[str, Any] = {
        "_id": str(uuid.uuid4()),
        "kind": kind,
        "time": time,
        "template": 1,
        "build": "1",
    }
    entry |= {"policyVersion": 3, "policyDigest": "sha256:" + "0f" * 32, "n": 1}
    return entry | {"items": [["6f1c0b0e-7a51-8c3e-9d41-2b7f6a0c9e55", 2, time, []]]}


def quick(name: str, *values: bytes | None) -> list[Facts | None]:
    """What the runs say of each value; None where it is left to the models."""
    found: list[Facts | None] = []
    for run in Erasures(name).runs(values):
        if isinstance(run, range):
            assert run.start == len(found)
            found += [None] * len(run)
            continue
        assert (run.begin, run.end) == (len(found), len(found) + len(run.ids))
        found += [
            Facts(identifier, run.type, (run.n, position, run.size))
            for identifier, position in zip(run.ids, run.positions, strict=True)
        ]
    return found


def by_model(name: str, value: bytes | None) -> Facts | None:
    try:
        return model_facts(value, name)
    except NotAnEvent:
        return None


@given(erasures())
def test_what_the_templates_make_is_taken_and_read_as_the_models_read_it(made: tuple[str, bytes]) -> None:
    name, value = made
    assert quick(name, value) == [model_facts(value, name)]


@settings(max_examples=400)
@given(erasures(), st.data())
def test_a_changed_byte_is_never_taken_where_the_models_refuse_it(
    made: tuple[str, bytes], data: st.DataObject
) -> None:
    name, value = made
    at = data.draw(st.integers(0, len(value)))
    put = data.draw(st.one_of(st.binary(max_size=2), st.sampled_from([b"0", b"9", b"Z", b'"', b"\n", b" "])))
    changed = value[:at] + put + value[at + data.draw(st.integers(0, 2)) :]
    [facts] = quick(name, changed)
    assert facts in {None, by_model(name, changed)}


@pytest.mark.parametrize("mark", ["versionAfter", "versionBefore", "n", "position", "size", "policyVersion"])
@pytest.mark.parametrize("number", ["-1", "00", "01", "1.0", "1e3", "0", "1", "2", "9" * 18, "9" * 30])
def test_odd_numbers_are_taken_only_where_the_models_take_them(mark: str, number: str) -> None:
    for kind in ("anonymized", "deleted"):
        value = expand(erasure_entry(kind), "a-log")[0].value
        changed = re.sub(rb'"' + mark.encode() + rb'":\d+', f'"{mark}":{number}'.encode(), value)
        [facts] = quick("a-log", changed)
        assert facts in {None, by_model("a-log", changed)}


def test_an_erasure_whose_subject_is_not_its_record_is_refused_by_both() -> None:
    value = expand(erasure_entry(), "a-log")[0].value
    changed = value.replace(b'"subject":"6f1c', b'"subject":"6f1d')
    assert quick("a-log", changed) == [None]
    with pytest.raises(NotAnEvent, match="has another subject than its record"):
        model_facts(changed, "a-log")


def test_an_event_of_another_trail_is_refused() -> None:
    assert quick("a-log", b"{}") == [None]
    with pytest.raises(NotAnEvent, match="does not keep the schema"):
        model_facts(b"{}", "a-log")


ODD = st.sampled_from([None, b"", b"\n", b"{}", b"{}\n", b"\n\n{", b"\r", b"\xff"])
"""Values beside which good ones must stay what they are."""


@given(st.lists(st.one_of(erasures().map(lambda made: made[1]), ODD), max_size=12), st.data())
def test_among_others_each_value_is_read_as_it_is_alone(
    values: list[bytes | None], data: st.DataObject
) -> None:
    """The values are looked at in one text: what is in one must never be taken for a part of another."""
    if data.draw(st.booleans()) and values:
        at = data.draw(st.integers(0, len(values) - 1))
        values[at] = (values[at] or b"") + data.draw(st.sampled_from([b"\n", b" ", b"}", values[0] or b""]))
    for name in NAMES:
        found = quick(name, *values)
        assert found == [each for value in values for each in quick(name, value)]
        assert all(facts in {None, by_model(name, value)} for facts, value in zip(found, values, strict=True))


def test_two_events_with_a_line_break_between_them_are_no_event() -> None:
    name, entry = "a-log", erasure_entry()
    value = expand(entry, name)[0].value
    for joined in (value + b"\n" + value, value + b"\n", b"\n" + value):
        assert quick(name, joined) == [None]
        assert quick(name, value, joined, value) == [*quick(name, value), None, *quick(name, value)]
