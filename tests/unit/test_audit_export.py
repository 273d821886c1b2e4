"""What an export holds is what was on the topics, to the byte; and a damaged one says so."""

import asyncio
import base64
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.checkpoint_book import CheckpointRecord, told
from audit.checkpoints import Checkpoint
from audit.keys import VerifierKey
from audit.verdict import Batch
from cli import audit_folder, audit_writing
from cli.audit_folder import Folder
from cli.audit_lines import (
    MalformedLine,
    checkpoint_lines,
    event_lines,
    read_checkpoints,
    read_events,
)
from cli.audit_writing import Writer, copy_checkpoints
from records.identity import NaturalKey, record_id
from records.keys import RecordKeys
from tests.exports import exported
from tests.trails import KEY, NOW, RETIRED_KEY, STRANGE_SEED, Told, Trail, sound
from tests.verbs import Printed, RunVerb, verb_runner

VALUES = st.one_of(st.none(), st.binary(max_size=20), st.binary(max_size=20).map(lambda value: b"{" + value))


@given(st.lists(st.tuples(st.integers(0, 2**60), VALUES, st.integers(-1, 2**50)), max_size=8))
def test_every_value_comes_back_to_the_byte(rows: list[tuple[int, bytes | None, int]]) -> None:
    batch = Batch([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows])
    assert read_events(event_lines(batch)) == batch


@given(
    st.lists(
        st.builds(
            CheckpointRecord,
            st.integers(0, 2**60),
            st.one_of(st.none(), st.binary(max_size=20), st.text(max_size=20).map(str.encode)),
            st.lists(st.tuples(st.text(max_size=5), st.one_of(st.none(), st.binary(max_size=9))), max_size=3),
        ),
        max_size=4,
    )
)
def test_every_checkpoint_record_comes_back_to_the_byte(records: list[CheckpointRecord]) -> None:
    assert read_checkpoints(checkpoint_lines(records)) == records


@pytest.mark.parametrize(
    "line",
    [
        *(b"", b"1", b"1 2", b"a 2 {}", b"1 2 junk", b"1 2 base64:*", b"-1 2 {}", b"+1 2 {}", b"1_0 2 {}"),
        *(b"1 %d {}" % 10**400, b"1 %d {}" % 2**63, b"%d 2 {}" % 2**63, b"1 -%d {}" % 2**63, b"junk 1 2 {}"),
    ],
)
def test_a_line_that_nobody_wrote_is_malformed(line: bytes) -> None:
    with pytest.raises(MalformedLine):
        read_events(b"1 2 {}\n" + line + b"\n3 4 {}\n")


@pytest.mark.parametrize("line", [b"", b"[]", b"{}", b'{"offset":1,"headers":[["a"]],"note":1}', b"1"])
def test_a_checkpoint_line_that_nobody_wrote_is_malformed(line: bytes) -> None:
    with pytest.raises(MalformedLine):
        read_checkpoints(line + b"\n")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RunVerb:
    for name in [name for name in os.environ if name.startswith("ORDER_RECORDS_")]:
        monkeypatch.delenv(name)
    return verb_runner(monkeypatch, capsys)


def verified(run: RunVerb, folder: Path, *words: str, key: VerifierKey = KEY) -> Printed:
    return run("audit", "verify", str(folder), "--key", key.text, *words)


def test_a_sound_export_is_verified_with_nothing_but_the_key(run: RunVerb, tmp_path: Path) -> None:
    folder = exported(sound(), tmp_path / "trail")
    printed = verified(run, folder)
    assert printed.code == 0
    assert printed.out.startswith("verdict   SOUND: what was read is whole, and is what was signed\n")
    assert "erasures  batches 1 to 6\n" in printed.out
    facts = verified(run, folder, "--json").json
    assert (facts["verdict"], facts["exitCode"], facts["findings"]) == ("SOUND", 0, [])
    assert (facts["proven"], facts["signed"], facts["n"]) == (36, 36, {"first": 1, "last": 6})


def altered(trail: Trail) -> None:
    trail.events[9].value = trail.events[8].value


def skipped(trail: Trail) -> None:
    trail.erase(9)
    trail.sign(at=NOW - 10)


def test_of_several_faults_the_worst_decides(run: RunVerb, tmp_path: Path) -> None:
    trail = sound()
    skipped(trail)
    trail.events.pop()
    assert verified(run, exported(trail, tmp_path / "missing")).code == 3
    altered(trail)
    assert verified(run, exported(trail, tmp_path / "altered")).code == 4


def test_what_was_kept_is_compared_the_next_time(run: RunVerb, tmp_path: Path) -> None:
    seen = tmp_path / "seen.txt"
    printed = verified(run, exported(sound(4), tmp_path / "first"), "--keep", str(seen))
    assert (printed.code, Checkpoint.parse(seen.read_text().partition("\n\n")[0] + "\n").size) == (0, 24)
    grown = exported(sound(6), tmp_path / "grown")
    assert verified(run, grown, "--since", str(seen), "--keep", str(seen)).code == 0
    assert Checkpoint.parse(seen.read_text().partition("\n\n")[0] + "\n").size == 36

    for code, name, trail in (
        (4, "rebuilt", sound(7, name="rebuilt")),
        (3, "cut", Trail(sound(5).events, sound(5).checkpoints)),
    ):
        folder = exported(trail, tmp_path / name)
        before = seen.read_bytes()
        assert verified(run, folder).code == 0
        printed = verified(run, folder, "--since", str(seen), "--keep", str(seen))
        assert (printed.code, seen.read_bytes()) == (code, before)
        said = "was not written: only of a trail that was read to its end and is what was signed"
        assert said in printed.out


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("events-*.txt"))


def test_events_in_several_files_are_read_as_one_trail(
    run: RunVerb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_writing, "EVENTS_PER_FILE", 8)
    monkeypatch.setattr(audit_folder, "_CHUNK", 1_000)
    trail = sound()
    for place, event in enumerate(trail.events):
        event.time = NOW - 1_000 + place
    folder = exported(trail, tmp_path / "trail")
    assert [path.name for path in files(folder)][:2] == [
        "events-000000000000000.txt",
        "events-000000000000008.txt",
    ]
    assert verified(run, folder).code == 0

    part = verified(run, folder, "--from", told(NOW - 1_000 + 20), "--to", told(NOW - 1_000 + 25), "--json")
    assert (part.code, part.json["events"]) == (0, {"from": 18, "until": 31, "notRead": 18})

    files(folder)[1].unlink()
    printed = verified(run, folder)
    assert printed.code == 3
    assert "events-000000000000008.txt cannot be read: No such file or directory" in printed.out
    assert "the events at 8 to 15 are missing" in printed.out


def test_a_file_that_was_changed_or_cut_is_named(run: RunVerb, tmp_path: Path) -> None:
    folder = exported(sound(), tmp_path / "trail")
    [file] = files(folder)
    good = file.read_bytes()
    file.write_bytes(good.replace(b'"policyVersion":3', b'"policyVersion":4', 1))
    printed = verified(run, folder)
    assert printed.code == 4
    assert "another digest than the manifest says" in printed.out
    assert "the first 6 events are not those that were signed" in printed.out
    file.write_bytes(good[:-20])
    printed = verified(run, folder)
    assert printed.code == 3
    assert "MISSING FILE_MISSING: a file that the export names is missing, or ends too early" in printed.out


def test_a_line_without_end_is_not_gathered(
    run: RunVerb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_folder, "_CHUNK", 100)
    monkeypatch.setattr(audit_folder, "_LONGEST", 2_000)
    folder = exported(sound(), tmp_path / "trail")
    [file] = files(folder)
    file.write_bytes(b"0 0 " + b"{" * 1_000_000)
    printed = verified(run, folder)
    assert printed.code == 4
    assert "has a line that is too long" in printed.out


def test_an_export_of_odd_records_keeps_them_as_they_are(run: RunVerb, tmp_path: Path) -> None:
    trail = Trail([Told(None), Told(b"{\n}"), Told(b"\xff\x00"), Told(b"null")])
    trail.sign(at=NOW - 10)
    facts = verified(run, exported(trail, tmp_path / "trail"), "--json").json
    assert [(finding["kind"], finding["count"]) for finding in facts["findings"]] == [("NOT_AN_EVENT", 4)]
    assert facts["proven"] == 4


def test_checkpoints_are_copied_from_one_on_and_before_another(tmp_path: Path) -> None:
    folder = exported(sound(), tmp_path / "trail")
    part = tmp_path / "part"
    part.mkdir()
    writer = Writer(part)
    asyncio.run(copy_checkpoints(Folder(folder), writer, 1, 4, lambda *_: None))
    records = read_checkpoints((part / "checkpoints.jsonl").read_bytes())
    assert [record.offset for record in records] == [1, 2, 3]


async def test_a_time_leads_to_the_first_event_that_is_not_earlier(tmp_path: Path) -> None:
    trail = sound()
    for place, event in enumerate(trail.events):
        event.time = NOW - 1_000 + 10 * place
    folder = Folder(exported(trail, tmp_path / "trail"))
    for moment, offset in ((-2_000, 0), (-1_000, 0), (-999, 1), (-990, 1), (-650, 35), (0, None)):
        assert await folder.offset_at(datetime.fromtimestamp(NOW + moment, UTC)) == offset


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "name the trail's verifier key by --key"),
        (["--key", "nonsense"], "neither a file nor a verifier key"),
        (
            ["--key", KEY.text, "--key", VerifierKey("other", KEY.type, KEY.public).text],
            "and these have several",
        ),
        (["--key", KEY.cosigner().text], "is of type 1"),
        (["--key", KEY.text, "--since", "nowhere.txt"], "cannot be read"),
        (
            ["--key", KEY.text, "--from", "2026-02-01", "--to", "2026-01-01"],
            "--to should be later than --from",
        ),
        (["--key", KEY.text, "--from", "nonsense"], "should be a time"),
    ],
)
def test_a_wrong_call_ends_with_64(run: RunVerb, tmp_path: Path, words: list[str], told: str) -> None:
    folder = exported(sound(), tmp_path / "trail")
    printed = run("audit", "verify", str(folder), *words)
    assert (printed.code, printed.out) == (64, "")
    assert told in printed.err


def test_a_checkpoint_of_a_stranger_is_none_that_was_seen(run: RunVerb, tmp_path: Path) -> None:
    strange = tmp_path / "seen.txt"
    strange.write_bytes(sound(2, STRANGE_SEED).checkpoints[-1].value or b"")
    printed = verified(run, exported(sound(), tmp_path / "trail"), "--since", str(strange))
    assert printed.code == 64
    assert "is no checkpoint of this trail's keys" in printed.err


def test_keys_come_from_a_file_too_and_retired_ones_after_todays(run: RunVerb, tmp_path: Path) -> None:
    file = tmp_path / "keys.txt"
    file.write_text(f"# today's\n{KEY.text}\n\n{RETIRED_KEY.text}\n")
    printed = run("audit", "verify", str(exported(sound(), tmp_path / "trail")), "--key", str(file))
    assert printed.code == 0


def test_a_folder_that_was_not_finished_is_told_in_one_line(run: RunVerb, tmp_path: Path) -> None:
    printed = verified(run, tmp_path)
    assert (printed.code, printed.out) == (1, "")
    assert printed.err.startswith("Error: ")
    assert "holds no export that was finished: no manifest.json" in printed.err
    (tmp_path / "manifest.json").write_text('{"format": 2}')
    assert "is no manifest of an export that this build knows" in verified(run, tmp_path).err


def test_events_are_shown_by_record_type_and_time(run: RunVerb, tmp_path: Path) -> None:
    trail = sound()
    folder = str(exported(trail, tmp_path / "trail"))
    every = run("audit", "show", folder, "--json").json
    assert (len(every["events"]), every["more"], every["malformed"]) == (36, False, 0)
    record = every["events"][3]["subject"]
    [event] = run("audit", "show", folder, "--record-id", record, "--json").json["events"]
    assert (event["offset"], event["subject"]) == (3, record)
    table = run("audit", "show", folder, "--record-id", record).out.splitlines()
    assert table[0].split() == ["offset", "time", "type", "subject", "n", "due"]
    assert table[1].split()[:4] == ["3", event["time"], "record.anonymized", record]
    some = run("audit", "show", folder, "--type", "event.quarantined", "--limit", "4", "--json").json
    assert ({event["type"] for event in some["events"]}, some["more"]) == (
        {"order-records.event.quarantined.v1"},
        True,
    )
    assert run("audit", "show", folder, "--from", told(NOW)).out == "no such event\n"
    printed = run("audit", "show", folder, "--record-id", record, "--tenant-order-record-id", "1")
    assert printed.code == 64


def test_an_order_number_leads_to_its_events_only_with_the_key(
    run: RunVerb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, number = bytes(range(32)), "ORD-2026-1"
    record = record_id(RecordKeys.derive(secret).identity, NaturalKey.of_order(number))
    trail = sound()
    trail.tell("deleted", 7, [[record, 2, datetime.fromtimestamp(NOW, UTC), []]])
    folder = str(exported(trail, tmp_path / "trail"))
    printed = run("audit", "show", folder, "--tenant-order-record-id", number)
    assert (printed.code, "ORDER_RECORDS_SECRETS__ID_KEY is not set" in printed.err) == (1, True)
    monkeypatch.setenv("ORDER_RECORDS_SECRETS__ID_KEY", base64.b64encode(secret).decode())
    [event] = run("audit", "show", folder, "--tenant-order-record-id", number, "--json").json["events"]
    assert event["subject"] == record
