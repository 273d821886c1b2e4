"""Where a trail begins and ends, and who has signed and attested it: what is usual stays quiet."""

import math
from typing import Any

from audit.checkpoint_book import CheckpointRecord
from audit.findings import Outcome
from tests.trails import (
    KEY,
    LOG,
    NOW,
    RETIRED_KEY,
    RETIRED_SEED,
    Told,
    Trail,
    assert_found,
    kinds,
    renumbered,
    sound,
    tip,
    verify,
)

DAY = 86_400
UNTOLD = (math.inf, math.inf)
"""For trails that are signed once in a hundred days: no silence is told of."""


def test_a_fresh_tail_needs_no_checkpoint_yet() -> None:
    trail = sound()
    trail.erase(7)
    for event in trail.events[-5:]:
        event.time = NOW - 90
    verdict = verify(trail)
    assert (verdict.outcome, verdict.compared) == (Outcome.SOUND, 36)
    assert verdict.notes == [
        "the last 5 events are not signed yet, as is usual for those of the last two minutes"
    ]
    for event in trail.events[-5:]:
        event.time = NOW - 200
    assert_found(verify(trail), 2, "UNCOVERED", "5 events are not signed")


def test_a_tail_that_says_it_is_of_tomorrow_is_not_fresh() -> None:
    trail = sound()
    trail.erase(7)
    for event in trail.events[-5:]:
        event.time = NOW + DAY
    assert_found(verify(trail), 2, "UNCOVERED", "5 events are not signed")


def test_a_batch_that_is_still_on_its_way_is_no_fault() -> None:
    trail = sound()
    trail.erase(7)
    trail.events = trail.events[:-2]
    for event in trail.events[-3:]:
        event.time = NOW - 10
    assert verify(trail).outcome is Outcome.SOUND


def test_hours_in_which_nobody_signed_are_told() -> None:
    trail = Trail()
    trail.erase(1)
    trail.sign(at=NOW - 9_000)
    trail.erase(2)
    trail.sign(at=NOW - 60)
    assert_found(verify(trail), 2, "SILENCE", "nothing was signed from 2026-11-23T09:30:00.000Z to ")


def test_a_trail_that_nobody_signs_any_more_is_told() -> None:
    trail = Trail()
    trail.erase(1)
    trail.sign(at=NOW - 3 * 3_600)
    assert_found(verify(trail), 2, "SILENCE", "nothing was signed after 2026-11-23T09:00:00.000Z")


def test_a_head_that_retention_has_cut_is_no_fault_and_the_rest_is_proven() -> None:
    trail = aged()
    verdict = verify(trail.cut(8), retention_days=100, period=UNTOLD)
    assert (verdict.outcome, kinds(verdict)) == (Outcome.SOUND, [])
    assert (verdict.start, verdict.not_read, verdict.compared) == (10, 2, 20)
    assert verdict.notes == [
        "the events 8 to 9 were not read: they are older than the checkpoint with which this began"
    ]


def test_a_head_that_was_cut_before_its_time_is_seen() -> None:
    verdict = verify(aged().cut(13), retention_days=365, period=UNTOLD)
    assert_found(verdict, 3, "CUT_EARLY", "the events before 13 are gone")


def test_a_change_after_a_cut_head_is_seen() -> None:
    trail = aged().cut(8)
    trail.events[5].value = trail.events[4].value
    verdict = verify(trail, retention_days=100, period=UNTOLD)
    assert_found(
        verdict, 4, "ALTERED", "the first 15 events are not those that were signed; the first 10 are"
    )


def test_without_any_checkpoint_a_cut_trail_cannot_be_followed() -> None:
    trail = aged().cut(8)
    trail.checkpoints = []
    assert_found(verify(trail), 3, "CHECKPOINT_MISSING", "no checkpoint tells what was before the event at 8")


def aged() -> Trail:
    """Batches of five, one each hundred days, and each signed at once."""
    trail = Trail()
    for n, days in enumerate((300, 200, 101, 0), 1):
        trail.erase(n)
        trail.sign(at=NOW - days * DAY - 60)
    return trail


def test_attestations_that_come_daily_and_agree_with_the_trail_are_sound_and_the_last_is_told() -> None:
    trail = sound()
    for hours in (72, 25, 1):
        trail.attest(NOW - hours * 3_600, 6)
    trail.sign(at=NOW - 10)
    verdict = verify(trail)
    assert (verdict.outcome, kinds(verdict)) == (Outcome.SOUND, [])
    assert verdict.attested is not None
    assert (verdict.attested.n, verdict.attested.overdue["anonymize"]) == (6, 2)


def test_days_without_an_attestation_are_told_between_and_at_the_end() -> None:
    trail = sound()
    for hours in (172, 100, 60):
        trail.attest(NOW - hours * 3_600, 6)
    trail.sign(at=NOW - 10)
    verdict = verify(trail)
    assert_found(verdict, 2, "NOT_ATTESTED", "from 2026-11-16T08:00:00.000Z to 2026-11-19T08:00:00.000Z")
    assert_found(verdict, 2, "NOT_ATTESTED", "from 2026-11-21T00:00:00.000Z to 2026-11-23T12:00:00.000Z")


def test_erasures_that_are_attested_and_not_on_the_trail_are_missed() -> None:
    trail = sound()
    trail.attest(NOW - 3_600, 8)
    trail.sign(at=NOW - 10)
    verdict = verify(trail)
    assert_found(verdict, 5, "N_SKIPPED", "8 batches of erasures are attested, and the trail tells of 6")
    trail.events[-1].time = NOW - 30
    assert verify(trail).outcome is Outcome.SOUND


def test_the_retention_that_was_attested_counts_unless_another_was_promised() -> None:
    trail = aged()
    trail.attest(NOW - 60, 4, days=100)
    trail.sign(at=NOW - 10)
    cut = trail.cut(8)
    assert verify(cut, usual_days=365, period=UNTOLD).outcome is Outcome.SOUND
    assert kinds(verify(cut, retention_days=365, period=UNTOLD)) == ["CUT_EARLY"]


def test_a_range_begins_at_the_checkpoint_before_it_and_reads_no_more() -> None:
    trail = sound()
    verdict = verify(trail, target=20, stop=31)
    assert (verdict.outcome, kinds(verdict)) == (Outcome.SOUND, [])
    assert (verdict.start, verdict.read_to) == (18, 31)


def test_what_was_seen_and_lies_outside_of_a_range_is_said() -> None:
    trail = sound()
    verdict = verify(trail, stop=27, since=tip(trail))
    assert_found(
        verdict, 3, "NOT_COMPARED", "what was seen before has 36 events, and what is read here ends with"
    )


def test_junk_on_the_checkpoint_topic_has_no_say() -> None:
    trail = sound()
    junk: list[Any] = [b"junk", None, b"\xff", sound(2).sign(name="another-log").value]
    trail.checkpoints = renumbered([*trail.checkpoints, *(CheckpointRecord(0, each, []) for each in junk)])
    verdict = verify(trail)
    assert verdict.outcome is Outcome.SOUND
    assert verdict.notes == ["4 records of the checkpoint topic are no checkpoints of this trail"]


def test_checkpoints_of_a_retired_key_count_until_it_was_replaced() -> None:
    trail = sound(3, RETIRED_SEED)
    trail.erase(4)
    trail.sign(at=NOW - 30)
    assert verify(trail, keys=[KEY, RETIRED_KEY]).outcome is Outcome.SOUND
    assert_found(verify(trail), 4, "FORGED", "checkpoint record 0: no key that counts has signed the note")

    liar = sound(2, RETIRED_SEED, name="lie").checkpoints[-1]
    trail.checkpoints = renumbered([*trail.checkpoints, liar])
    verdict = verify(trail, keys=[KEY, RETIRED_KEY])
    assert verdict.outcome is Outcome.SOUND
    assert verdict.notes == ["1 checkpoints are by a retired key after it was replaced"]


def test_the_texts_of_findings_stay_few_and_their_count_is_right() -> None:
    trail = Trail([Told(b"junk") for _ in range(500)])
    trail.sign()
    [finding] = verify(trail).findings
    assert (finding.count, len(finding.texts)) == (500, 10)
    assert LOG not in finding.meaning
