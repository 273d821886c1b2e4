"""Somebody else's implementation accepts our checkpoints and proofs, and refuses what was altered.

In Go (tests/independent): signatures by golang.org/x/mod/sumdb/note and transparency-dev/formats, trees and
proofs by transparency-dev/merkle. It knows nothing of our code, and we nothing of its.
"""

import base64
import json
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid5

import pytest

from audit.checkpoints import Checkpoint, sign_checkpoint
from audit.keys import seed_key, verifier_key
from audit.merkle import CompactRange, leaf_hash
from audit.proof_hashes import consistency_proof, inclusion_proof
from audit.templates import expand

pytestmark = pytest.mark.faults  # compiling it for the first time takes half a minute

FOLDER: Final = Path(__file__).resolve().parents[1] / "independent"
FETCH_SECONDS, BUILD_SECONDS, CHECK_SECONDS = 120, 300, 60
LOG: Final = "order-records"
SEED, STRANGE_SEED = bytes(range(32)), bytes(32)
AT: Final = datetime(2026, 11, 23, 0, 0, 4, 127_000, tzinfo=UTC)
SIGNED_AT: Final = int(AT.timestamp())
SIZES: Final = (1, 2, 3, 7, 8, 9, 255, 256, 257, 700, 1023, 1024, 1037)


def go(*words: str, seconds: int) -> subprocess.CompletedProcess[str]:
    """Takes the modules that go.sum has the digests of, and no other compiler than the one that is there."""
    environ = {**os.environ, "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    return subprocess.run(  # noqa: S603 - the words are ours
        [shutil.which("go") or "go", *words],
        cwd=FOLDER,
        env=environ,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


@pytest.fixture(scope="module")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program; skips where there is no Go, or where it cannot have its modules."""
    if shutil.which("go") is None:
        pytest.skip("needs Go 1.24 or later: install it to have the trail checked by other people's code")
    fetched = go("mod", "download", seconds=FETCH_SECONDS)
    assert "SECURITY ERROR" not in fetched.stderr, fetched.stderr
    if fetched.returncode:
        pytest.skip(f"Go cannot have its modules: {fetched.stderr.strip()[-200:]}")
    program = tmp_path_factory.mktemp("independent") / "check"
    built = go("build", "-o", str(program), ".", seconds=BUILD_SECONDS)
    assert built.returncode == 0, built.stderr
    return program


@dataclass
class Claims:
    """What the other implementation is asked; bytes go as base64, as Go reads them."""

    values: list[bytes] = field(default_factory=list)
    notes: list[bytes] = field(default_factory=list)
    inclusions: list[dict[str, Any]] = field(default_factory=list)
    consistencies: list[dict[str, Any]] = field(default_factory=list)
    key: str = verifier_key(SEED, LOG)

    def judged(self, program: Path) -> dict[str, Any]:
        asked = json.dumps(vars(self), default=lambda raw: base64.b64encode(raw).decode())
        done = subprocess.run(  # noqa: S603 - built here
            [program], input=asked, capture_output=True, text=True, timeout=CHECK_SECONDS, check=False
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found


def events(count: int) -> list[bytes]:
    """A trail of so many events by the real templates."""
    items = [[str(uuid5(UUID(int=0), str(number))), 2, AT, []] for number in range(count)]
    entry = {"_id": str(UUID(int=7)), "kind": "anonymized", "time": AT, "template": 1, "build": "1.4.2"}
    entry |= {"policyVersion": 3, "policyDigest": "sha256:" + "9f" * 32, "n": 1, "items": items}
    return [record.value for record in expand(entry, LOG)]


VALUES: Final = events(max(SIZES))
LEAVES: Final = [leaf_hash(value) for value in VALUES]


def tree(size: int) -> CompactRange:
    made = CompactRange()
    made.append_all(LEAVES[:size])
    return made


def note(size: int, seed: bytes = SEED) -> bytes:
    return sign_checkpoint(Checkpoint.of(LOG, tree(size)), seed, SIGNED_AT)


def inclusion(index: int, size: int) -> dict[str, Any]:
    proof = inclusion_proof(LEAVES[:size], index)
    return {
        "value": VALUES[index],
        "index": index,
        "size": size,
        "root": tree(size).root(),
        "proof": proof,
    }


def consistency(old: int, new: int) -> dict[str, Any]:
    proof = consistency_proof(LEAVES[:new], old)
    roots = {"oldRoot": tree(old).root(), "newRoot": tree(new).root()}
    return {"oldSize": old, "newSize": new, "proof": proof, **roots}


def flipped(raw: bytes, at: int = -1) -> bytes:
    changed = bytearray(raw)
    changed[at] ^= 1
    return bytes(changed)


def test_it_opens_our_checkpoints_by_both_signatures_and_reads_what_we_wrote(checker: Path) -> None:
    judged = Claims(notes=[note(size) for size in SIZES]).judged(checker)
    for size, found in zip(SIZES, judged["notes"], strict=True):
        assert found == {
            "error": "",
            "origin": LOG,
            "size": size,
            "root": base64.b64encode(tree(size).root()).decode(),
            "signedAt": SIGNED_AT,
        }


@pytest.mark.parametrize("size", [0, *SIZES])
def test_it_comes_to_the_same_root_over_the_bytes_of_the_events(checker: Path, size: int) -> None:
    judged = Claims(values=VALUES[:size]).judged(checker)
    assert base64.b64decode(judged["root"]) == tree(size).root()


def test_it_accepts_our_inclusion_proofs(checker: Path) -> None:
    places = [(index, size) for size in SIZES for index in {0, size // 2, size - 1}]
    asked = Claims(inclusions=[inclusion(*place) for place in places])
    assert asked.judged(checker)["inclusions"] == [""] * len(places)


def test_it_accepts_our_consistency_proofs(checker: Path) -> None:
    pairs = [(old, new) for new in SIZES for old in SIZES if old <= new]
    asked = Claims(consistencies=[consistency(*pair) for pair in pairs])
    assert asked.judged(checker)["consistencies"] == [""] * len(pairs)


def test_it_refuses_what_was_altered_so_its_word_counts(checker: Path) -> None:
    good, grown = inclusion(300, 1037), consistency(700, 1037)
    signed = note(1037)
    altered = Claims(
        notes=[
            signed.replace(b"\n1037\n", b"\n1036\n"),
            flipped(signed, signed.index(b"\n1037\n") + 10),
            note(1037, STRANGE_SEED),
            # One of the two lines alone is not enough.
            signed.rsplit(b"\xe2\x80\x94", 1)[0],
            b"",
        ],
        inclusions=[
            {**good, "value": flipped(good["value"])},
            {**good, "index": 301},
            {**good, "size": 1024},
            {**good, "root": flipped(good["root"])},
            {**good, "proof": good["proof"][:-1]},
            {**good, "proof": [flipped(good["proof"][0]), *good["proof"][1:]]},
        ],
        consistencies=[
            {**grown, "oldRoot": flipped(grown["oldRoot"])},
            {**grown, "newRoot": flipped(grown["newRoot"])},
            {**grown, "oldSize": 701},
            {**grown, "proof": grown["proof"][1:]},
        ],
    ).judged(checker)
    assert all(found["error"] for found in altered["notes"])
    assert all(altered["inclusions"])
    assert all(altered["consistencies"])


def test_both_implementations_name_the_key_alike(checker: Path) -> None:
    assert seed_key(SEED, LOG).text == verifier_key(SEED, LOG)
    with pytest.raises(AssertionError, match="verifier"):
        Claims(key=verifier_key(SEED, LOG).replace(LOG, "another")).judged(checker)
