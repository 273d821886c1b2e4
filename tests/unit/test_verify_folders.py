"""A folder is the word of whoever made it: what nobody has signed in it is never sound, whatever it says."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from audit.findings import Outcome
from tests.exports import exported
from tests.trails import KEY, NOW, SEED, Trail, kinds, renumbered, sound, verify
from tests.verbs import Printed, RunVerb, verb_runner


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RunVerb:
    return verb_runner(monkeypatch, capsys)


def verified(run: RunVerb, folder: Path, *words: str) -> Printed:
    return run("audit", "verify", str(folder), "--key", KEY.text, *words)


def found(run: RunVerb, folder: Path) -> tuple[int, list[str]]:
    facts = verified(run, folder, "--json").json
    return facts["exitCode"], [each["kind"] for each in facts["findings"]]


@pytest.mark.parametrize("open_end", [True, False])
def test_events_that_nobody_signed_are_not_sound_in_any_folder(
    run: RunVerb, tmp_path: Path, *, open_end: bool
) -> None:
    trail = Trail()
    trail.erase(1, name="invented")
    trail.quarantine(2)
    folder = exported(trail, tmp_path / "trail", open_end=open_end)
    assert found(run, folder) == (2, ["UNCOVERED", "SILENCE"])


@pytest.mark.parametrize("open_end", [True, False])
@pytest.mark.parametrize("age", [600, 5])
def test_a_tail_that_was_added_to_what_was_signed_is_not_sound_however_fresh_it_says_it_is(
    age: int, run: RunVerb, tmp_path: Path, *, open_end: bool
) -> None:
    trail = sound()
    trail.erase(7, name="invented")
    for event in trail.events[-5:]:
        event.time = NOW - age
    folder = exported(trail, tmp_path / "trail", open_end=open_end)
    assert found(run, folder) == (2, ["UNCOVERED"])
    assert "5 events are not signed" in verified(run, folder).out


def test_a_part_whose_end_no_root_covers_is_not_sound_though_a_later_one_is_signed(
    run: RunVerb, tmp_path: Path
) -> None:
    trail = sound()
    trail.events = trail.events[:33]
    trail.events[32] = sound(name="other").events[32]
    folder = exported(trail, tmp_path / "trail", open_end=False)
    assert found(run, folder) == (2, ["UNCOVERED"])


@pytest.mark.parametrize("topic_first", [0, 1])
def test_where_no_event_could_be_compared_nothing_is_sound(
    topic_first: int, run: RunVerb, tmp_path: Path
) -> None:
    true, rewritten = sound(), sound(name="rewritten")
    checkpoints = renumbered([true.checkpoints[-1]])
    trail = Trail(rewritten.events[1:], checkpoints, 1)
    folder = exported(trail, tmp_path / "trail", topic_first=topic_first, retention_days=0)
    assert found(run, folder) == (2, ["NOT_PROVEN"])
    assert "the events 1 to 35 were not read" in verified(run, folder).out


@pytest.mark.parametrize("at_its_end", [False, True])
def test_a_folder_of_nothing_with_a_checkpoint_of_something_proves_nothing(
    run: RunVerb, tmp_path: Path, *, at_its_end: bool
) -> None:
    """Also where it says that it begins and ends where that checkpoint does."""
    checkpoints = renumbered([sound().checkpoints[-1]])
    trail = Trail([], checkpoints, 36 if at_its_end else 0)
    folder = exported(trail, tmp_path / "trail", topic_first=0, open_end=at_its_end)
    assert found(run, folder) == (2, ["NOT_PROVEN"])
    seen = tmp_path / "seen"
    seen.write_bytes(sound().checkpoints[-1].value or b"")
    assert verified(run, folder, "--since", str(seen)).code != 0


@pytest.mark.parametrize("left_out", [0, 1])
def test_what_a_signed_end_lacks_is_told_though_the_folder_says_that_more_was_left_out(
    run: RunVerb, tmp_path: Path, left_out: int
) -> None:
    trail = sound()
    trail.erase(7)
    trail.events = trail.events[:-2]
    trail.attest(NOW - 70, 9, done=(20, 15, 0))
    trail.sign(SEED, NOW - 50)
    printed = verified(run, exported(trail, tmp_path / "trail", left_out=left_out))
    assert printed.code == (0 if left_out else 5)
    assert "batch 7 has 3 of its 5 events" in printed.out
    assert ("9 are attested" in printed.out) or ("9 batches of erasures are attested" in printed.out)


def test_a_part_between_two_checkpoints_is_sound_and_the_report_says_that_it_is_one(
    run: RunVerb, tmp_path: Path
) -> None:
    whole = sound()
    part = Trail(whole.events[6:24], whole.checkpoints, 6)
    folder = exported(part, tmp_path / "trail", topic_first=0, open_end=False, left_out=0)
    printed = verified(run, folder)
    assert printed.code == 0
    said = (
        "made at 2026-11-23T12:00:00.000Z, by its own word. It is a part: what was before or after it is not"
    )
    assert said in printed.out
    assert verified(run, folder, "--json").json["manifest"] == {
        "madeAt": "2026-11-23T12:00:00.000Z",
        "part": True,
        "periodFrom": None,
        "periodTo": None,
        "leftOut": 0,
    }


def test_a_period_without_an_event_proves_nothing(run: RunVerb, tmp_path: Path) -> None:
    """With an attestation each day there is hardly one; and one that was emptied would look the same."""
    whole = sound()
    folder = exported(Trail([], whole.checkpoints, 24), tmp_path / "trail", topic_first=0, open_end=False)
    assert found(run, folder) == (2, ["NOT_PROVEN"])


def test_a_whole_export_says_when_it_was_made_and_what_was_left_out(run: RunVerb, tmp_path: Path) -> None:
    printed = verified(run, exported(sound(), tmp_path / "trail", left_out=7))
    assert printed.code == 0
    assert "by its own word. 7 events after it were not signed yet.\n" in printed.out
    assert "part" not in printed.out


def cut_within_a_batch() -> Trail:
    """The newest checkpoint covers three events of a batch of five, which were written long before."""
    trail = sound()
    trail.erase(7)
    trail.events = trail.events[:-2]
    trail.sign(at=NOW - 10)
    return trail


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ({"exported": True, "left_out": 2}, []),
        ({"exported": True}, ["BATCH_INCOMPLETE"]),
        ({}, ["BATCH_INCOMPLETE"]),
    ],
)
def test_a_batch_that_goes_on_among_events_that_were_left_out_is_no_fault(
    scope: Mapping[str, Any], expected: list[str]
) -> None:
    assert kinds(verify(cut_within_a_batch(), **scope)) == expected


def test_batches_that_are_attested_and_were_left_out_are_not_missed() -> None:
    trail = sound()
    trail.attest(NOW - 3_600, 8)
    trail.sign(at=NOW - 10)
    assert verify(trail, exported=True, left_out=10).outcome is Outcome.SOUND
    assert kinds(verify(trail, exported=True)) == ["N_SKIPPED"]


def test_a_folder_that_says_it_was_made_before_a_silence_does_not_hide_it(
    run: RunVerb, tmp_path: Path
) -> None:
    trail = Trail()
    trail.erase(1)
    trail.sign(at=NOW - 20_000)
    trail.erase(2)
    trail.sign(at=NOW - 60)
    folder = exported(trail, tmp_path / "trail", made_at="2026-11-22T00:00:00.000Z")
    assert found(run, folder) == (2, ["SILENCE"])


def test_a_manifest_without_the_count_of_what_was_left_out_is_read(run: RunVerb, tmp_path: Path) -> None:
    folder = exported(sound(), tmp_path / "trail")
    manifest = orjson.loads((folder / "manifest.json").read_bytes())
    del manifest["leftOut"]
    (folder / "manifest.json").write_bytes(orjson.dumps(manifest))
    assert verified(run, folder).code == 0


def test_checkpoints_that_were_put_in_another_sequence_hide_no_silence() -> None:
    trail = Trail()
    for n, age in ((1, 40_000), (2, 30_000), (3, 60)):
        trail.erase(n)
        trail.sign(at=NOW - age)
    there = verify(trail)
    trail.checkpoints = renumbered([replace(each) for each in reversed(trail.checkpoints)])
    assert [each.count for each in verify(trail).findings] == [each.count for each in there.findings] == [2]
