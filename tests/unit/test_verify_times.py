"""What times tell of a trail: clocks may differ, a notary may come late, and none of it accuses anybody."""

from dataclasses import replace
from itertools import pairwise
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.checkpoint_book import CheckpointRecord
from audit.findings import Findings, Outcome
from audit.signing_times import SILENCE_SECONDS, SigningTimes
from audit.witnessing import Sight
from tests.trails import KEY, NOW, Trail, assert_found, kinds, renumbered, sound, verify

DAY: Final = 86_400
HOUR: Final = 3_600
EVER: Final = (-1e18, 1e18)
UNTOLD: Final = (1e18, 1e18)
"""For trails that are signed rarely: no silence is told of."""


def without_time(record: CheckpointRecord) -> CheckpointRecord:
    """The checkpoint with its plain line alone, as anybody can make it of the true one."""
    text, _, lines = (record.value or b"").partition(b"\n\n")
    return replace(record, value=text + b"\n\n" + lines.splitlines(keepends=True)[0])


@pytest.mark.parametrize("place", range(6))
def test_a_checkpoint_without_its_time_is_a_forgery(place: int) -> None:
    trail = sound()
    trail.checkpoints[place] = without_time(trail.checkpoints[place])
    assert_found(verify(trail), 4, "FORGED", f"checkpoint record {place}: the line that says when it was")


def test_no_trail_whose_checkpoints_have_lost_their_times_is_sound() -> None:
    trail = Trail()
    for n, days in enumerate((300, 200, 101, 20), 1):
        trail.erase(n)
        trail.sign(at=NOW - days * DAY)
    for each in (trail, trail.cut(13), sound().cut(1)):
        each.checkpoints = [without_time(record) for record in each.checkpoints]
        assert verify(each, retention_days=365).outcome is Outcome.INVALID


def test_a_witness_tells_of_a_checkpoint_without_its_time_and_does_not_go_by_it() -> None:
    trail, findings = sound(2), Findings()
    trail.checkpoints[-1] = without_time(trail.checkpoints[-1])
    sight = Sight([KEY], findings, 0, None)
    sight.take_checkpoints(trail.checkpoints)
    assert [finding.kind for finding in findings] == ["FORGED"]
    assert sight.fits
    assert sight.newest is not None
    assert sight.newest.signed.checkpoint.size == 6


def test_a_reader_whose_clock_is_minutes_behind_accuses_nobody() -> None:
    trail = sound()
    trail.erase(7)
    trail.events = trail.events[:-2]
    for event in trail.events[-3:]:
        event.time = NOW + 150
    verdict = verify(trail)
    assert (verdict.outcome, kinds(verdict)) == (Outcome.SOUND, [])
    assert verdict.notes == [
        "batch 7 has 3 of its 5 events: the others are not in what was read",
        "the last 3 events are not signed yet, as is usual for those of the last two minutes",
        "what was written or signed last is 150 seconds ahead of the clock here: clocks differ",
    ]


def test_a_reader_whose_clock_is_minutes_ahead_is_told_to_look_at_it_and_blames_no_batch() -> None:
    trail = sound()
    trail.erase(7)
    trail.events = trail.events[:-2]
    for event in trail.events[-3:]:
        event.time = NOW - 200
    verdict = verify(trail)
    assert (verdict.outcome, kinds(verdict)) == (Outcome.GAP, ["UNCOVERED"])
    assert "what is not signed is fresh: see whether the clock here is ahead" in verdict.notes[-1]


def hourly(*ages: float) -> Trail:
    """Signed at these hours before now, in this sequence."""
    trail = Trail()
    trail.erase(1)
    for age in ages:
        trail.sign(at=NOW - age * HOUR)
    return trail


def test_a_notary_whose_clock_was_hours_ahead_for_a_while_leaves_no_silence() -> None:
    assert verify(hourly(10, 9, 4, 8, 7, 6, 5, 4, 3, 2, 1, 0.1)).outcome is Outcome.SOUND


def test_a_notary_whose_clock_is_ahead_now_is_not_silent_before_two_hours_have_passed() -> None:
    verdict = verify(hourly(3, 2, 1, -5))
    assert (verdict.outcome, kinds(verdict)) == (Outcome.SOUND, [])
    assert verdict.notes == [
        "what was written or signed last is 18000 seconds ahead of the clock here: clocks differ"
    ]
    assert kinds(verify(hourly(5, 4, 3, -5))) == ["SILENCE"]


def test_a_repeat_of_an_old_checkpoint_hides_no_silence() -> None:
    trail = hourly(10, 9, 1, 0.1)
    trail.checkpoints = renumbered([*trail.checkpoints, trail.checkpoints[0]])
    assert_found(verify(trail), 2, "SILENCE", "from 2026-11-23T03:00:00.000Z to 2026-11-23T11:00:00.000Z")


@given(st.lists(st.integers(0, 30 * HOUR), min_size=1, max_size=40))
def test_silences_are_the_hours_between_neighbours_in_time_in_whatever_sequence_they_come(
    times: list[int],
) -> None:
    made, ordered = SigningTimes(), sorted(times)
    for each in times:
        made.add(each)
    gaps = [(a, b) for a, b in pairwise(ordered) if b - a > SILENCE_SECONDS]
    assert list(made.silences(EVER, 1e18)) == gaps
    assert (made.earliest, made.latest) == (ordered[0], ordered[-1])


def caught_up(away: int) -> Trail:
    """Batches of 110 days ago that a notary signed in two parts, so many days after it had last signed."""
    trail = Trail()
    trail.erase(1)
    trail.sign(at=NOW - 111 * DAY)
    for n in range(2, 12):
        trail.erase(n)
    whole, at = trail.events, NOW - (111 - away) * DAY
    trail.events = whole[:10]
    trail.sign(at=at)
    trail.events = whole[:25]
    trail.sign(at=at + 5)
    trail.events = whole
    trail.sign(at=NOW - 60)
    return trail


def test_what_a_notary_signed_late_was_not_written_late() -> None:
    verdict = verify(caught_up(12).cut(20), retention_days=100, period=UNTOLD)
    assert (verdict.outcome, kinds(verdict)) == (Outcome.SOUND, [])


def test_a_head_that_was_cut_early_shows_though_a_notary_was_late_before() -> None:
    assert kinds(verify(caught_up(12).cut(20), retention_days=120, period=UNTOLD)) == ["CUT_EARLY"]
    trail = hourly(*range(24 * 20, 0, -1), 0.1)
    trail.erase(2)
    trail.sign(at=NOW - 60)
    trail.erase(3)
    trail.sign(at=NOW - 30)
    assert kinds(verify(trail.cut(7), retention_days=30, period=UNTOLD)) == ["CUT_EARLY"]
