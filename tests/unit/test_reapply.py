"""What the trail tells a restored database, and from where on it has to read again."""

import asyncio
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.findings import Kind, Outcome
from audit.keys import VerifierKey
from audit.retold import Done, Gone, PolicyTold, Retold
from audit.templates import event_id, expand
from cli.audit_folder import Folder
from cli.audit_source import NOTHING
from cli.reapply_exports import Export, Unsound, verified_exports
from cli.reapply_trail import joined, lacking
from records.mongo.judgement import Stand
from records.reapply import live_longer, read_from
from runtime.errors import UserError
from tests.exports import exported
from tests.trails import KEY, NOW, Told, Trail, sound
from tests.verbs import RunVerb, verb_runner

AT = datetime(2026, 11, 23, 0, 0, 4, 127_000, tzinfo=UTC)
DUE = datetime(2026, 11, 23, tzinfo=UTC)
ACTOR = "5f1e578d1ca982d2a636924b631770b9"
DAY = timedelta(days=1)
RECORD, OTHER = str(uuid4()), str(uuid4())
PLACE = ("orders", 3, 12345)
WHERE = [*PLACE, "NOT_JSON"]


def told(kind: str, *items: list[Any], n: int | None = None, policy: int = 3, entry: str = "") -> list[bytes]:
    facts: dict[str, Any] = {
        "_id": entry or str(uuid4()),
        "kind": kind,
        "time": AT,
        "template": 1,
        "build": "1.4.2",
        "policyVersion": policy,
        "policyDigest": f"sha256:{'0' * 64}",
        "items": list(items),
    }
    numbered = {} if n is None else {"n": n}
    return [record.value for record in expand({**facts, **numbered}, "shop")]


def test_erasures_are_told_by_record_with_their_number() -> None:
    trail = Retold("shop")
    part = trail.take(
        [*told("deleted", [RECORD, 2, DUE, []], n=7), *told("anonymized", [OTHER, 2, DUE, []], n=6)]
    )
    assert (part.deleted, part.anonymized) == ({RECORD: Done(AT, DUE)}, {OTHER: Done(AT, DUE)})
    assert (trail.n, trail.policy_version, trail.events, trail.unreadable) == (7, 3, 2, 0)


@pytest.mark.parametrize(
    ("kind", "item", "gone"),
    [
        ("quarantine.erased", [*WHERE, DUE], Gone(AT, "NOT_JSON", None, on_time=True)),
        (
            "quarantine.dropped",
            [*WHERE, "NOT_AN_ORDER", ACTOR],
            Gone(AT, "NOT_JSON", "NOT_AN_ORDER", on_time=False),
        ),
        ("quarantine.replayed", [*WHERE, "", "ERASED", ACTOR], Gone(AT, "NOT_JSON", None, on_time=False)),
    ],
)
def test_a_quarantined_event_that_lost_its_content_is_told_by_its_place(
    kind: str, item: list[Any], gone: Gone
) -> None:
    n = 5 if kind == "quarantine.erased" else None
    assert Retold("shop").take(told(kind, item, n=n)).gone == {PLACE: gone}


@pytest.mark.parametrize(
    ("outcome", "replayed"), [("CREATED", {PLACE: AT}), ("UNCHANGED", {PLACE: AT}), ("REFUSED", {})]
)
def test_a_replay_that_stored_the_order_leaves_its_entry_to_be_replayed_again(
    outcome: str, replayed: dict[Any, Any]
) -> None:
    part = Retold("shop").take(told("quarantine.replayed", [*WHERE, "", outcome, ACTOR]))
    assert (part.replayed, part.gone) == (replayed, {})


def test_each_policy_is_told_with_its_numbers_and_time() -> None:
    trail = Retold("shop")
    for version, days in ((4, 30), (5, 60)):
        trail.take(told("policy.changed", [days, 90, False, ACTOR], policy=version))
    assert trail.policies[5] == PolicyTold(5, 60, 90, actor_anonymization=False, since=AT)
    assert sorted(trail.policies) == [4, 5]


def test_dates_that_were_moved_later_after_the_backup_are_counted() -> None:
    for since, later in ((AT - DAY, 7), (AT, 0), (None, 0)):
        trail = Retold("shop", since=since)
        trail.take(told("dates.recomputed", [10, 3, 7, 0, ACTOR]))
        assert trail.moved_later == later


def test_what_no_build_can_read_is_counted_and_another_trail_tells_nothing() -> None:
    trail = Retold("another")
    part = trail.take(
        [None, b"{", json.dumps({"type": "x"}).encode(), *told("deleted", [RECORD, 2, DUE, []], n=7)]
    )
    assert (part.deleted, trail.n, trail.unreadable) == ({}, 0, 3)


def test_of_the_wanted_events_those_are_named_that_are_there() -> None:
    entry, absent = str(uuid4()), event_id(str(uuid4()), 0)
    trail = Retold("shop", frozenset({event_id(entry, 0), absent}))
    trail.take(told("deleted", [RECORD, 2, DUE, []], [OTHER, 2, DUE, []], n=7, entry=entry))
    assert trail.seen == {event_id(entry, 0)}


@pytest.mark.parametrize(
    ("retention", "version", "longer"),
    [
        ({}, 0, False),
        ({}, 1, False),
        ({}, 2, True),
        ({1: 20}, 1, False),
        ({1: 60}, 1, True),
        ({1: 20, 2: 25}, 2, True),
        ({1: 25, 2: 20}, 2, False),
        ({2: 20}, 2, True),
        ({1: 25, 2: 20, 3: 40}, 2, False),
    ],
)
def test_an_order_could_live_longer_only_where_some_earlier_policy_was_shorter_or_is_not_known(
    retention: dict[int, int],
    version: int,
    longer: bool,  # noqa: FBT001 - a row of the table
) -> None:
    assert live_longer(retention, version) is longer


@pytest.mark.parametrize(
    ("committed", "read_to", "since", "target"),
    [
        (100, 60, 50, 50),
        (100, 40, 50, 40),
        (100, 60, None, 60),
        (100, 150, 120, 100),
        (100, None, 50, 10),
        (5, None, None, 5),
        (100, 3, None, 3),
    ],
)
def test_reading_goes_on_from_the_earliest_offset_that_may_be_missing(
    committed: int, read_to: int | None, since: int | None, target: int
) -> None:
    assert read_from(10, committed, read_to, since) == target


OFFSET = st.integers(0, 1000)


@given(OFFSET, OFFSET, st.none() | OFFSET, st.none() | OFFSET)
def test_reading_never_goes_on_further_ahead_and_asking_again_changes_nothing(
    first: int, committed: int, read_to: int | None, since: int | None
) -> None:
    target = read_from(first, committed, read_to, since)
    assert target <= committed
    assert read_from(first, target, read_to, since) == target


@pytest.mark.parametrize(("positions", "first"), [((0, 1), 7), ((1,), 8)])
def test_a_batch_of_which_the_beginning_is_gone_is_not_the_first_that_is_there(
    positions: tuple[int, ...], first: int
) -> None:
    events = told("deleted", [RECORD, 2, DUE, []], [OTHER, 2, DUE, []], n=7)
    trail = Retold("shop")
    trail.take([*(events[place] for place in positions), *told("deleted", [RECORD, 2, DUE, []], n=8)])
    assert trail.first_n == first


# From exports


async def verified(*folders: Path, accept: bool = False) -> list[Export]:
    return await verified_exports(folders, [KEY], lambda *_: None, accept_gaps=accept)


async def values(export: Export, begin: int = 0) -> list[bytes | None]:
    return [value async for part in export.values(begin, NOTHING) for value in part]


async def test_of_an_export_that_counts_which_is_signed_and_what_comes_later_has_no_say(
    tmp_path: Path,
) -> None:
    trail = sound()
    signed = trail.values()
    late(trail)
    [export] = await verified(exported(trail, tmp_path / "trail"), accept=True)
    assert (export.begin, export.end) == (0, 36)
    assert await values(export) == signed
    assert await values(export, 30) == signed[30:]
    assert await export.value(35) == signed[35]


def altered(trail: Trail) -> None:
    trail.events[9].value = trail.events[8].value


def shortened(trail: Trail) -> None:
    trail.events.pop()


def skipped(trail: Trail) -> None:
    trail.erase(9)
    trail.sign(at=NOW - 10)


def late(trail: Trail) -> None:
    trail.erase(7)


def foreign(trail: Trail) -> None:
    trail.events.append(Told(b"{}"))
    trail.sign(at=NOW - 10)


@pytest.mark.parametrize(
    ("attack", "outcome", "kind", "acceptable"),
    [
        (altered, Outcome.INVALID, Kind.ALTERED, False),
        (shortened, Outcome.MISSING, Kind.TRUNCATED, False),
        (skipped, Outcome.COUNTS, Kind.N_SKIPPED, True),
        (late, Outcome.GAP, Kind.UNCOVERED, True),
        (foreign, Outcome.INVALID, Kind.NOT_AN_EVENT, True),
    ],
)
async def test_an_export_that_is_not_sound_is_refused_and_what_was_signed_may_be_gone_by_all_the_same(
    tmp_path: Path,
    attack: Callable[[Trail], None],
    outcome: Outcome,
    kind: Kind,
    acceptable: bool,  # noqa: FBT001 - a row of the table
) -> None:
    trail = sound()
    attack(trail)
    good, folder = exported(sound(), tmp_path / "good"), exported(trail, tmp_path / "trail")
    with pytest.raises(Unsound) as found:
        await verified(good, folder)
    assert (found.value.path, found.value.acceptable) == (folder, acceptable)
    assert found.value.verdict.outcome is outcome
    assert [each.kind for each in found.value.verdict.findings][:1] == [kind]
    if acceptable:
        [export] = await verified(folder, accept=True)
        assert (export.begin, export.end) == (0, 36 if attack is late else len(trail.events))
        assert [text for text in export.accepted if kind in text]
    else:
        with pytest.raises(Unsound):
            await verified(folder, accept=True)


async def test_reading_an_export_lets_the_lease_be_renewed_meanwhile(tmp_path: Path) -> None:
    [export] = await verified(exported(sound(), tmp_path / "trail"))
    renewed = asyncio.Event()
    asyncio.get_running_loop().call_soon(renewed.set)
    await values(export)
    assert renewed.is_set()


async def test_an_export_that_is_changed_after_it_was_verified_is_noticed(tmp_path: Path) -> None:
    [export] = await verified(exported(sound(), tmp_path / "trail"))
    [file] = export.path.glob("events-*.txt")
    file.write_bytes(file.read_bytes().replace(b'"policyVersion":3', b'"policyVersion":4', 1))
    with pytest.raises(UserError, match="was changed while it was read"):
        await values(export)


@pytest.mark.parametrize(
    ("ranges", "pieces", "missing"),
    [
        ([], [], []),
        ([(0, 9)], [(0, 9)], []),
        ([(3, 9)], [(3, 9)], []),
        ([(0, 9), (9, 12)], [(0, 9), (9, 12)], []),
        ([(0, 9), (5, 12)], [(0, 9), (9, 12)], []),
        ([(0, 9), (2, 5), (5, 12)], [(0, 9), (9, 12)], []),
        ([(0, 0), (4, 9)], [(4, 9)], []),
        ([(0, 9), (10, 12)], [(0, 9), (10, 12)], ["event 9 is in none of the exports"]),
        (
            [(0, 2), (5, 7), (9, 12)],
            [(0, 2), (5, 7), (9, 12)],
            [
                "events 2 to 4 are in none of the exports",
                "events 7 to 8 are in none of the exports",
            ],
        ),
    ],
)
def test_each_export_adds_what_those_before_it_lack_and_a_gap_between_them_is_told(
    tmp_path: Path, ranges: list[tuple[int, int]], pieces: list[tuple[int, int]], missing: list[str]
) -> None:
    path = exported(sound(), tmp_path / "trail")
    folder = Folder(path)
    found, gaps = joined([Export(path, folder, begin, end) for begin, end in ranges])
    assert [(piece.begin, piece.export.end) for piece in found] == pieces
    assert gaps == missing


@pytest.mark.parametrize(
    ("begin", "first_n", "known", "told"),
    [
        (0, 1, Stand(n=0, beaten=True), ""),
        (0, 101, Stand(n=0, beaten=True), ""),
        (9, 6, Stand(n=5, beaten=True, sent=True), ""),
        (9, 4, Stand(n=5, beaten=True, sent=True), ""),
        (9, None, Stand(n=5, beaten=True, sent=True), ""),
        (9, 7, Stand(n=5, beaten=True, sent=True), "batch of erasures 6 is"),
        (9, 9, Stand(n=0, beaten=True), "batches of erasures 1 to 8 are"),
        (9, 9, Stand(n=0, beaten=False), ""),
    ],
)
def test_erasures_that_neither_the_database_nor_what_is_left_of_the_trail_has_are_told(
    begin: int, first_n: int | None, known: Stand, told: str
) -> None:
    text = f"{told} older than all that is there: it begins with event {begin}"
    assert lacking(begin, Retold("shop", first_n=first_n, events=1), known) == ([text] if told else [])


def test_a_trail_that_tells_nothing_of_a_database_that_has_sent_to_it_is_not_all_of_it() -> None:
    assert lacking(0, Retold("shop"), Stand(n=5, sent=True))
    assert not lacking(0, Retold("shop"), Stand(n=5))
    assert not lacking(0, Retold("shop", events=1), Stand(n=5, sent=True))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RunVerb:
    for name in [name for name in os.environ if name.startswith("ORDER_RECORDS_")]:
        monkeypatch.delenv(name)
    return verb_runner(monkeypatch, capsys)


def test_the_verb_verifies_before_it_asks_for_any_database_and_ends_as_verify_does(
    run: RunVerb, tmp_path: Path
) -> None:
    trail = sound()
    skipped(trail)
    folder = str(exported(trail, tmp_path / "trail"))
    printed = run("lifecycle", "reapply", folder, "--key", KEY.text)
    assert (printed.code, "COUNTS N_SKIPPED: numbers of erasures are missing" in printed.out) == (5, True)
    assert printed.err.startswith(f"Error: nothing was changed: export {folder} is not sound (see above); if")
    assert printed.err.endswith(": --accept-gaps\n")
    facts = run("lifecycle", "reapply", folder, "--key", KEY.text, "--json").json
    assert (facts["folder"], facts["exitCode"], facts["verdict"]) == (folder, 5, "COUNTS")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--key", KEY.text], "--key is for an EXPORT, and none is named"),
        (["."], "name the trail's verifier key by --key"),
        ([".", "--key", VerifierKey("other", KEY.type, KEY.public).text], "it is of the trail other, and"),
        (["nowhere"], "does not exist"),
    ],
)
def test_a_wrong_call_ends_with_64(run: RunVerb, words: list[str], told: str) -> None:
    printed = run("lifecycle", "reapply", *words)
    assert (printed.code, printed.out) == (64, "")
    assert told in printed.err
