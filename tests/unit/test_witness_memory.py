"""What a witness remembers is little, and enough: its work does not grow with the age of the trail."""

import base64
import os
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

import pytest

from audit.checkpoint_book import CheckpointRecord
from audit.checkpoints import SignedCheckpoint, open_checkpoint
from audit.findings import Findings, Outcome
from audit.verdict import Batch
from audit.witnessing import Witness
from cli.audit_source import Edges, Progress
from cli.audit_witness import Watch
from cli.witness_state import WitnessState
from runtime.errors import UserError
from tests.exports import exported
from tests.trails import KEY, NOW, RETIRED_KEY, RETIRED_SEED, Trail, renumbered, sound
from tests.verbs import RunVerb, verb_runner

SEED: Final = bytes([9]) * 32
WITNESS: Final = Witness("compliance", SEED)
DAY: Final = 86_400


class Live:
    """Topics in memory, whose trail may be another one at each look; counts what is read of them."""

    def __init__(self, trail: Trail) -> None:
        self.trail = trail
        self.checkpoints_read: list[int] = []
        self.events_read: list[int] = []

    async def edges(self) -> Edges:
        return Edges(self.trail.first, self.trail.first + len(self.trail.events))

    async def offset_at(self, time: datetime) -> int | None:
        raise NotImplementedError

    def now(self) -> float | None:
        return None

    async def checkpoints(
        self, begin: int, progress: Progress
    ) -> AsyncGenerator[list[CheckpointRecord], None]:
        for record in self.trail.checkpoints:
            if record.offset >= begin:
                self.checkpoints_read.append(record.offset)
                yield [record]
                progress(record.offset + 1, len(self.trail.checkpoints))

    async def events(self, begin: int, stop: int, progress: Progress) -> AsyncGenerator[Batch, None]:
        offsets = list(range(max(begin, self.trail.first), stop))
        self.events_read += offsets
        values = [self.trail.events[offset - self.trail.first].value for offset in offsets]
        yield Batch(offsets, values, [0] * len(offsets))
        progress(len(offsets), len(offsets))

    def again(self, there: range) -> AsyncGenerator[Batch, None]:
        raise NotImplementedError

    def look_around(self, findings: Findings) -> None:
        pass


class Followed:
    """A witness of a trail in memory; each goes on from the same files, as after a restart."""

    def __init__(self, folder: Path, live: Live) -> None:
        self.live, self.folder = live, folder
        self.state = WitnessState(folder / "state", folder / "cosigned", [KEY, RETIRED_KEY], WITNESS.key)
        self.watch = Watch(live, [KEY, RETIRED_KEY], WITNESS, self.state)

    async def looked(self) -> tuple[bool, int, int]:
        """Whether it fits, and how many checkpoints and events were read."""
        self.live.checkpoints_read.clear()
        self.live.events_read.clear()
        fits = await self.watch.look()
        return fits, len(self.live.checkpoints_read), len(self.live.events_read)

    def shown(self) -> SignedCheckpoint:
        return open_checkpoint((self.folder / "cosigned" / "latest").read_bytes(), [KEY], [WITNESS.key])


@pytest.fixture
def follow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Live], Followed]:
    monkeypatch.setattr("cli.audit_witness._CONFIRM_SECONDS", 0.01)
    (tmp_path / "cosigned").mkdir()

    def made(live: Live) -> Followed:
        followed = Followed(tmp_path, live)
        with followed.state.held():  # reads the files; nobody else is there
            return followed

    return made


Follow = Callable[[Live], Followed]


async def test_each_look_reads_what_is_new_and_one_record_more_after_a_restart_as_well(
    follow: Follow, tmp_path: Path
) -> None:
    live = Live(Trail())
    followed = follow(live)
    sizes = list[int]()
    for n in range(1, 40):
        live.trail.erase(n)
        live.trail.sign(at=NOW - 6_000 + 60 * n)
        if n % 7 == 0:
            followed = follow(live)
        assert await followed.looked() == (True, min(n, 2), 5)
        assert followed.shown().checkpoint.size == len(live.trail.events)
        assert [path.name for path in (tmp_path / "cosigned").iterdir()] == ["latest"]
        sizes.append((tmp_path / "state").stat().st_size)
    assert max(sizes) < 2_048
    assert await follow(live).looked() == (True, 1, 0)


async def test_a_checkpoint_topic_that_was_made_anew_is_read_anew_at_the_next_look(follow: Follow) -> None:
    trail = sound(4)
    live = Live(trail)
    followed = follow(live)
    await followed.looked()
    trail.erase(5)
    trail.sign(at=NOW - 10)
    live.trail = Trail(trail.events, renumbered(trail.checkpoints[2:]))
    assert await followed.looked() == (True, 3, 5)
    assert followed.shown().checkpoint.size == len(trail.events)


async def test_a_topic_that_was_made_anew_and_is_as_long_as_before_is_read_anew(follow: Follow) -> None:
    trail = sound(4)
    live = Live(trail)
    followed = follow(live)
    await followed.looked()
    trail.erase(5)
    newest = trail.sign(at=NOW - 10)
    junk = [CheckpointRecord(0, b"junk", [])] * 5
    live.trail = Trail(trail.events, renumbered([newest, *junk]))
    assert await followed.looked() == (True, 7, 5)
    assert followed.shown().checkpoint.size == len(trail.events)


@pytest.mark.parametrize(
    "other", [sound(7, name="other"), Trail(), sound(3)], ids=["another", "none", "shorter"]
)
async def test_another_history_is_noticed_at_the_next_look(other: Trail, follow: Follow) -> None:
    live = Live(sound(4))
    followed = follow(live)
    assert (await followed.looked())[0]
    live.trail = other
    assert not (await followed.looked())[0]
    assert followed.watch.outcome is Outcome.INVALID
    assert followed.shown().checkpoint.size == len(sound(4).events)


async def test_an_older_note_that_somebody_sends_again_is_not_cosigned(follow: Follow) -> None:
    trail = sound(4)
    live = Live(trail)
    trail.sign(at=NOW - 5)
    followed = follow(live)
    await followed.looked()
    older = trail.checkpoints[3]
    trail.checkpoints.append(replace(older, offset=len(trail.checkpoints)))
    for each in (followed, follow(live)):
        assert (await each.looked())[0]
        assert each.shown().signed_at == NOW - 5


async def test_a_retired_key_has_no_say_after_a_restart_either(follow: Follow) -> None:
    trail = sound(4)
    live = Live(trail)
    await follow(live).looked()
    trail.checkpoints.append(sound(5, RETIRED_SEED, name="invented").checkpoints[-1])
    trail.checkpoints = renumbered(trail.checkpoints)
    followed = follow(live)
    assert (await followed.looked())[0]
    assert followed.watch.outcome is Outcome.SOUND


async def test_a_true_note_with_another_range_keeps_no_witness_from_going_on(follow: Follow) -> None:
    trail = sound(4)
    broken = replace(trail.checkpoints[-1], offset=4, headers=[])
    trail.checkpoints.append(broken)
    live = Live(trail)
    await follow(live).looked()
    trail.erase(5)
    trail.sign(at=NOW - 5)
    followed = follow(live)
    assert await followed.looked() == (True, 2, 5)
    assert followed.shown().checkpoint.size == len(trail.events)


async def test_a_record_that_is_missing_between_two_runs_is_told(follow: Follow) -> None:
    trail = sound(4)
    live = Live(trail)
    await follow(live).looked()
    trail.sign(at=NOW - 20)
    trail.sign(at=NOW - 10)
    del trail.checkpoints[4]
    followed = follow(live)
    assert (await followed.looked())[0]
    assert followed.watch.outcome is Outcome.INVALID


async def test_the_time_of_a_cosignature_is_that_up_to_which_it_has_looked(
    follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [NOW]

    class Slow(Live):
        async def events(self, begin: int, stop: int, progress: Progress) -> AsyncGenerator[Batch, None]:
            clock[0] += DAY
            async for batch in super().events(begin, stop, progress):
                yield batch

    monkeypatch.setattr("cli.audit_witness.time.time", lambda: clock[0])
    followed = follow(Slow(sound(4)))
    await followed.looked()
    assert [each.signed_at for each in followed.shown().cosigned] == [NOW]


async def test_what_the_disk_refused_to_show_is_shown_by_the_next_look(
    follow: Follow, tmp_path: Path
) -> None:
    followed = follow(Live(sound(4)))
    (tmp_path / "cosigned" / "latest.new").mkdir()
    with pytest.raises(UserError, match="cannot be written"):
        await followed.looked()
    (tmp_path / "cosigned" / "latest.new").rmdir()
    assert await followed.looked() == (True, 1, 0)
    assert followed.shown().checkpoint.size == len(sound(4).events)


async def test_a_state_of_another_history_than_was_shown_is_refused(follow: Follow, tmp_path: Path) -> None:
    await follow(Live(sound(4))).looked()
    kept = (tmp_path / "state").read_bytes()
    for name in ("state", "cosigned/latest"):
        (tmp_path / name).unlink()
    await follow(Live(sound(4, name="other"))).looked()
    (tmp_path / "state").write_bytes(kept)
    with pytest.raises(UserError, match="two histories"):
        follow(Live(sound(4)))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace('"format":1', '"format":2'),
        lambda text: text.replace('"range":"', '"range":"AAAA'),
        lambda text: text.replace('"record":', '"record":-'),
        lambda text: text.replace('"digest":"', '"digest":"0'),
        lambda text: text[: len(text) // 2],
    ],
    ids=["format", "range", "record", "digest", "half"],
)
async def test_a_state_that_was_changed_is_refused(
    change: Callable[[str], str], follow: Follow, tmp_path: Path
) -> None:
    await follow(Live(sound(4))).looked()
    state = tmp_path / "state"
    changed = change(state.read_text())
    assert changed != state.read_text()
    state.write_text(changed)
    with pytest.raises(UserError, match="no state of a witness"):
        follow(Live(sound(4)))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> RunVerb:
    for name in [name for name in os.environ if name.startswith("ORDER_RECORDS_")]:
        monkeypatch.delenv(name)
    (tmp_path / "witness.key").write_text(base64.b64encode(SEED).decode())
    return verb_runner(monkeypatch, capsys)


def test_a_witness_that_was_shown_an_idle_fork_vouches_for_no_other(run: RunVerb, tmp_path: Path) -> None:
    """It co-signed five events minutes ago; here 55 have been signed for days."""
    trail = Trail()
    trail.erase(1)
    trail.sign(at=NOW - 3 * DAY)
    idle = trail.sign(at=NOW - 300)
    trail.checkpoints.pop()
    signed = open_checkpoint(idle.value, [KEY])
    latest = tmp_path / "latest"
    latest.write_bytes(WITNESS.cosigned(idle.value or b"", signed, int(NOW - 290)))
    for n in range(2, 12):
        trail.erase(n, name="other history")
        trail.sign(at=NOW - 3 * DAY + 3_600 * (n - 1))
    for hour in range(12, 73):
        trail.sign(at=NOW - 3 * DAY + 3_600 * hour - 60)
    folder = exported(trail, tmp_path / "trail")
    words = ("audit", "verify", str(folder), "--key", KEY.text, "--witness", WITNESS.key.text)

    told = run(*words, "--cosigned", str(latest))

    assert (told.code, "NOT_COSIGNED" in told.out) == (2, True), told.out
    assert "compliance has co-signed 5 events at 2026-11-23T11:55:10.000Z, and 55 were signed by" in told.out
    assert "co-signed  nothing by as many as are wanted" in told.out


def test_a_report_says_how_far_witnesses_vouch(run: RunVerb, tmp_path: Path) -> None:
    trail = sound(6)
    record = trail.checkpoints[-2]
    latest = tmp_path / "latest"
    signed = open_checkpoint(record.value, [KEY])
    latest.write_bytes(WITNESS.cosigned(record.value or b"", signed, int(NOW - 90)))
    folder = exported(trail, tmp_path / "trail")
    words = ("audit", "verify", str(folder), "--key", KEY.text, "--witness", WITNESS.key.text)
    size = signed.checkpoint.size

    told = run(*words, "--cosigned", str(latest))

    assert told.code == 0, told.out
    assert f"co-signed  up to event {size - 1}; by compliance" in told.out
    facts = run(*words, "--cosigned", str(latest), "--json").json
    witness = {"name": "compliance", "size": size, "at": "2026-11-23T11:58:30.000Z", "counts": True}
    assert facts["cosigned"] == {"size": size, "witnesses": [witness]}
