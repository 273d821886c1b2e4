"""A witness co-signs one history, whatever is done to the trail, to its own files, or to it."""

import base64
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from audit.checkpoint_book import CheckpointRecord
from audit.checkpoints import SignedCheckpoint, open_checkpoint
from audit.findings import Findings, Kind
from audit.keys import VerifierKey
from audit.notes import Verified
from audit.verdict import Batch
from audit.witnessing import Sight, Witness
from cli.audit_folder import Folder
from cli.audit_source import Edges
from cli.witness_state import write_whole
from tests.exports import exported
from tests.trails import KEY, NOW, STRANGE_SEED, Trail, renumbered, sound
from tests.verbs import Printed, RunVerb, verb_runner

SEED: Final = bytes([9]) * 32
WITNESS: Final = Witness("compliance", SEED)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> RunVerb:
    for name in [name for name in os.environ if name.startswith("ORDER_RECORDS_")]:
        monkeypatch.delenv(name)
    (tmp_path / "witness.key").write_text(base64.b64encode(SEED).decode())
    return verb_runner(monkeypatch, capsys)


@pytest.fixture
def witness(run: RunVerb, tmp_path: Path) -> Callable[..., Printed]:
    def ran(trail: Trail, name: str, *words: str) -> Printed:
        files = ("--signing-key-file", str(tmp_path / "witness.key"), "--state", str(tmp_path / "state"))
        folder = exported(trail, tmp_path / name) if not (tmp_path / name).exists() else tmp_path / name
        given = ("--key", KEY.text, "--name", "compliance", "--cosigned", str(tmp_path / "cosigned"))
        return run("audit", "witness", str(folder), *given, *files, *words)

    return ran


def shown(folder: Path) -> SignedCheckpoint:
    return open_checkpoint((folder / "cosigned" / "latest").read_bytes(), [KEY], [WITNESS.key])


Ran = Callable[..., Printed]


def test_what_fits_is_cosigned_so_that_others_can_verify_it(witness: Ran, tmp_path: Path) -> None:
    assert witness(sound(3), "a").code == 0
    size = len(sound(3).events)
    signed = shown(tmp_path)
    assert (signed.checkpoint.size, [each.key for each in signed.cosigned]) == (size, [WITNESS.key])
    assert signed.signed_at == NOW - 60

    assert witness(sound(5), "b").code == 0
    assert shown(tmp_path).checkpoint.size == len(sound(5).events)
    assert [path.name for path in (tmp_path / "cosigned").iterdir()] == ["latest"]


def test_the_same_checkpoint_is_not_cosigned_again_but_one_that_was_signed_anew_is(
    witness: Ran, tmp_path: Path
) -> None:
    trail = sound(3)
    assert witness(trail, "a").out == f"co-signed  {len(trail.events)} events\n"
    before = (tmp_path / "state").read_bytes()
    assert witness(trail, "a").out == ""
    assert (tmp_path / "state").read_bytes() == before
    trail.sign(at=NOW)
    assert witness(trail, "b").out == f"co-signed  {len(trail.events)} events\n"
    assert shown(tmp_path).signed_at == NOW


def remembered(folder: Path) -> dict[str, bytes]:
    files = [folder / "state", *(folder / "cosigned").iterdir()]
    return {path.name: path.read_bytes() for path in files}


def forked(trail: Trail) -> Trail:
    """Longer, by the same key: another history, without a checkpoint of the size that was seen."""
    made = sound(5, name="other")
    del made.checkpoints[2]
    made.checkpoints = renumbered(made.checkpoints)
    return made


def forked_later(trail: Trail) -> Trail:
    """The checkpoint that was seen is still there, and the events are others."""
    made = sound(5)
    made.events[4].value = made.events[3].value
    made.checkpoints = [*trail.checkpoints]
    made.sign(at=NOW)
    return made


def two_histories(trail: Trail) -> Trail:
    made = sound(4)
    other = sound(4, name="other").checkpoints[-1]
    made.checkpoints.append(CheckpointRecord(len(made.checkpoints), other.value, other.headers))
    return made


def emptied(trail: Trail) -> Trail:
    """Both topics were made anew."""
    return Trail()


def events_cut(trail: Trail) -> Trail:
    made = sound(4)
    made.events = made.events[:-1]
    return made


@pytest.mark.parametrize(
    ("attack", "kind"),
    [
        (forked, "ALTERED"),
        (forked_later, "ALTERED"),
        (two_histories, "TWO_HISTORIES"),
        (lambda _: sound(3, name="other"), "TWO_HISTORIES"),
        (lambda _: sound(2), "TRUNCATED"),
        (emptied, "TRUNCATED"),
        (events_cut, "TRUNCATED"),
        (lambda _: sound(6).cut(25), "NOT_COMPARED"),
    ],
)
def test_a_history_that_is_another_one_than_before_is_not_cosigned(
    attack: Callable[[Trail], Trail], kind: str, witness: Ran, tmp_path: Path
) -> None:
    trail = sound(3)
    assert witness(trail, "a").code == 0
    before = remembered(tmp_path)
    refused = witness(attack(trail), "b")
    assert (refused.code, refused.out) == (4, ""), refused.err
    assert f"DOES NOT FIT {kind}" in refused.err
    assert remembered(tmp_path) == before


def test_a_forged_checkpoint_is_told_loudly_and_stops_nobody_from_cosigning_the_true_one(
    witness: Ran, tmp_path: Path
) -> None:
    trail = sound(3)
    trail.checkpoints.append(sound(4, STRANGE_SEED).checkpoints[-1])
    trail.checkpoints = renumbered(trail.checkpoints)
    told = witness(trail, "a")
    assert (told.code, "DOES NOT FIT FORGED" in told.err) == (4, True)
    assert shown(tmp_path).checkpoint.size == len(trail.events)


class _Slow(Folder):
    """Topics whose broker tells too low an end so many times."""

    def __init__(self, path: Path, times: int) -> None:
        super().__init__(path)
        self._times = times

    def now(self) -> float | None:
        return None

    async def edges(self) -> Edges:
        there = await super().edges()
        self._times -= 1
        return there if self._times < 0 else Edges(there.first, there.end - 1)


@pytest.mark.parametrize(("times", "code"), [(2, 0), (4, 4)])
def test_an_end_that_is_too_low_for_a_moment_accuses_nobody(
    times: int, code: int, witness: Ran, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.audit_witness._CONFIRM_SECONDS", 0.01)
    monkeypatch.setattr("cli.audit_witness.source_of", lambda path, _: _Slow(path, times))
    told = witness(sound(3), "a", "--once")
    assert (told.code, "DOES NOT FIT TRUNCATED" in told.err) == (code, code == 4)
    assert (tmp_path / "state").exists() is (code == 0)


def test_what_others_wrote_beside_the_trails_signatures_is_not_passed_on() -> None:
    record = sound(1).checkpoints[0]
    note = (record.value or b"") + Witness("somebody", STRANGE_SEED).cosigned(
        record.value or b"", open_checkpoint(record.value, [KEY]), 5
    ).splitlines(keepends=True)[-1]
    made = WITNESS.cosigned(note, open_checkpoint(note, [KEY]), int(NOW))
    assert len(made.splitlines()) == len((record.value or b"").splitlines()) + 1
    signed = open_checkpoint(made, [KEY], [WITNESS.key])
    assert signed.cosigned == (Verified(WITNESS.key, int(NOW)),)


def test_a_trail_whose_head_was_cut_is_followed_from_what_was_seen(witness: Ran, tmp_path: Path) -> None:
    assert witness(sound(3), "a").code == 0
    size = len(sound(3).events)
    assert witness(sound(6).cut(size - 1), "b").code == 0
    assert shown(tmp_path).checkpoint.size == len(sound(6).events)


def test_a_state_that_is_lost_or_older_than_what_was_shown_is_refused(witness: Ran, tmp_path: Path) -> None:
    witness(sound(3), "a")
    older = (tmp_path / "state").read_bytes()
    witness(sound(4), "b")
    (tmp_path / "state").write_bytes(older)
    assert "put the later state back" in witness(sound(4), "b").err
    (tmp_path / "state").unlink()
    assert "put the later state back" in witness(sound(4), "b").err
    (tmp_path / "state").write_bytes(b"junk")
    assert witness(sound(4), "b").code == 1


def test_what_was_remembered_and_not_yet_shown_is_shown_by_the_next_run(witness: Ran, tmp_path: Path) -> None:
    witness(sound(3), "a")
    latest = tmp_path / "cosigned" / "latest"
    before = latest.read_bytes()
    witness(sound(4), "b")
    after = latest.read_bytes()
    latest.write_bytes(before)  # as a kill between the two leaves it
    assert witness(sound(4), "b").code == 0
    assert latest.read_bytes() == after


def test_a_kill_between_write_and_rename_leaves_the_state_as_it_was(witness: Ran, tmp_path: Path) -> None:
    witness(sound(3), "a")
    before = (tmp_path / "state").read_bytes()
    program = (
        "import os, pathlib, signal, sys; from cli.witness_state import write_whole; "
        "pathlib.Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL); "
        "write_whole(pathlib.Path(sys.argv[1]), b'half')"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(tmp_path / "state")], check=False, timeout=60)  # noqa: S603
    assert killed.returncode == -9
    assert (tmp_path / "state.new").read_bytes() == b"half"
    assert (tmp_path / "state").read_bytes() == before
    assert witness(sound(4), "b").code == 0
    assert shown(tmp_path).checkpoint.size == len(sound(4).events)
    assert not (tmp_path / "state.new").exists()


def test_a_disk_that_refuses_leaves_the_state_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "state").write_bytes(b"before")
    (tmp_path / "state.new").mkdir()
    with pytest.raises(Exception, match="cannot be written"):
        write_whole(tmp_path / "state", b"after")
    assert (tmp_path / "state").read_bytes() == b"before"


def test_the_trails_own_key_or_name_is_no_witness(run: RunVerb, witness: Ran, tmp_path: Path) -> None:
    (tmp_path / "witness.key").write_text(base64.b64encode(bytes(32)).decode())
    assert witness(sound(3), "a").code == 64


def test_a_witness_key_is_made_once_and_for_its_owner_alone(run: RunVerb, tmp_path: Path) -> None:
    file = tmp_path / "new.key"
    made = run("keys", "witness", str(file), "--name", "compliance")
    assert run("keys", "witness", str(file), "--name", "compliance").out == made.out
    assert file.stat().st_mode & 0o777 == 0o600
    seed = base64.b64decode(file.read_text())
    assert VerifierKey.parse(made.out.strip()) == Witness("compliance", seed).key
    assert run("keys", "witness", str(file), "--name", "a b").code == 64


def test_checkpoints_that_come_while_it_follows_are_compared_too() -> None:
    trail, findings = sound(4), Findings()
    sight = Sight([KEY], findings, 0, None)
    done = 0
    for record in trail.checkpoints:
        sight.take_checkpoints([record])
        begin, stop = sight.wanted()
        assert begin == done
        sight.take_events(_batch(trail, begin, stop))
        proven = sight.proven(len(trail.events))
        assert proven is not None
        done = proven.signed.checkpoint.size
        assert proven.tree.root() == proven.signed.checkpoint.root
    assert sight.proven(done - 1) is None
    assert Kind.TRUNCATED in findings


def _batch(trail: Trail, begin: int, stop: int) -> Batch:
    return Batch(list(range(begin, stop)), trail.values()[begin:stop], [0] * (stop - begin))


def verified(run: RunVerb, folder: Path, cosigned: Path, *words: str) -> Printed:
    wanted = ("--witness", WITNESS.key.text, "--cosigned", str(cosigned), "--cosigned-hours", "100000000")
    return run("audit", "verify", str(folder), "--key", KEY.text, "--json", *wanted, *words)


def kinds(printed: Printed) -> list[str]:
    return [each["kind"] for each in printed.json["findings"]]


def test_a_verification_takes_what_was_cosigned_and_holds_the_trail_against_it(
    run: RunVerb, witness: Ran, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.audit_witness.time.time", lambda: NOW)
    witness(sound(3), "a")
    cosigned = tmp_path / "cosigned"
    assert verified(run, tmp_path / "a", cosigned).code == 0
    assert verified(run, tmp_path / "a", cosigned / "latest").code == 0
    assert verified(run, exported(sound(6), tmp_path / "longer"), cosigned).code == 0

    assert verified(run, tmp_path / "a", cosigned, "--quorum", "2").code == 64
    other = Witness("other", bytes([8]) * 32).key.text
    late = verified(run, tmp_path / "a", cosigned, "--witness", other)
    assert (late.code, kinds(late)) == (2, ["NOT_COSIGNED"])
    assert "other has not co-signed it" in late.json["findings"][0]["texts"]
    assert verified(run, tmp_path / "a", cosigned, "--witness", other, "--quorum", "1").code == 0
    old = run("audit", "verify", str(tmp_path / "a"), "--key", KEY.text, "--json", "--quorum", "1")
    assert old.code == 64

    fork = verified(run, exported(sound(5, name="other"), tmp_path / "fork"), cosigned)
    assert (fork.code, kinds(fork)) == (4, ["TWO_HISTORIES"])
    cut = verified(run, exported(sound(2), tmp_path / "cut"), cosigned)
    assert (cut.code, kinds(cut)) == (3, ["TRUNCATED"])
    gone = sound(6, name="other")
    del gone.checkpoints[2]
    gone.checkpoints = renumbered(gone.checkpoints)
    hidden = verified(run, exported(gone, tmp_path / "hidden"), cosigned)
    assert (hidden.code, kinds(hidden)) == (4, ["ALTERED"])


def test_a_cosignature_that_does_not_hold_is_a_forgery(run: RunVerb, witness: Ran, tmp_path: Path) -> None:
    witness(sound(3), "a")
    latest = tmp_path / "cosigned" / "latest"
    lines = latest.read_text().splitlines(keepends=True)
    name, encoded = lines[-1].rsplit(" ", 1)
    raw = bytearray(base64.b64decode(encoded))
    raw[-1] ^= 1
    latest.write_text("".join(lines[:-1]) + f"{name} {base64.b64encode(raw).decode()}\n")
    forged = verified(run, tmp_path / "a", latest)
    assert (forged.code, kinds(forged)) == (4, ["FORGED", "NOT_COSIGNED"])


@pytest.mark.parametrize(
    ("trail", "open_end"), [(sound(6).cut(25), True), (sound(2), False)], ids=["head", "end"]
)
def test_what_was_cosigned_outside_of_what_is_read_is_said_to_be_not_compared(
    trail: Trail, open_end: object, run: RunVerb, witness: Ran, tmp_path: Path
) -> None:
    witness(sound(3), "a")
    told = verified(run, exported(trail, tmp_path / "b", open_end=open_end), tmp_path / "cosigned")
    assert told.code == 3
    assert "NOT_COMPARED" in kinds(told)
