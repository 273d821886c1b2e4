"""However many old numbers somebody sends once more, what is read again for them has a bound."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import pytest

from audit import late, verification
from audit.findings import Finding, Findings, Kind
from audit.late import LateParts
from audit.repeats import LatestEvents
from audit.verdict import Batch, Verdict
from cli import audit_folder
from cli.audit_chunks import Chunk
from cli.audit_folder import Folder
from cli.audit_reading import Kept, Wanted, verified
from cli.audit_source import NOTHING
from tests.exports import exported
from tests.trails import KEY, NOW, Trail, kinds

SIZE = 10
BATCHES = 40


@pytest.fixture(autouse=True)
def _looks_often_and_remembers_little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "LatestEvents", lambda: LatestEvents(8))
    monkeypatch.setattr(late, "_MANY_PARTS", 12)
    monkeypatch.setattr(late, "_APART", 7)
    monkeypatch.setattr(late, "_AT_LEAST", 0)
    monkeypatch.setattr(audit_folder, "_CHUNK", 4_096)


class Counting(Folder):
    """Knows what was read again."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.events_again = 0

    async def again(self, there: range) -> AsyncGenerator[Batch, None]:
        async with aclosing(super().again(there)) as batches:
            async for batch in batches:
                self.events_again += len(batch.offsets)
                yield batch


def erased() -> Trail:
    trail = Trail()
    for n in range(1, BATCHES + 1):
        trail.erase(n, SIZE)
    return trail


async def verdict_of(trail: Trail, folder: Path) -> tuple[Verdict, Counting]:
    trail.sign(at=NOW - 2)
    source = Counting(exported(trail, folder))
    verdict = await verified(source, [KEY], Wanted(), Kept(None, 1460), lambda *_: None)
    return verdict, source


def given_twice(verdict: Verdict) -> Finding:
    (finding,) = verdict.findings
    assert finding.kind is Kind.N_TWICE
    return finding


@pytest.mark.parametrize("forged", [24, 240])
async def test_once_enough_are_others_no_more_is_looked_up_and_the_rest_is_noted(
    tmp_path: Path, forged: int
) -> None:
    trail = erased()
    for each in range(forged):
        other = Trail()
        other.erase(1 + each % (BATCHES - 1), SIZE, f"another {each}")
        trail.events.append(other.events[each % SIZE])
    verdict, source = await verdict_of(trail, tmp_path / "trail")
    assert source.events_again <= len(trail.events)
    finding = given_twice(verdict)
    assert finding.texts[0] == "number 1 comes again, with other events"
    (note,) = verdict.notes
    left = forged - finding.count
    assert note.startswith(
        f"{left} more batches came again in part, and were not looked up: {finding.count} "
    )


async def test_true_repeats_without_end_are_looked_up_so_often_and_not_more(tmp_path: Path) -> None:
    """Nobody can hide another batch behind them: what is not looked up is told."""
    trail = erased()
    for each in range(1_200):
        trail.events.append(trail.events[each * 37 % (BATCHES * SIZE - SIZE)])
    verdict, source = await verdict_of(trail, tmp_path / "trail")
    assert source.events_again <= late._TIMES * len(trail.events)
    finding = given_twice(verdict)
    assert finding.texts[0].endswith("after so many others that this one was not looked up")
    assert verdict.repeats + finding.count == 1_200


async def test_as_many_true_repeats_as_may_be_are_no_fault(tmp_path: Path) -> None:
    trail = erased()
    for each in range(60):
        trail.events.append(trail.events[each * 37 % (BATCHES * SIZE - SIZE)])
    verdict, source = await verdict_of(trail, tmp_path / "trail")
    assert (kinds(verdict), verdict.notes, verdict.repeats) == ([], [], 60)
    assert source.events_again > 0


def test_places_that_are_near_to_one_another_are_read_by_one_reader() -> None:
    parts = LateParts(Findings())
    for n, offset in enumerate((0, 10_000, 60_000, 200_000, 300_000), 1):
        parts.begins(n, offset)
    for n in (1, 3, 5):
        parts.add(n, 300_001, [b"%d" % n], 1)
    assert parts.ranges() == [range(200_000), range(300_000, 300_001)]


@pytest.fixture
def chunks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes were read again each time."""
    sizes, read = list[int](), Chunk.read

    def counted(chunk: Chunk, folder: Path) -> bytes | None:
        sizes.append(chunk.size)
        return read(chunk, folder)

    monkeypatch.setattr(Chunk, "read", counted)
    return sizes


async def read(folder: Folder, begin: int, stop: int) -> None:
    async with aclosing(folder.events(begin, stop, NOTHING)) as batches:
        async for _ in batches:
            pass


async def again(folder: Folder, there: range) -> list[tuple[int, bytes | None]]:
    rows = list[tuple[int, bytes | None]]()
    async with aclosing(folder.again(there)) as batches:
        async for batch in batches:
            rows += zip(batch.offsets, batch.values, strict=True)
    return rows


async def test_of_a_file_only_what_is_wanted_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunks: list[int]
) -> None:
    monkeypatch.setattr("cli.audit_writing.EVENTS_PER_FILE", 100)
    trail = erased()
    trail.sign(at=NOW - 2)
    folder = Folder(exported(trail, tmp_path / "trail"))
    await read(folder, 0, len(trail.events))
    for there in (range(1), range(95, 105), range(250, 262), range(399, 400), range(400)):
        chunks.clear()
        assert await again(folder, there) == [(at, trail.events[at].value) for at in there]
        wanted = sum(len(trail.events[at].value or b"") for at in there)
        assert sum(chunks) <= 2 * wanted + 3 * 4_096


@pytest.mark.parametrize("change", ["other bytes", "fewer bytes", "no file"])
async def test_a_file_that_is_changed_before_it_is_read_again_is_named(tmp_path: Path, change: str) -> None:
    trail = erased()
    trail.sign(at=NOW - 2)
    folder = Folder(exported(trail, tmp_path / "trail"))
    await read(folder, 0, len(trail.events))
    (path,) = (tmp_path / "trail").glob("events-*.txt")
    content = path.read_bytes()
    path.unlink()
    if change != "no file":
        path.write_bytes(content[:9] if change == "fewer bytes" else content.replace(b"DELETE", b"delete"))
    assert await again(folder, range(10, 20)) == []
    findings = Findings()
    folder.look_around(findings)
    (found,) = findings
    assert found.kind is (Kind.FILE_MISSING if change == "no file" else Kind.FILE_ALTERED)
