"""A topic that grows, and whose head is cut, while it is read: neither an export nor a verdict suffers."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pytest

from audit.checkpoint_book import CheckpointRecord
from audit.findings import Findings
from audit.notes import Note, Signature
from audit.verdict import Batch
from cli.audit_lines import read_checkpoints
from cli.audit_source import Edges, Progress
from tests.trails import KEY, NOW, Trail, renumbered, sound
from tests.verbs import RunVerb, verb_runner


@dataclass
class Living:
    """Topics that are `trail`, and once the checkpoints were read for the first time `later`."""

    trail: Trail
    later: Trail
    cut_then: bool = False
    """Whether `later` shows before the events are read, and not already when their end is asked for."""
    _reads: int = 0
    _told: int = 0

    def _there(self) -> Trail:
        return self.later if self._reads > 0 else self.trail

    async def edges(self) -> Edges:
        self._told += 1
        there = self.trail if self.cut_then and self._told <= 2 else self._there()
        return Edges(there.first, there.first + len(there.events))

    async def offset_at(self, time: datetime) -> int | None:
        there = self._there()
        late = [at for at, each in enumerate(there.events, there.first) if each.time >= time.timestamp()]
        return late[0] if late else None

    def now(self) -> float:
        return NOW

    async def checkpoints(self, begin: int, _: Progress) -> AsyncGenerator[list[CheckpointRecord], None]:
        records = self._there().checkpoints
        self._reads += 1
        yield [each for each in records if each.offset >= begin]

    async def events(self, begin: int, stop: int, _: Progress) -> AsyncGenerator[Batch, None]:
        there = self.later
        rows = [row for row in enumerate(there.events, there.first) if begin <= row[0] < stop]
        times = [int(each.time * 1000) for __, each in rows]
        yield Batch([at for at, _ in rows], [each.value for __, each in rows], times)

    def look_around(self, findings: Findings) -> None:
        pass


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RunVerb:
    return verb_runner(monkeypatch, capsys)


def exported(run: RunVerb, living: Living, folder: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> str:
    monkeypatch.setattr("cli.audit_export.Topics", lambda _: living)
    printed = run("audit", "export", str(folder), "--key", KEY.text, *words)
    assert printed.code == 0, printed.err
    return printed.out


def grown() -> Trail:
    trail = sound(4)
    trail.erase(5)
    trail.sign(at=NOW - 5)
    return trail


def verdict(run: RunVerb, folder: Path) -> tuple[int, int]:
    facts = run("audit", "verify", str(folder), "--key", KEY.text, "--json").json
    assert facts["findings"] == []
    return facts["exitCode"], facts["proven"]


def test_a_checkpoint_that_comes_while_an_export_is_made_does_not_make_it_too_short(
    run: RunVerb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported(run, Living(sound(4), grown()), tmp_path / "trail", monkeypatch)
    assert verdict(run, tmp_path / "trail") == (0, 24)


def test_an_export_ends_at_the_newest_checkpoint_and_says_what_it_leaves_out(
    run: RunVerb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trail = sound(4)
    trail.erase(5)
    out = exported(run, Living(trail, trail), tmp_path / "trail", monkeypatch)
    assert "events  0 to 23\n" in out
    assert out.endswith("note  5 events after these are not signed yet, and are not in it\n")
    assert verdict(run, tmp_path / "trail") == (0, 24)


def test_a_trail_that_was_cut_at_its_end_is_exported_as_that(
    run: RunVerb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trail = sound(4)
    del trail.events[-2:]
    exported(run, Living(trail, trail), tmp_path / "trail", monkeypatch)
    facts = run("audit", "verify", str(tmp_path / "trail"), "--key", KEY.text, "--json").json
    assert [each["kind"] for each in facts["findings"]] == ["TRUNCATED", "BATCH_INCOMPLETE"]


def test_nothing_is_exported_of_what_nobody_has_signed(
    run: RunVerb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trail = Trail()
    trail.erase(1)
    monkeypatch.setattr("cli.audit_export.Topics", lambda _: Living(trail, trail))
    printed = run("audit", "export", str(tmp_path / "trail"), "--key", KEY.text)
    assert (printed.code, "nothing of the trail is signed yet" in printed.err) == (1, True)


def test_a_strangers_record_does_not_end_the_checkpoints_of_a_period_early(
    run: RunVerb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trail = sound()
    for place, event in enumerate(trail.events):
        event.time = NOW - 1_000 + 10 * place
    true = [(each.value or b"").decode().partition("\n\n")[0] + "\n" for each in trail.checkpoints]
    junk = [Note(true[place], (Signature("x", b"1234", b"abc"),)).encode() for place in (3, 4)]
    strange = [CheckpointRecord(0, value, []) for value in junk]
    trail.checkpoints = renumbered([*trail.checkpoints[:2], *strange, *trail.checkpoints[2:]])
    findings = ["FORGED"]  # a stranger's word in the trail's name is told, and takes nothing away
    period = ("--from", "2026-11-23T11:46:00Z", "--to", "2026-11-23T11:47:00Z")
    exported(run, Living(trail, trail), tmp_path / "part", monkeypatch, *period)
    facts = run("audit", "verify", str(tmp_path / "part"), "--key", KEY.text, "--json").json
    assert [each["kind"] for each in facts["findings"]] == findings
    assert (facts["events"], facts["proven"]) == ({"from": 13, "until": 24, "notRead": 0}, 24)
    copied = read_checkpoints((tmp_path / "part" / "checkpoints.jsonl").read_bytes())
    assert [record.offset for record in copied] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("cut_then", [True, False])
def test_an_export_whose_head_retention_has_cut_meanwhile_begins_later(
    run: RunVerb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, cut_then: bool
) -> None:
    trail = sound()
    living = Living(trail, trail.cut(8), cut_then=cut_then)
    exported(run, living, tmp_path / "trail", monkeypatch)
    words = ("--retention-days", "0", "--json")
    facts = run("audit", "verify", str(tmp_path / "trail"), "--key", KEY.text, *words).json
    assert (facts["findings"], facts["events"]) == ([], {"from": 13, "until": 36, "notRead": 5})


def test_an_event_that_the_topic_lacks_is_missing_in_its_export_too(
    run: RunVerb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = sound()
    hole = Living(whole, replace(whole, events=whole.events[1:], first=1))

    async def still_there() -> Edges:
        return Edges(0, 36)

    monkeypatch.setattr(hole, "edges", still_there)
    exported(run, hole, tmp_path / "trail", monkeypatch)
    facts = run("audit", "verify", str(tmp_path / "trail"), "--key", KEY.text, "--json").json
    assert facts["exitCode"] == 3
    assert "EVENT_MISSING" in [each["kind"] for each in facts["findings"]]


def test_a_head_that_retention_cuts_while_a_trail_is_verified_accuses_nobody(
    run: RunVerb, monkeypatch: pytest.MonkeyPatch
) -> None:
    trail = sound()
    living = Living(trail, trail.cut(8), cut_then=True)
    monkeypatch.setattr("cli.audit_verify.source_of", lambda *_: living)
    printed = run("audit", "verify", "--key", KEY.text)
    assert (printed.code, printed.out) == (1, "")
    assert "was cut while it was read, as by retention: try again" in printed.err
    again = run("audit", "verify", "--key", KEY.text, "--retention-days", "0")
    assert again.code == 0
