"""Whatever others put where the trail is read, each reader names it, or says so in a line, and ends."""

import base64
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Final
from uuid import uuid4

import orjson
import pytest

from audit.checkpoints import open_checkpoint
from audit.comparison import EndReader
from audit.merkle import leaf_hash
from audit.proof_hashes import inclusion_proof
from audit.retold import Retold
from audit.tlog_proofs import TlogProof
from audit.witnessing import Witness
from cli.audit_folder import Folder
from records.policy import MAX_POLICY_DAYS
from runtime.errors import UserError
from runtime.regular_files import open_regular
from runtime.setting_types import MAX_DAYS
from tests.exports import exported
from tests.hostile_inputs import CHECKPOINT_VALUES, EVENTS, FILES, FOLDERS, LATEST, with_junk
from tests.trails import KEY, LOG, NOW, Told, Trail, sound
from tests.verbs import Printed, RunVerb, verb_runner

SEED: Final = bytes([9]) * 32
WITNESS: Final = Witness("compliance", SEED)
_SECONDS: Final = 30
Reader = Callable[[Path], Printed]
READERS: Final = ("verify", "show", "proof", "witness", "reapply")
ENDS: Final = {
    "verify": {1, 2, 3, 4, 5},
    "show": {0, 1},
    "proof": {0, 1},
    "witness": {0, 1, 4},
    "reapply": {1, 2, 3, 4, 5},
}
"""The exit codes of the documentation for what is not as it should be, or could not be read."""


@contextmanager
def in_time() -> Iterator[None]:
    """What waits for ever is ended by a signal."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError("it hangs")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[RunVerb]:
    for name in [name for name in os.environ if name.startswith("ORDER_RECORDS_")]:
        monkeypatch.delenv(name)
    (tmp_path / "witness.key").write_text(base64.b64encode(SEED).decode())
    with in_time():
        yield verb_runner(monkeypatch, capsys)


def words_of(reader: str, folder: Path) -> list[str]:
    """How this reader is called on an exported folder."""
    beside = folder.parent
    key = ["--key", KEY.text]
    signing = ["--signing-key-file", str(beside / "witness.key"), "--name", "compliance"]
    state = ["--state", str(beside / "state"), "--cosigned", str(beside / "cosigned")]
    return {
        "verify": ["audit", "verify", str(folder), *key],
        "show": ["audit", "show", str(folder), "--json"],
        "proof": ["audit", "proof", str(beside / "proof"), str(folder), *key, "--record-id", str(uuid4())],
        "witness": ["audit", "witness", str(folder), *key, *signing, *state],
        "reapply": ["lifecycle", "reapply", str(folder), *key],
    }[reader]


def assert_said(printed: Printed, codes: set[int]) -> None:
    assert printed.code in codes, printed
    assert "Traceback" not in printed.err
    if printed.code in {1, 64}:
        assert printed.err.strip(), "an error says what is wrong"


@pytest.mark.parametrize("name", FOLDERS)
def test_a_hostile_folder_ends_every_reader_in_a_finding_or_an_error(
    name: str, run: RunVerb, tmp_path: Path
) -> None:
    folder = exported(sound(2), tmp_path / "trail")
    FOLDERS[name](folder)
    for reader in READERS:
        assert_said(run(*words_of(reader, folder)), ENDS[reader])


@pytest.mark.parametrize(
    "name",
    [
        *(f"manifest-{name}" for name in FILES),
        *("made-in-month-13", "kept-for-400-digits-of-days", "end-of-300-digits", "end-2-63"),
        *("a-file-elsewhere", "a-file-named-often", "many-members"),
    ],
)
def test_by_a_manifest_that_cannot_be_nothing_is_read(name: str, tmp_path: Path) -> None:
    folder = exported(sound(2), tmp_path / "trail")
    FOLDERS[name](folder)
    with in_time(), pytest.raises(UserError, match="no manifest"):
        Folder(folder)


@pytest.mark.parametrize("name", ["pipe", "endless", "folder"])
def test_only_a_regular_file_is_opened(name: str, tmp_path: Path) -> None:
    FILES[name](tmp_path / "hostile")
    with in_time(), pytest.raises(OSError, match=r"regular|directory"):
        open_regular(tmp_path / "hostile")


def with_hostile(value: bytes | None) -> tuple[Trail, int]:
    """A signed trail with such a value in it, and a batch of erasures that is missing after it."""
    trail = Trail()
    trail.erase(1)
    offset = len(trail.events)
    trail.events.append(Told(value))
    trail.erase(3, name="later")
    trail.sign(at=NOW - 10)
    return trail, offset


@pytest.mark.parametrize("name", EVENTS)
def test_a_hostile_event_is_named_and_what_is_beside_it_is_judged(
    name: str, run: RunVerb, tmp_path: Path
) -> None:
    trail, offset = with_hostile(EVENTS[name])
    folder = exported(trail, tmp_path / "trail")
    for reader in ("verify", "reapply"):
        told = run(*words_of(reader, folder), "--json")
        findings = {each["kind"]: each for each in told.json["findings"]}
        assert (told.code, set(findings)) == (4, {"NOT_AN_EVENT", "N_SKIPPED"})
        assert findings["NOT_AN_EVENT"]["texts"][0].startswith(f"the event at {offset} ")
        assert told.json["proven"] == len(trail.events)

    shown = run(*words_of("show", folder)).json
    assert len(shown["events"]) == 10
    assert run(*words_of("witness", folder)).code == 0
    record = shown["events"][-1]["subject"]
    made = run(*words_of("proof", folder)[:-1], record)
    assert made.code == 0, made.err
    assert run("audit", "verify-proof", str(tmp_path / "proof"), "--key", KEY.text).code == 0


@pytest.mark.parametrize("name", EVENTS)
def test_of_a_hostile_event_a_database_is_told_nothing_and_of_the_others_all(name: str) -> None:
    trail, _ = with_hostile(EVENTS[name])
    retold = Retold(LOG)
    part = retold.take(trail.values())
    assert (retold.unreadable, retold.events, retold.n, len(part.anonymized)) == (1, 10, 3, 10)
    reader = EndReader(LOG)
    for value in trail.values():
        reader.take(value)
    end = reader.end()
    assert end.n <= 2**53 - 1, "MongoDB takes no larger ones"
    assert end.policy_version <= 2**53 - 1


def test_to_the_latest_time_that_is_told_days_can_be_added() -> None:
    part = Retold(LOG).take([LATEST])
    [done] = part.deleted.values()
    assert (9_999 - done.time.year) * 365 > max(MAX_DAYS, MAX_POLICY_DAYS)


@pytest.mark.parametrize("name", CHECKPOINT_VALUES)
def test_a_hostile_record_among_the_checkpoints_is_junk(name: str, run: RunVerb, tmp_path: Path) -> None:
    trail = with_junk(sound(2), CHECKPOINT_VALUES[name])
    folder = exported(trail, tmp_path / "trail")
    assert run(*words_of("verify", folder)).code == 0
    assert run(*words_of("witness", folder)).code == 0


def certificate(value: bytes, **members: Any) -> bytes:
    """A file that proves an event as `audit proof` does, though it may be none."""
    trail = Trail([Told(value)])
    note = trail.sign().value or b""
    proof = TlogProof(0, tuple(inclusion_proof([leaf_hash(value)], 0)), note).encode()
    whole = {"format": 1, "recordId": str(uuid4()), "opening": None}
    events = [{"event": value.decode(errors="replace"), "proof": proof}]
    return orjson.dumps({**whole, "events": events, **members})


PROOFS: Final = {
    **{name: certificate(value) for name, value in EVENTS.items() if value},
    "no-events": certificate(b"{}", events=[]),
    "many-events": certificate(b"{}", events=[{"event": "{}", "proof": ""}] * 1_000),
    "no-proof": certificate(b"{}", events=[{"event": "{}", "proof": "c2sp.org/tlog-proof@v1\nindex "}]),
    "index-of-19-nines": certificate(b"{}").replace(b"index 0", b"index 9999999999999999999"),
    "index-of-5000-digits": certificate(b"{}").replace(b"index 0", b"index " + b"9" * 5_000),
    "opening-that-is-none": certificate(b"{}", opening={"tenantOrderRecordId": "x", "opening": "\u00e9"}),
    "empty-opening": certificate(b"{}", opening={"tenantOrderRecordId": "", "opening": ""}),
    "half-a-surrogate-pair": certificate(b"{}").replace(b'"opening":null', b'"opening":"\\ud800"'),
}


@pytest.mark.parametrize("name", [*PROOFS, *(f"file-{name}" for name in FILES)])
def test_a_hostile_proof_proves_nothing(name: str, run: RunVerb, tmp_path: Path) -> None:
    path = tmp_path / "proof.json"
    if name in PROOFS:
        path.write_bytes(PROOFS[name])
    else:
        FILES[name.removeprefix("file-")](path)
    told = run("audit", "verify-proof", str(path), "--key", KEY.text)
    assert_said(told, {1, 4, 64})


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_of_keys_or_checkpoints_is_a_wrong_call(
    name: str, run: RunVerb, tmp_path: Path
) -> None:
    folder, path = exported(sound(2), tmp_path / "trail"), tmp_path / "hostile"
    FILES[name](path)
    trusted = ("--witness", WITNESS.key.text)
    assert_said(run("audit", "verify", str(folder), "--key", str(path)), {64})
    verify = words_of("verify", folder)
    for words in (
        ("--since", str(path)),
        ("--witness", str(path)),
        (*trusted, "--cosigned", str(path)),
    ):
        assert_said(run(*verify, *words), {64})


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("place", ["state", "cosigned/latest"])
def test_a_hostile_state_ends_a_witness_before_it_cosigns(
    place: str, name: str, run: RunVerb, tmp_path: Path
) -> None:
    folder = exported(sound(2), tmp_path / "trail")
    (tmp_path / "cosigned").mkdir()
    FILES[name](tmp_path / place)
    told = run(*words_of("witness", folder))
    assert_said(told, {1, 64})
    assert "co-signed" not in told.out


@pytest.mark.parametrize("made", ["0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"])
def test_an_export_of_another_age_is_cosigned_with_a_time_that_can_be(
    made: str, run: RunVerb, tmp_path: Path
) -> None:
    folder = exported(sound(2), tmp_path / "trail", made_at=made)
    assert run(*words_of("witness", folder)).code == 0
    signed = open_checkpoint((tmp_path / "cosigned" / "latest").read_bytes(), [KEY], [WITNESS.key])
    [cosignature] = signed.cosigned
    assert 0 <= (cosignature.signed_at or 0) <= time.time()


def test_a_pipe_that_is_left_beside_the_state_is_not_waited_for(run: RunVerb, tmp_path: Path) -> None:
    folder = exported(sound(2), tmp_path / "trail")
    os.mkfifo(tmp_path / "state.new")
    assert run(*words_of("witness", folder)).code == 0


@pytest.mark.parametrize("name", ["a\udcff", "\ud800", "", "a b", "a+b", "a\x7f\x01"])
def test_a_name_that_no_key_can_have_is_a_wrong_call(name: str, run: RunVerb, tmp_path: Path) -> None:
    folder = exported(sound(2), tmp_path / "trail")
    key = f"{name}+00000000+{base64.b64encode(bytes([1]) + bytes(32)).decode()}"
    assert run("audit", "verify", str(folder), "--key", key).code == 64
    assert run("audit", "verify", str(folder), "--key", "x" * 5_000).code == 64
    assert run("keys", "witness", str(tmp_path / "new.key"), "--name", name).code == 64
    assert not (tmp_path / "new.key").exists(), "and no file is made"
    words = words_of("witness", folder)
    words[words.index("compliance")] = name
    assert run(*words).code == 64


LITTLE: Final = 700 << 20
"""Of addresses, of which Python and its libraries take more than half."""


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (LITTLE, LITTLE))


def with_many_files(folder: Path) -> None:
    """As large as a manifest may be, and of files without a name."""
    (folder / "manifest.json").write_bytes(b'{"files":[' + b"{}," * 1_390_000 + b"{}]}")


def with_a_long_event(folder: Path) -> None:
    [events] = folder.glob("events-*")
    long = b'{"type":"order-records.record.deleted.v1","data":[' + b"0," * 4_000_000 + b"0]}"
    events.write_bytes(b"0 0 %b\n" % long)


@pytest.mark.parametrize(("change", "code"), [(with_many_files, 1), (with_a_long_event, 4)])
def test_a_large_input_takes_little_memory(change: Callable[[Path], None], code: int, tmp_path: Path) -> None:
    folder = exported(sound(2), tmp_path / "trail")
    change(folder)
    command = [sys.executable, "-m", "cli.main", *words_of("verify", folder)]
    done = subprocess.run(  # noqa: S603 (our own verb)
        command, capture_output=True, text=True, timeout=60, check=False, preexec_fn=limited
    )
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr[-500:]
