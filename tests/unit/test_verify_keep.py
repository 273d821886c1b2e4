"""What `audit verify --keep` writes: also beside gaps that are over, and never half of it."""

import os
from pathlib import Path

import pytest

from audit.checkpoints import Checkpoint
from tests.exports import exported
from tests.trails import KEY, NOW, RETIRED_KEY, RETIRED_SEED, Trail, sound, tip
from tests.verbs import Printed, RunVerb, verb_runner

HOUR = 3_600.0


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RunVerb:
    return verb_runner(monkeypatch, capsys)


def kept(run: RunVerb, trail: Trail, folder: Path, *words: str) -> tuple[Printed, Checkpoint | None]:
    seen = folder / "seen.txt"
    printed = run(
        "audit",
        "verify",
        str(exported(trail, folder / "trail")),
        "--key",
        KEY.text,
        *words,
        "--keep",
        str(seen),
    )
    text = seen.read_text().partition("\n\n")[0] + "\n" if seen.exists() else None
    return printed, None if text is None else Checkpoint.parse(text)


def with_an_outage() -> Trail:
    """Nobody signed for three hours, long ago."""
    trail = Trail()
    for n, ago in enumerate((30, 27, 26, 25), 1):
        trail.erase(n)
        trail.sign(at=NOW - ago * HOUR)
    for ago in range(24, 0, -1):
        trail.sign(at=NOW - ago * HOUR)
    return trail


def test_an_outage_of_the_past_does_not_keep_the_newest_checkpoint_from_being_kept(
    run: RunVerb, tmp_path: Path
) -> None:
    trail = with_an_outage()
    printed, seen = kept(run, trail, tmp_path)
    assert (printed.code, "SILENCE" in printed.out, seen) == (2, True, tip(trail))
    assert "seen.txt has the newest checkpoint now" in printed.out


def test_days_without_attestation_do_not_either(run: RunVerb, tmp_path: Path) -> None:
    trail = sound()
    for ago in (90, 20):
        trail.attest(NOW - ago * HOUR, 6, done=(0, 0, 0))
    trail.sign(at=NOW - 60)
    printed, seen = kept(run, trail, tmp_path)
    assert (printed.code, "NOT_ATTESTED" in printed.out, seen) == (2, True, tip(trail))


def test_events_after_it_that_nobody_has_signed_do_not_either(run: RunVerb, tmp_path: Path) -> None:
    trail = sound()
    trail.quarantine(2)
    printed, seen = kept(run, trail, tmp_path)
    assert (printed.code, "UNCOVERED" in printed.out, seen) == (2, True, tip(trail))


def test_a_gap_beside_something_that_is_missing_keeps_nothing(run: RunVerb, tmp_path: Path) -> None:
    trail = with_an_outage()
    del trail.checkpoints[2]
    printed, seen = kept(run, trail, tmp_path)
    assert (printed.code, seen) == (3, None)
    assert "seen.txt was not written" in printed.out


def test_what_a_retired_key_alone_has_signed_is_not_kept(run: RunVerb, tmp_path: Path) -> None:
    printed, seen = kept(run, sound(seed=RETIRED_SEED), tmp_path, "--key", RETIRED_KEY.text)
    assert (printed.code, "RETIRED_KEY" in printed.out, seen) == (2, True, None)


def test_what_too_few_witnesses_have_seen_is_not_kept(run: RunVerb, tmp_path: Path) -> None:
    witness = run("keys", "witness", str(tmp_path / "key"), "--name", "auditor").out.strip()
    printed, seen = kept(run, sound(), tmp_path, "--witness", witness)
    assert (printed.code, "NOT_COSIGNED" in printed.out, seen) == (2, True, None)


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before_whole(
    run: RunVerb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tmp_path / "seen.txt"
    seen.write_bytes(b"before")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    folder = str(exported(sound(), tmp_path / "trail"))
    printed = run("audit", "verify", folder, "--key", KEY.text, "--keep", str(seen))
    assert (printed.code, seen.read_bytes()) == (1, b"before")
    assert "cannot be written" in printed.err
