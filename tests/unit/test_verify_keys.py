"""Which key speaks for a trail is said; and what nobody has verified is not passed on."""

from dataclasses import replace
from pathlib import Path

import pytest

from audit.findings import Outcome
from audit.notes import Note, Signature, parse_note
from tests.exports import exported
from tests.trails import (
    KEY,
    NOW,
    RETIRED_KEY,
    RETIRED_SEED,
    Trail,
    assert_found,
    kinds,
    renumbered,
    sound,
    tip,
    verify,
)
from tests.verbs import RunVerb, verb_runner

BOTH = (KEY, RETIRED_KEY)
_WORDS = tuple(word for key in BOTH for word in ("--key", key.text))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RunVerb:
    return verb_runner(monkeypatch, capsys)


def rotated() -> Trail:
    """Three batches of the retired key's time, and one of today's."""
    trail = sound(3, RETIRED_SEED)
    trail.erase(4)
    trail.sign(at=NOW - 30)
    return trail


@pytest.mark.parametrize("open_end", [True, False])
def test_a_trail_for_which_a_retired_key_alone_speaks_is_not_sound_to_who_knows_todays(
    run: RunVerb, tmp_path: Path, *, open_end: bool
) -> None:
    folder = exported(sound(4, RETIRED_SEED, "invented"), tmp_path / "trail", open_end=open_end)
    printed = run("audit", "verify", str(folder), *_WORDS)
    assert printed.code == 2
    assert "GAP RETIRED_KEY: " in printed.out
    assert "of the first 24 events the last are signed by a retired key alone" in printed.out
    of_its_time = run("audit", "verify", str(folder), "--key", RETIRED_KEY.text, "--json").json
    assert (of_its_time["exitCode"], of_its_time["signedBy"]) == (0, RETIRED_KEY.text)


def test_a_tail_by_a_retired_key_after_what_todays_has_signed_is_not_sound() -> None:
    trail = sound(4)
    trail.erase(5, name="invented")
    trail.sign(RETIRED_SEED, NOW - 10)
    trail.checkpoints = renumbered([trail.checkpoints[-1], *trail.checkpoints[:-1]])
    assert_found(verify(trail, keys=BOTH), 2, "RETIRED_KEY", "of the first 29 events")


def test_a_trail_whose_key_was_replaced_is_sound_once_todays_has_signed() -> None:
    assert verify(rotated(), keys=BOTH).outcome is Outcome.SOUND
    idle = sound(3, RETIRED_SEED)
    idle.sign(at=NOW - 30)
    assert verify(idle, keys=BOTH).outcome is Outcome.SOUND


def test_a_period_before_the_key_was_replaced_is_sound_and_the_report_says_which_key_speaks_for_it() -> None:
    verdict = verify(rotated(), keys=BOTH, stop=13)
    assert (verdict.outcome, kinds(verdict)) == (Outcome.SOUND, [])
    assert any("a retired key alone" in note for note in verdict.notes)
    assert not any("a retired key alone" in note for note in verify(rotated(), keys=BOTH).notes)


def test_a_checkpoint_that_was_seen_before_speaks_for_its_events_whatever_key_it_is_by() -> None:
    trail = sound(4, RETIRED_SEED)
    assert kinds(verify(trail, keys=BOTH)) == ["RETIRED_KEY"]
    assert verify(trail, keys=BOTH, since=tip(trail)).outcome is Outcome.SOUND


def test_a_proof_by_a_retired_key_says_so(run: RunVerb, tmp_path: Path) -> None:
    trail = sound(2, RETIRED_SEED)
    record = (trail.events[0].value or b"").split(b'"subject":"')[1][:36].decode()
    folder, file = str(exported(trail, tmp_path / "trail")), str(tmp_path / "proof.json")
    made = run("audit", "proof", file, folder, "--key", RETIRED_KEY.text, "--record-id", record)
    assert made.code == 0, made.err
    printed = run("audit", "verify-proof", file, *_WORDS)
    assert (printed.code, "note  a retired key has signed it" in printed.out) == (0, True)
    [event] = run("audit", "verify-proof", file, *_WORDS, "--json").json["events"]
    assert event["signedBy"] == RETIRED_KEY.text
    assert "note" not in run("audit", "verify-proof", file, "--key", RETIRED_KEY.text).out


def scribbled() -> Trail:
    """Somebody has added a line to the newest checkpoint, under a name of his choice."""
    trail = sound()
    note = parse_note(trail.checkpoints[-1].value or b"")
    added = Signature("Erika.Mustermann", b"1234", b"anything")
    value = Note(note.text, (added, *note.signatures, added)).encode()
    trail.checkpoints[-1] = replace(trail.checkpoints[-1], value=value)
    return trail


def test_lines_that_nobody_has_verified_are_passed_on_nowhere(run: RunVerb, tmp_path: Path) -> None:
    trail = scribbled()
    folder, kept = str(exported(trail, tmp_path / "trail")), tmp_path / "kept"
    printed = run("audit", "verify", folder, "--key", KEY.text, "--keep", str(kept), "--json")
    assert (printed.code, kept.read_bytes()) == (0, sound().checkpoints[-1].value)
    record = (trail.events[0].value or b"").split(b'"subject":"')[1][:36].decode()
    file = tmp_path / "proof.json"
    assert run("audit", "proof", str(file), folder, "--key", KEY.text, "--record-id", record).code == 0
    assert run("audit", "verify-proof", str(file), "--key", KEY.text).code == 0
    assert "Mustermann" not in printed.out + file.read_text()


def test_a_proof_is_for_its_owner_alone_also_where_a_file_was_there(run: RunVerb, tmp_path: Path) -> None:
    trail, file = sound(2), tmp_path / "proof.json"
    file.write_text("x" * 100_000)
    file.chmod(0o644)
    record = (trail.events[0].value or b"").split(b'"subject":"')[1][:36].decode()
    folder = str(exported(trail, tmp_path / "trail"))
    assert run("audit", "proof", str(file), folder, "--key", KEY.text, "--record-id", record).code == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert run("audit", "verify-proof", str(file), "--key", KEY.text).code == 0
