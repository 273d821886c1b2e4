"""The quick pattern takes only what the closed models take, and says the same of it."""

import re
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.quick_facts import Facts, Match, NotAnEvent, erasure_pattern, model_facts
from audit.templates import expand
from audit.types import RECORD_ANONYMIZED, RECORD_DELETED

NAMES = ("order-records", 'a"b\\c/1')
NUMBERS = st.integers(0, 10**17)


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


def patterns(name: str) -> list[Match]:
    return [erasure_pattern(kind, name) for kind in (RECORD_ANONYMIZED, RECORD_DELETED)]


def quick(name: str, value: bytes) -> Facts | None:
    for kind in (RECORD_ANONYMIZED, RECORD_DELETED):
        if found := erasure_pattern(kind, name)(value):
            _, n, position, size, identifier = found.groups()
            return Facts(identifier, kind, (int(n), int(position), int(size)))
    return None


@given(erasures())
def test_what_the_templates_make_is_taken_and_read_as_the_models_read_it(made: tuple[str, bytes]) -> None:
    name, value = made
    assert quick(name, value) == model_facts(value, name)


@settings(max_examples=400)
@given(erasures(), st.data())
def test_a_changed_byte_is_never_taken_where_the_models_refuse_it(
    made: tuple[str, bytes], data: st.DataObject
) -> None:
    name, value = made
    at = data.draw(st.integers(0, len(value)))
    put = data.draw(st.one_of(st.binary(max_size=2), st.sampled_from([b"0", b"9", b"Z", b'"', b"\n", b" "])))
    changed = value[:at] + put + value[at + data.draw(st.integers(0, 2)) :]
    facts = quick(name, changed)
    if facts is not None:
        assert facts == model_facts(changed, name)


@pytest.mark.parametrize("mark", ["versionAfter", "versionBefore", "n", "position", "size", "policyVersion"])
@pytest.mark.parametrize("number", ["-1", "00", "01", "1.0", "1e3", "0", "1", "2", "9" * 18, "9" * 30])
def test_odd_numbers_are_taken_only_where_the_models_take_them(mark: str, number: str) -> None:
    time = datetime(2026, 11, 23, tzinfo=UTC)
    for kind in ("anonymized", "deleted"):
        entry: dict[str, Any] = {
            "_id": str(uuid.uuid4()),
            "kind": kind,
            "time": time,
            "template": 1,
            "build": "1",
            "n": 1,
        }
        entry |= {"policyVersion": 3, "policyDigest": "sha256:" + "0f" * 32}
        entry["items"] = [[str(uuid.uuid4()), 2, time, []]]
        value = expand(entry, "a-log")[0].value
        changed = re.sub(rb'"' + mark.encode() + rb'":\d+', f'"{mark}":{number}'.encode(), value)
        facts = quick("a-log", changed)
        if facts is not None:
            assert facts == model_facts(changed, "a-log")


def test_an_erasure_whose_subject_is_not_its_record_is_refused_by_both() -> None:
    time = datetime(2026, 11, 23, tzinfo=UTC)
    entry: dict[str, Any] = {
        "_id": str(uuid.uuid4()),
        "kind": "deleted",
        "time": time,
        "template": 1,
        "build": "1",
        "n": 1,
    }
    entry |= {"policyVersion": 3, "policyDigest": "sha256:" + "0f" * 32}
    entry["items"] = [["6f1c0b0e-7a51-8c3e-9d41-2b7f6a0c9e55", 2, time, []]]
    value = expand(entry, "a-log")[0].value
    changed = value.replace(b'"subject":"6f1c', b'"subject":"6f1d')
    assert quick("a-log", changed) is None
    with pytest.raises(NotAnEvent, match="has another subject than its record"):
        model_facts(changed, "a-log")


def test_an_event_of_another_trail_is_refused() -> None:
    assert all(pattern(b"{}") is None for pattern in patterns("a-log"))
    with pytest.raises(NotAnEvent, match="does not keep the schema"):
        model_facts(b"{}", "a-log")
