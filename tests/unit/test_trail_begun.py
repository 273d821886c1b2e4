"""A trail that goes on where another ended: its first event says from which number, and nothing else may."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from audit.comparison import EndReader, TrailEnd, Verdict, compare
from audit.retold import Retold
from audit.templates import OtherTrail, expand
from cli.audit_begin import why_unfit
from records.mongo.begun import BeginGrounds
from records.mongo.judgement import Stand
from tests.exports import exported
from tests.trails import KEY, LOG, NOW, Trail, assert_found, kinds, texts, verify
from tests.verbs import RunVerb, verb_runner

ROOT: Final = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
MOST: Final = 2**53 - 1
GONE: Final = TrailEnd()
OF_OTHERS: Final = TrailEnd(empty=False)
OF_OURS: Final = TrailEnd(empty=False, told=True)
QUIET: Final = Stand(beaten=True)
SENT: Final = Stand(beaten=True, sent=True)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RunVerb:
    return verb_runner(monkeypatch, capsys)


def begin(trail: Trail, last_n: int, signed: tuple[int | None, str | None] = (41, ROOT)) -> None:
    trail.tell("trail.begun", None, [["GAP", last_n, "before", "audit.before", *signed, "ab" * 16]])


def begun(last_n: int = 902, numbers: Sequence[int] = (903, 904)) -> Trail:
    trail = Trail()
    begin(trail, last_n)
    for n in numbers:
        trail.erase(n)
    trail.sign(at=NOW - 60)
    return trail


def test_a_trail_that_was_begun_is_sound_from_its_first_event_on() -> None:
    verdict = verify(begun())
    assert (int(verdict.outcome), kinds(verdict)) == (0, [])
    assert verdict.begun is not None
    assert (verdict.begun.last_n, verdict.begun.before["topic"]) == (902, "audit.before")
    assert (verdict.first_n, verdict.last_n) == (903, 904)


def test_without_that_event_it_has_not_all_its_numbers() -> None:
    trail = Trail()
    trail.erase(903)
    trail.sign(at=NOW - 60)
    assert_found(verify(trail), 5, "N_SKIPPED", "numbers 1 to 902 are missing")


def test_a_number_that_is_missing_after_it_is_missing() -> None:
    assert_found(verify(begun(902, [904])), 5, "N_SKIPPED", "number 903 is missing")


@pytest.mark.parametrize("last_n", [904, MOST])
def test_a_number_that_was_given_out_before_it_is_none_of_the_trails_whatever_it_says(last_n: int) -> None:
    verdict = verify(begun(last_n))
    assert_found(
        verdict, 5, "N_TWICE", f"number 903 was given out before this trail was begun, after {last_n}"
    )


def test_one_that_stands_where_the_trail_had_been_begun_excuses_nothing() -> None:
    trail = begun()
    begin(trail, 999)
    trail.erase(1000)
    trail.sign(at=NOW - 30)
    verdict = verify(trail)
    assert_found(verdict, 5, "N_SKIPPED", "numbers 905 to 999 are missing")
    assert "1 events say that this trail was begun, and stand where it had been: they have no say" in (
        verdict.notes
    )


def test_one_on_a_trail_that_began_with_its_first_number_excuses_nothing() -> None:
    trail = Trail()
    trail.erase(1)
    begin(trail, 902)
    trail.erase(903)
    trail.sign(at=NOW - 60)
    verdict = verify(trail)
    assert_found(verdict, 5, "N_SKIPPED", "numbers 2 to 902 are missing")
    assert verdict.begun is None


def test_of_two_the_first_counts() -> None:
    trail = Trail()
    begin(trail, 902)
    begin(trail, 910)
    trail.erase(911)
    trail.sign(at=NOW - 60)
    assert_found(verify(trail), 5, "N_SKIPPED", "numbers 903 to 910 are missing")


def test_where_its_head_was_cut_the_numbers_are_those_that_are_there() -> None:
    trail = begun()
    trail.erase(905)
    trail.sign(at=NOW - 30)
    assert kinds(verify(trail.cut(11), retention_days=0.0)) == []


def test_attestations_go_on_after_the_number_before() -> None:
    trail = Trail()
    begin(trail, 902)
    trail.attest(NOW - 700, 902, done=(7, 7, 7), since=NOW - 80_000)
    trail.erase(903)
    trail.attest(NOW - 650, 903, done=(5, 0, 0), since=NOW - 700)
    trail.sign(at=NOW - 60)
    verdict = verify(trail)
    assert (int(verdict.outcome), kinds(verdict), verdict.counted) == (0, [], 1)


def test_the_report_says_what_came_before_and_that_it_was_not_read(run: RunVerb, tmp_path: Path) -> None:
    folder = str(exported(begun(), tmp_path / "trail"))
    printed = run("audit", "verify", folder, "--key", KEY.text)
    assert printed.code == 0
    assert (
        "after batch 902 of another trail, before on topic audit.before, which was not read here"
        in printed.out
    )
    assert f"41 events of it were signed, with root {ROOT}; why it ended: GAP" in printed.out
    facts = run("audit", "verify", folder, "--key", KEY.text, "--json").json
    before = {"signedRoot": ROOT, "signedSize": 41, "source": "/before", "topic": "audit.before"}
    assert facts["begun"] == {"afterN": 902, "grounds": "GAP", "before": before}


@pytest.mark.parametrize("signed", [(0, ROOT), (MOST, ROOT), (None, None)])
def test_whatever_was_signed_before_its_event_is_one(signed: tuple[int | None, str | None]) -> None:
    trail = Trail()
    begin(trail, 0, signed)
    trail.sign(at=NOW - 60)
    assert (kinds(verify(trail)), verify(trail).types) == ([], {"order-records.trail.begun.v1": 1})


def test_what_is_not_known_of_the_trail_before_is_left_out(run: RunVerb, tmp_path: Path) -> None:
    trail = Trail()
    begin(trail, 0, (None, None))
    trail.erase(1)
    trail.sign(at=NOW - 60)
    printed = run("audit", "verify", str(exported(trail, tmp_path / "trail")), "--key", KEY.text)
    assert (printed.code, "how much of it was signed is not known" in printed.out) == (0, True)
    assert texts(verify(trail)) == ""


def test_a_database_that_is_behind_the_number_before_was_put_back() -> None:
    reader = EndReader(LOG)
    for value in begun(902, []).values():
        reader.take(value)
    end = reader.end()
    assert (reader.found, end.n, end.told) == (True, 902, True)
    for n, verdict in ((902, Verdict.AGREES), (901, Verdict.AHEAD)):
        assert compare(end, Stand(n, 3, beaten=True, sent=False)) is verdict


@pytest.mark.parametrize("backwards", [True, False])
def test_the_last_number_is_that_of_the_last_erasure_if_there_is_one(*, backwards: bool) -> None:
    reader, whole = EndReader(LOG), EndReader(LOG)
    values = begun().values()
    for value in values[6:] + values[:6] if backwards else values:
        reader.take(value)
    for value in values[1:]:
        whole.take(value)
    assert reader.end() == whole.end() != TrailEnd()
    assert reader.end().n == 904


def test_a_database_that_gets_back_what_the_trail_tells_goes_on_after_the_number_before() -> None:
    retold = Retold(LOG)
    retold.take(begun(902, []).values())
    assert (retold.n, retold.unreadable, retold.events) == (902, 0, 1)


def entry(**more: Any) -> dict[str, Any]:
    item = ["LOST", 7, "before", "audit.before", None, None, "ab" * 16]
    facts = {"_id": "5f0c1e1a-0b1d-4c55-9a3e-0d6b1f2a7c11", "kind": "trail.begun", "items": [item]}
    return (
        facts | {"template": 1, "build": "1", "policyVersion": 0, "policyDigest": "sha256:" + "0" * 64} | more
    )


def test_a_process_of_the_trail_before_does_not_send_it() -> None:
    with pytest.raises(OtherTrail):
        expand(entry(logName="another"), LOG)


@pytest.mark.parametrize(
    ("grounds", "end", "found", "why"),
    [
        ("LOST", GONE, SENT, None),
        ("LOST", GONE, QUIET, None),
        ("LOST", OF_OTHERS, QUIET, None),
        ("LOST", OF_OURS, SENT, "it is not lost"),
        ("LOST", OF_OURS, QUIET, "it is not lost"),
        ("LOST", OF_OTHERS, Stand(), "the reason is NEW_DATABASE"),
        ("NEW_DATABASE", OF_OTHERS, Stand(), None),
        ("NEW_DATABASE", GONE, Stand(), None),
        ("NEW_DATABASE", OF_OURS, SENT, "it is not new"),
        ("NEW_DATABASE", GONE, SENT, "it is not new"),
        ("GAP", OF_OURS, SENT, None),
        ("SHORTER", GONE, SENT, None),
        ("GAP", OF_OTHERS, Stand(), "the reason is NEW_DATABASE"),
    ],
)
def test_a_reason_has_to_fit_what_is_there(
    grounds: str, end: TrailEnd, found: Stand, why: str | None
) -> None:
    unfit = why_unfit(BeginGrounds(grounds), compare(end, found), end, found)
    assert unfit is None if why is None else why in (unfit or "")
