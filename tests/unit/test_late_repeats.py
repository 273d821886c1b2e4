"""What comes again is the same event however late, and in whatever part: nobody is accused for it."""

import os
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import late, verification
from audit.checkpoint_book import told
from audit.findings import Findings, Kind
from audit.late import LateParts
from audit.repeats import LatestEvents
from audit.verdict import Verdict
from tests.exports import exported
from tests.trails import KEY, NOW, Told, Trail, kinds, texts, verify
from tests.verbs import RunVerb, verb_runner

WINDOW = 8
SIZE = 10


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RunVerb:
    for name in [name for name in os.environ if name.startswith("ORDER_RECORDS_")]:
        monkeypatch.delenv(name)
    return verb_runner(monkeypatch, capsys)


@pytest.fixture(autouse=True)
def _remembers_little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "LatestEvents", partial(LatestEvents, WINDOW))


def erased(batches: int, name: str = "") -> Trail:
    trail = Trail()
    for n in range(1, batches + 1):
        trail.erase(n, SIZE, name)
    return trail


def again(trail: Trail, begin: int, stop: int, time: float = NOW - 600) -> None:
    """The events between two offsets once more, as a worker sends them that stood still."""
    trail.events += [Told(event.value, time) for event in trail.events[begin:stop]]


def found(trail: Trail) -> Verdict:
    trail.sign(at=NOW - 2)
    return verify(trail, batch=16)


def test_the_rest_of_a_batch_that_comes_again_long_after_is_a_repeat() -> None:
    trail = erased(39)
    again(trail, 44, 50)
    verdict = found(trail)
    assert (kinds(verdict), verdict.repeats, verdict.last_n) == ([], 6, 39)
    assert sum(verdict.types.values()) == 390


def test_what_is_on_its_way_at_the_end_is_a_repeat_as_well() -> None:
    trail = erased(39)
    again(trail, 40, 45, NOW - 5)
    assert kinds(found(trail)) == []


@given(parts=st.lists(st.tuples(st.integers(0, 199), st.integers(1, 25)), max_size=6), rest=st.integers(0, 9))
def test_no_part_of_what_was_sent_in_whatever_sequence_is_a_fault(
    parts: list[tuple[int, int]], rest: int
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(late, "_APART", 7)
        trail = erased(20)
        for begin, size in parts:
            again(trail, begin, min(200, begin + size))
        for n in range(21, 21 + rest):
            trail.erase(n, SIZE)
        verdict = found(trail)
    assert kinds(verdict) == []
    assert verdict.repeats + sum(verdict.types.values()) == len(trail.events)


@given(n=st.integers(2, 15), begin=st.integers(0, SIZE - 1), size=st.integers(1, SIZE))
def test_other_events_under_an_old_number_are_a_number_given_twice(n: int, begin: int, size: int) -> None:
    """Also where they come again themselves, and where others are looked up beside them."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(late, "_APART", 7)
        trail, other = erased(20), Trail()
        other.erase(n, SIZE, "another")
        for _ in range(2):
            trail.events += other.events[begin : begin + size]
            trail.erase(21 + _, SIZE)
            again(trail, 4, 9)
        verdict = found(trail)
    assert kinds(verdict) == ["N_TWICE"]
    assert f"number {n} comes again, with other events" in texts(verdict)


def test_one_other_event_in_a_batch_that_comes_again_is_enough() -> None:
    trail, other = erased(30), Trail()
    other.erase(3, SIZE, "another")
    again(trail, 20, 29)
    trail.events.append(other.events[9])
    assert kinds(found(trail)) == ["N_TWICE"]


def test_a_late_part_is_no_evidence_for_itself() -> None:
    """What is looked up for the one runs over where the other came."""
    trail, other = erased(2), Trail()
    other.erase(1, SIZE, "another")
    trail.quarantine(20)
    trail.events += other.events[:5]
    trail.quarantine(20)
    again(trail, 12, 15)
    assert (kinds(found(trail)), texts(found(trail))) == (
        ["N_TWICE"],
        "number 1 comes again, with other events",
    )


def test_an_attestation_that_comes_again_long_after_says_nothing_new() -> None:
    trail, day = erased(2), 86_400.0
    trail.attest(NOW - 3 * day, 2, done=(SIZE, SIZE, 0))
    first = trail.events[-1]
    trail.erase(3, SIZE)
    trail.attest(NOW - 2 * day, 3, done=(SIZE, 0, 0), since=NOW - 3 * day)
    trail.quarantine(2 * WINDOW + 2)
    trail.events.append(Told(first.value))
    trail.attest(NOW - day, 3, done=(0, 0, 0), since=NOW - 2 * day)
    trail.quarantine(2 * WINDOW + 2)
    verdict = found(trail)
    assert (kinds(verdict), verdict.notes, verdict.repeats, verdict.counted) == ([], [], 1, 3)
    assert verdict.attested is not None
    assert verdict.attested.period["until"] == told(NOW - day)


@pytest.mark.parametrize("at_once", [late._MANY_EVENTS, 12], ids=["at the end", "while it reads"])
def test_an_export_is_read_again_where_it_has_to_be(
    run: RunVerb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(late, "_MANY_EVENTS", at_once)
    trail = erased(60)
    for begin in (43, 145, 247):
        again(trail, begin, begin + 6)
        trail.quarantine(20)
    trail.sign(at=NOW - 2)
    facts = run("audit", "verify", str(exported(trail, tmp_path / "trail")), "--key", KEY.text, "--json").json
    assert (facts["exitCode"], facts["findings"], facts["repeats"]) == (0, [], 18)
    assert (facts["proven"], facts["n"]) == (678, {"first": 1, "last": 60})


def test_an_export_with_a_number_given_twice_in_part_says_so(run: RunVerb, tmp_path: Path) -> None:
    trail, other = erased(30), Trail()
    other.erase(3, SIZE, "another")
    trail.events += other.events[4:]
    trail.sign(at=NOW - 2)
    printed = run("audit", "verify", str(exported(trail, tmp_path / "trail")), "--key", KEY.text)
    assert printed.code == 5
    assert "number 3 comes again, with other events" in printed.out


def test_who_cannot_be_looked_up_any_more_is_not_accused_and_who_was_not_looked_up_is() -> None:
    for read, accused, unknown in (([], [], 1), ([(0, b"x")], [], 1), (None, ["N_TWICE"], 0)):
        findings = Findings()
        parts = LateParts(findings)
        parts.begins(1, 0)
        parts.add(1, 2, [b"leaf"], 1)
        if read is not None:
            (there,) = parts.ranges()
            parts.look(there, [at for at, _ in read], [each for _, each in read])
        assert parts.settle() == 0
        assert ([finding.kind.value for finding in findings], parts.unknown) == (accused, unknown)


def test_of_what_is_to_be_read_again_nothing_is_twice_and_no_more_than_is_needed() -> None:
    findings = Findings()
    parts = LateParts(findings)
    for n in range(1, 11):
        parts.begins(n, 50_000 * n)
    for n in (9, 2, 3, 2):
        parts.add(n, 900_000, [b"%d" % n, b"more of %d" % n], 2)
    assert parts.ranges() == [range(100_000, 200_000), range(450_000, 500_000)]
    first, second = parts.ranges()
    assert parts.look(first, [100_000, 100_001], [b"2", b"more of 2"])
    assert not parts.look(first, [150_000, 150_001], [b"3", b"more of 3"])
    assert parts.look(second, [450_000], [b"9"])
    assert not parts.look(second, [450_001, 499_999], [b"more of 9", b"another"])
    assert parts.settle() == 8
    assert Kind.N_TWICE not in findings
    assert parts.ranges() == []


def test_memory_has_a_bound_however_many_come_again() -> None:
    parts = LateParts(Findings())
    parts.begins(1, 0)
    parts.add(1, 9, [b"leaf"], late._MANY_EVENTS - 1)
    assert not parts.many
    parts.add(1, 9, [b"leaf"], 1)
    assert parts.many
