"""A part of a trail may begin where batches from before it came once more, and nobody is accused for that."""

import os
from pathlib import Path

import pytest

from audit import counting
from audit.verdict import Verdict
from tests.exports import exported
from tests.trails import KEY, NOW, Trail, kinds, texts, verify
from tests.verbs import RunVerb, verb_runner


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RunVerb:
    for name in [name for name in os.environ if name.startswith("ORDER_RECORDS_")]:
        monkeypatch.delenv(name)
    return verb_runner(monkeypatch, capsys)


def erased(last: int) -> Trail:
    trail = Trail()
    for n in range(1, last + 1):
        trail.erase(n)
    trail.sign(at=NOW - 300)
    return trail


def ended(trail: Trail, *numbers: int) -> Trail:
    for n in numbers:
        trail.erase(n)
    trail.sign(at=NOW - 60)
    return trail


def part(trail: Trail, first: int) -> Verdict:
    return verify(trail.cut(first), retention_days=0, head=False)


# Batch 13 is at 60 to 64: all of 13 and 14, the end of 13, its beginning, and the beginning of 20.
@pytest.mark.parametrize("again", [slice(60, 70), slice(63, 65), slice(60, 63), slice(95, 98)])
def test_a_part_that_begins_with_old_batches_is_as_sound_as_all_of_it(again: slice) -> None:
    trail = erased(20)
    first = len(trail.events)
    trail.events += trail.events[again]
    ended(trail, 21, 22)
    assert kinds(verify(trail)) == []
    assert (kinds(part(trail, first)), part(trail, first).last_n) == ([], 22)


def test_of_which_numbers_it_says_nothing_is_in_the_report(run: RunVerb, tmp_path: Path) -> None:
    trail = erased(20)
    first = len(trail.events)
    trail.events += trail.events[60:70]
    ended(trail, 21)
    folder = exported(trail.cut(first), tmp_path / "part", topic_first=0)
    facts = run("audit", "verify", str(folder), "--key", KEY.text, "--json").json
    assert (facts["exitCode"], facts["findings"]) == (0, [])
    (note,) = facts["notes"]
    assert note == (
        "numbers 15 to 20 are not whole in what was read, and that was not judged: it begins with number 13, "
        "which may be a repeat of what came before; begin earlier to have it judged"
    )


def test_only_the_first_break_of_a_part_is_not_judged() -> None:
    trail = erased(20)
    first = len(trail.events)
    trail.events += trail.events[60:70]
    ended(trail, 21, 23)
    for verdict in (verify(trail), part(trail, first)):
        assert (kinds(verdict), texts(verdict)) == (["N_SKIPPED"], "number 22 is missing")


def test_a_break_that_comes_later_than_repeats_do_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    trail = erased(20)
    first = len(trail.events)
    trail.events += trail.events[60:70]
    trail.quarantine(4)
    ended(trail, 21)
    monkeypatch.setattr(counting, "WINDOW", 14)
    assert kinds(part(trail, first)) == []
    monkeypatch.setattr(counting, "WINDOW", 13)
    assert texts(part(trail, first)) == "numbers 15 to 20 are missing"


def test_of_all_of_a_trail_every_break_is_judged() -> None:
    trail = ended(erased(3), 5)
    assert texts(verify(trail)) == "number 4 is missing"
    trail = ended(Trail(), 2)
    assert texts(verify(trail)) == "number 1 is missing"
