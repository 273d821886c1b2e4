"""Exports from both sides of a change of keys: today's key speaks for what came before what it has signed."""

from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from typing import Final

import pytest

from audit.findings import Kind, Outcome
from audit.keys import seed_key
from cli.audit_folder import Folder
from cli.audit_source import NOTHING, Source
from cli.reapply_exports import Export, Unsound, verified_exports
from tests.exports import exported
from tests.trails import KEY, LOG, NOW, RETIRED_KEY, RETIRED_SEED, SEED, Trail, renumbered, resigned
from tests.verbs import verb_runner

OLDEST_SEED: Final = bytes([3]) * 32
KEYS: Final = (KEY, RETIRED_KEY, seed_key(OLDEST_SEED, LOG))
SEEDS: Final = (OLDEST_SEED, OLDEST_SEED, RETIRED_SEED, RETIRED_SEED, SEED, SEED)
"""By which key each checkpoint is: the keys were changed twice."""
SIZE: Final = 7
"""Events before each."""


def whole(name: str = "") -> Trail:
    trail = Trail()
    for n, seed in enumerate(SEEDS, 1):
        trail.erase(n, 4, name)
        trail.quarantine(SIZE - 4)
        trail.sign(seed, NOW - 60 * (len(SEEDS) + 1 - n))
    return trail


def part(trail: Trail, begin: int, end: int, lacks: int | None = None) -> Trail:
    """A period, from one checkpoint to another; it may lack the record of one between them."""
    records = [each for each in trail.checkpoints[max(0, begin - 1) : end] if each.offset + 1 != lacks]
    return Trail(trail.events[begin * SIZE : end * SIZE], renumbered(records), begin * SIZE)


def folder(trail: Trail, path: Path) -> Path:
    return exported(trail, path, open_end=False, topic_first=0)


async def taken(*folders: Path, accept: bool = False, live: Source | None = None) -> list[Export]:
    async def there() -> Source | None:
        return live

    return await verified_exports(folders, KEYS, lambda *_: None, accept_gaps=accept, live=there)


async def refused(
    *folders: Path, accept: bool = False, live: Source | None = None
) -> tuple[Path, list[Kind], bool]:
    """Which one, why, and whether somebody might accept it."""
    with pytest.raises(Unsound) as found:
        await taken(*folders, accept=accept, live=live)
    verdict = found.value.verdict
    assert verdict.outcome is not Outcome.SOUND
    return found.value.path, [each.kind for each in verdict.findings], found.value.acceptable


async def values(exports: Sequence[Export]) -> list[bytes | None]:
    """Of all, one after another; where they overlap those of the first."""
    found = dict[int, bytes | None]()
    for export in exports:
        there = [value async for batch in export.values(export.begin, NOTHING) for value in batch]
        for offset, value in enumerate(there, export.begin):
            found.setdefault(offset, value)
    return [found[offset] for offset in range(len(found))]


@pytest.mark.parametrize(
    ("begin", "lacks"), [(0, None), (0, 4), (2, None), (3, None), (3, 4), (4, None)], ids=str
)
async def test_exports_on_both_sides_of_a_change_of_keys_are_sound_together_in_any_order(
    tmp_path: Path, begin: int, lacks: int | None
) -> None:
    trail = whole()
    before = folder(part(trail, 0, 4), tmp_path / "before")
    after = folder(part(trail, begin, 6, lacks), tmp_path / "after")
    assert await refused(before) == (before, [Kind.RETIRED_KEY], True)
    for given in ((before, after), (after, before)):
        exports = await taken(*given)
        assert {(each.path, each.begin, each.end) for each in exports} == {
            (before, 0, 4 * SIZE),
            (after, begin * SIZE, 6 * SIZE),
        }
        assert [each.accepted for each in exports] == [[], []]
        assert await values(exports) == trail.values()


async def test_each_export_speaks_for_the_one_before_it_where_keys_were_changed_more_than_once(
    tmp_path: Path,
) -> None:
    trail = whole()
    first, second, third = (
        folder(part(trail, at, at + 2), tmp_path / name)
        for name, at in (("first", 0), ("second", 2), ("third", 4))
    )
    for given in permutations((first, second, third)):
        assert [each.path for each in await taken(*given)] == [first, second, third]
    assert await refused(first, third) == (first, [Kind.RETIRED_KEY], True)
    assert await refused(second, first) == (second, [Kind.RETIRED_KEY], True)
    assert [len(each.accepted) for each in await taken(first, third, accept=True)] == [1, 0]


@pytest.mark.parametrize("begin", [0, 2, 3, 4])
@pytest.mark.parametrize("changed", [0, 9, 14, 24])
async def test_what_only_the_thief_of_a_retired_key_has_signed_is_refused_whatever_is_accepted(
    tmp_path: Path, begin: int, changed: int
) -> None:
    invented = part(whole(), 0, 4)
    invented.events[changed] = whole("invented").events[changed]
    forged = folder(resigned(invented, RETIRED_SEED), tmp_path / "forged")
    true = folder(part(whole(), begin, 6), tmp_path / "true")
    for accept in (False, True):
        path, kinds, acceptable = await refused(forged, true, accept=accept)
        assert (path, Kind.TWO_HISTORIES in kinds, acceptable) == (forged, True, False)


@pytest.mark.parametrize(
    ("end", "kind"), [(19, Kind.RETIRED_KEY), (24, Kind.TWO_HISTORIES), (49, Kind.RETIRED_KEY)]
)
async def test_it_is_refused_at_a_size_that_was_never_signed_as_well_and_where_todays_key_says_nothing(
    tmp_path: Path, end: int, kind: Kind
) -> None:
    events = [*whole("invented").events, *whole("more").events][:end]
    forged = Trail(events)
    forged.sign(RETIRED_SEED, NOW - 90)
    true = folder(part(whole(), 3, 6), tmp_path / "true")
    path, kinds, _ = await refused(folder(forged, tmp_path / "forged"), true)
    assert (path.name, kind in kinds) == ("forged", True)


async def test_what_is_not_sure_itself_speaks_for_no_other(tmp_path: Path) -> None:
    """Two that one thief has made; and a true end on which today's key has signed something else."""
    trail, invented = whole(), resigned(part(whole("invented"), 0, 4), RETIRED_SEED)
    first = folder(part(invented, 0, 2), tmp_path / "first")
    second = folder(part(invented, 0, 4), tmp_path / "second")
    assert (await refused(first, second))[1] == [Kind.RETIRED_KEY]
    true = folder(part(trail, 2, 6), tmp_path / "true")
    assert Kind.TWO_HISTORIES in (await refused(first, true))[1]
    assert Kind.TWO_HISTORIES in (await refused(first, true, second, accept=True))[1]


@pytest.mark.parametrize("begin", [0, 3, 4])
async def test_the_live_trail_speaks_for_an_export_as_another_export_does(tmp_path: Path, begin: int) -> None:
    before = folder(part(whole(), 0, 4), tmp_path / "before")
    live = Folder(folder(part(whole(), begin, 6), tmp_path / "live"))
    [export] = await taken(before, live=live)
    assert (export.begin, export.end, export.accepted) == (0, 4 * SIZE, [])
    forged = folder(resigned(part(whole("invented"), 0, 4), RETIRED_SEED), tmp_path / "forged")
    assert Kind.TWO_HISTORIES in (await refused(forged, live=live, accept=True))[1]


async def test_a_live_trail_says_nothing_where_it_does_not_reach_or_is_not_what_todays_key_has_signed(
    tmp_path: Path,
) -> None:
    before = folder(part(whole(), 0, 4), tmp_path / "before")
    too_late, unsigned, before_it, after_it, cut = (part(whole(), at, 6) for at in (5, 3, 3, 3, 3))
    del unsigned.checkpoints[2:], cut.events[2 * SIZE - 1 :]
    before_it.events[SIZE - 1] = before_it.events[0]
    after_it.events[SIZE] = after_it.events[0]
    for at, trail in enumerate((too_late, unsigned, before_it, after_it, cut)):
        live = Folder(folder(trail, tmp_path / f"live {at}"))
        assert await refused(before, live=live) == (before, [Kind.RETIRED_KEY], True)
    lacking = Folder(exported(part(whole(), 3, 6), tmp_path / "lacking", 3 * SIZE + 2, open_end=False))
    assert await refused(before, live=lacking) == (before, [Kind.RETIRED_KEY], True)


async def test_what_else_is_wrong_with_an_export_is_found_beside_it(tmp_path: Path) -> None:
    trail = part(whole(), 0, 4)
    trail.erase(5)
    late = folder(trail, tmp_path / "late")
    after = folder(part(whole(), 3, 6), tmp_path / "after")
    assert await refused(late, after) == (late, [Kind.UNCOVERED], True)
    first, _ = await taken(late, after, accept=True)
    assert ([Kind.UNCOVERED in text for text in first.accepted], first.end) == ([True], 4 * SIZE)


def test_where_kafka_is_away_the_verb_says_so_before_it_says_what_only_the_topic_could_make_sure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = folder(part(whole(), 0, 4), tmp_path / "before")
    monkeypatch.setenv("ORDER_RECORDS_KAFKA__BOOTSTRAP_SERVERS", "127.0.0.1:1")
    words = [word for key in KEYS for word in ("--key", key.text)]
    printed = verb_runner(monkeypatch, capsys)("lifecycle", "reapply", str(before), *words)
    assert (printed.code, printed.out) == (1, "")
    assert "Kafka does not say whether the audit trail is there, try again: " in printed.err
