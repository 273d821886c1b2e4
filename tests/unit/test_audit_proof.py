"""A proof convinces whoever has the file and the key, and nothing that was changed in it does."""

import base64
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.checkpoints import Checkpoint, sign_checkpoint
from audit.merkle import CompactRange, InvalidProof, leaf_hash
from audit.proof_hashes import inclusion_proof
from audit.tlog_proofs import TlogProof
from records.identity import NaturalKey, opened_id, opening, record_id
from records.keys import RecordKeys
from tests.exports import exported
from tests.trails import KEY, LOG, NOW, SEED, STRANGE_KEY, STRANGE_SEED, Trail, resigned, sound
from tests.verbs import Printed, RunVerb, verb_runner

SECRET, NUMBER = bytes(range(32)), "ORD-Müller-1"
IDENTITY = RecordKeys.derive(SECRET).identity
RECORD = record_id(IDENTITY, NaturalKey.of_order(NUMBER))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RunVerb:
    for name in [name for name in os.environ if name.startswith("ORDER_RECORDS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ORDER_RECORDS_SECRETS__ID_KEY", base64.b64encode(SECRET).decode())
    return verb_runner(monkeypatch, capsys)


def life() -> Trail:
    """A trail in which the record was anonymized, and later deleted; one event of it came twice."""
    trail = sound(3)
    due = datetime.fromtimestamp(NOW - 900, UTC)
    trail.tell("deleted", 4, [[RECORD, 1, due, ["NEVER_ANONYMIZED"]]], "x")
    trail.tell("deleted", 4, [[RECORD, 1, due, ["NEVER_ANONYMIZED"]]], "x")
    trail.erase(5)
    trail.tell("deleted", 6, [[RECORD, 2, due, []]])
    trail.sign(at=NOW - 10)
    return trail


def proof(run: RunVerb, trail: Trail, folder: Path, *words: str) -> Path:
    """The file; by the order's number unless the words say otherwise."""
    file = folder / "proof.json"
    named = words or ("--tenant-order-record-id", NUMBER)
    made = run("audit", "proof", str(file), str(exported(trail, folder / "trail")), "--key", KEY.text, *named)
    assert made.code == 0, made.err
    return file


def verified(run: RunVerb, file: Path, *words: str) -> Printed:
    return run("audit", "verify-proof", str(file), "--key", KEY.text, *words)


@given(st.integers(1, 70), st.data())
def test_the_text_of_a_proof_comes_back_and_proves_its_value_only(size: int, data: st.DataObject) -> None:
    values = [b"%d" % number for number in range(size)]
    tree = CompactRange()
    tree.extend(values)
    index = data.draw(st.integers(0, size - 1))
    hashes = tuple(inclusion_proof([leaf_hash(value) for value in values], index))
    made = TlogProof(index, hashes, sign_checkpoint(Checkpoint.of(LOG, tree), SEED, 1_000))
    again = TlogProof.parse(made.encode())
    assert again == made
    assert again.check(values[index], [KEY]).checkpoint.size == size
    with pytest.raises(InvalidProof):
        again.check(b"another", [KEY])


def test_the_text_is_that_of_the_format() -> None:
    tree = CompactRange()
    tree.extend([b"a", b"b"])
    note = sign_checkpoint(Checkpoint.of(LOG, tree), SEED, 1_000)
    text = TlogProof(1, (leaf_hash(b"a"),), note).encode()
    hashed = base64.b64encode(leaf_hash(b"a")).decode()
    assert text == f"c2sp.org/tlog-proof@v1\nindex 1\n{hashed}\n\n{note.decode()}"
    extra = text.replace("\nindex", "\nextra aGVsbG8=\nindex")
    assert TlogProof.parse(extra) == TlogProof.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "c2sp.org/tlog-proof@v1\n\n",
        "c2sp.org/tlog-proof@v2\nindex 1\n\nnote",
        "c2sp.org/tlog-proof@v1\nindex 01\n\nnote",
        "c2sp.org/tlog-proof@v1\nindex -1\n\nnote",
        "c2sp.org/tlog-proof@v1\nindex 1\nAAAA\n\nnote",
        "c2sp.org/tlog-proof@v1\nindex 1\n*\n\nnote",
        "c2sp.org/tlog-proof@v1\nindex 1\n" + "A" * 43 + "=\n" * 64 + "\nnote",
    ],
)
def test_what_is_no_proof_is_refused(text: str) -> None:
    with pytest.raises(InvalidProof):
        TlogProof.parse(text)


def test_an_opening_leads_to_the_id_of_its_order_only() -> None:
    secret = opening(IDENTITY, NaturalKey.of_order(NUMBER))
    assert opened_id(secret, NaturalKey.of_order(NUMBER)) == RECORD
    assert opened_id(secret, NaturalKey.of_order("ORD-Müller-2")) != RECORD


def test_what_was_done_to_an_order_is_proven_with_the_file_and_the_key(run: RunVerb, tmp_path: Path) -> None:
    file = proof(run, life(), tmp_path)
    printed = verified(run, file)
    assert (printed.code, printed.out.splitlines()[0]) == (0, "verdict  PROVEN")
    facts = verified(run, file, "--json").json
    assert (facts["proven"], facts["recordId"], facts["tenantOrderRecordId"]) == (True, RECORD, NUMBER)
    assert [each["event"]["data"]["sequence"]["n"] for each in facts["events"]] == [4, 6]
    assert {each["signed"] for each in facts["events"]} == {len(life().events)}


def test_a_proof_by_record_id_does_not_name_the_order(run: RunVerb, tmp_path: Path) -> None:
    file = proof(run, life(), tmp_path, "--record-id", RECORD)
    assert "Müller" not in file.read_text(encoding="utf-8")
    assert verified(run, file, "--json").json["tenantOrderRecordId"] is None


def test_every_event_of_a_trail_can_be_proven_also_after_its_head_was_cut(
    run: RunVerb, tmp_path: Path
) -> None:
    trail = life().cut(6)
    file = proof(run, trail, tmp_path)
    assert len(verified(run, file, "--json").json["events"]) == 2


def changed(name: str, found: dict[str, Any], other: dict[str, Any]) -> None:
    event = found["events"][0]
    match name:
        case "event":
            event["event"] = event["event"].replace('"versionBefore":1', '"versionBefore":2')
        case "index":
            event["proof"] = event["proof"].replace("index 18", "index 17")
        case "swapped":
            event["event"] = found["events"][1]["event"]
        case "number":
            found["opening"]["tenantOrderRecordId"] = "ORD-Müller-2"
        case "opening":
            found["opening"]["opening"] = base64.b64encode(bytes(32)).decode()
        case "no base64":
            found["opening"]["opening"] = "*"
        case "record":
            found["opening"], found["recordId"] = None, "6f1c0b0e-7a51-8c3e-9d41-2b7f6a0c9e55"
        case "forged":
            event["proof"] = other["events"][0]["proof"]


@pytest.mark.parametrize(
    "name", ["event", "index", "swapped", "number", "opening", "no base64", "record", "forged"]
)
def test_a_file_that_was_changed_proves_nothing(run: RunVerb, tmp_path: Path, name: str) -> None:
    file = proof(run, life(), tmp_path)
    strange = tmp_path / "strange.json"
    folder = exported(resigned(life(), STRANGE_SEED), tmp_path / "strange")
    words = ("--key", STRANGE_KEY.text, "--tenant-order-record-id", NUMBER)
    assert run("audit", "proof", str(strange), str(folder), *words).code == 0
    found = orjson.loads(file.read_bytes())
    before = orjson.dumps(found)
    changed(name, found, orjson.loads(strange.read_bytes()))
    assert orjson.dumps(found) != before
    file.write_bytes(orjson.dumps(found))
    printed = verified(run, file)
    assert (printed.code, printed.out.startswith("NOT PROVEN: ")) == (4, True)
    assert "Müller" not in printed.out


def test_what_cannot_be_proven_is_told_in_one_line(run: RunVerb, tmp_path: Path) -> None:
    def refused(trail: Trail, name: str) -> str:
        folder = str(exported(trail, tmp_path / name))
        words = ("--key", KEY.text, "--tenant-order-record-id", NUMBER)
        printed = run("audit", "proof", str(tmp_path / "none.json"), folder, *words)
        assert (printed.code, printed.err.count("\n"), (tmp_path / "none.json").exists()) == (1, 1, False)
        return printed.err

    assert "no signed event of this record is on the trail" in refused(sound(), "without")
    assert "no checkpoint of the trail's key" in refused(Trail(life().events), "unsigned")
    altered = life()
    altered.events[3].value = altered.events[2].value
    assert "the events are not those that were signed" in refused(altered, "altered")
    short = life()
    short.events.pop()
    assert "the trail is shorter than what was signed" in refused(short, "short")
    (tmp_path / "junk.json").write_text("{}")
    assert "is no file that `audit proof` has written" in verified(run, tmp_path / "junk.json").err
    assert run("audit", "proof", "x", "--key", KEY.text).code == 64
