"""Every attack on the trail shows, by an exit code and a text of its own; what is sound stays quiet."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.checkpoint_book import CheckpointRecord
from audit.checkpoints import Headers
from audit.findings import Outcome
from tests.trails import (
    NOW,
    STRANGE_SEED,
    Told,
    Trail,
    assert_found,
    kinds,
    renumbered,
    resigned,
    sound,
    tip,
    verify,
)


@given(st.integers(1, 50))
def test_a_sound_trail_is_sound_however_it_is_read(batch: int) -> None:
    trail = sound()
    verdict = verify(trail, batch=batch, since=tip(trail))
    assert (verdict.outcome, kinds(verdict), verdict.notes) == (Outcome.SOUND, [], [])
    assert verdict.compared == verdict.signed_size == verdict.read_to == len(trail.events)
    assert (verdict.first_n, verdict.last_n, verdict.repeats) == (1, 6, 0)
    assert verdict.types == {
        "order-records.event.quarantined.v1": 6,
        "order-records.record.anonymized.v1": 15,
        "order-records.record.deleted.v1": 15,
    }


@settings(max_examples=150)
@given(st.data())
def test_whatever_is_changed_in_what_was_signed_shows(data: st.DataObject) -> None:
    trail, seen = sound(), tip(sound())
    good, events = trail.values(), trail.events
    for _ in range(data.draw(st.integers(1, 3))):
        at, other = (data.draw(st.integers(0, len(events) - 1)) for _ in range(2))
        match data.draw(st.sampled_from(["change", "remove", "repeat", "swap", "cut"])):
            case "change":
                value = events[at].value or b""
                byte = data.draw(st.integers(0, len(value)))
                events[at] = Told(
                    value[:byte] + data.draw(st.binary(min_size=1, max_size=1)) + value[byte + 1 :]
                )
            case "remove" if len(events) > 1:
                del events[at]
            case "repeat":
                events.insert(other, events[at])
            case "swap":
                events[at], events[other] = events[other], events[at]
            case "cut":
                del events[max(1, at) :]
    outcome = verify(trail, since=seen).outcome
    assert (outcome is Outcome.SOUND) == (trail.values() == good)


@given(st.data())
def test_no_bytes_on_the_checkpoint_topic_can_make_it_fail(data: st.DataObject) -> None:
    trail = sound()
    place = data.draw(st.integers(0, 5))
    record = trail.checkpoints[place]
    note, [(name, nodes)] = record.value or b"", record.headers
    at = data.draw(st.integers(0, len(note)))
    value = data.draw(st.sampled_from([note, note[:at] + data.draw(st.binary(max_size=3)) + note[at:], None]))
    headers: Headers = data.draw(
        st.sampled_from([[(name, nodes)], [(name, None)], [("x", nodes)], [(name, b"1")]])
    )
    trail.checkpoints[place] = CheckpointRecord(data.draw(st.integers(0, 9)), value, headers)
    verdict = verify(trail)
    assert "ALTERED" not in kinds(verdict)


def test_a_trail_of_nothing_is_sound_once_that_is_signed() -> None:
    trail = Trail()
    assert_found(verify(trail), 2, "SILENCE", "nothing is signed at all")
    trail.sign(at=NOW - 10)
    assert (verify(trail).outcome, verify(trail).signed_size) == (Outcome.SOUND, 0)


def test_a_changed_event_is_seen_and_where() -> None:
    trail = sound()
    value = trail.events[9].value or b""
    trail.events[9].value = value.replace(b'"versionBefore":2', b'"versionBefore":3')
    assert trail.events[9].value != value
    verdict = verify(trail)
    assert_found(verdict, 4, "ALTERED", "the first 13 events are not those that were signed; the first 6 are")
    assert kinds(verdict) == ["ALTERED"]


def test_an_event_that_is_taken_out_in_place_leaves_a_gap() -> None:
    trail = sound()
    del trail.events[9]
    verdict = verify(trail, change=lambda offsets: [each + (each >= 9) for each in offsets])
    assert_found(verdict, 3, "EVENT_MISSING", "the event at 9 is missing")


def test_an_event_that_is_taken_out_of_a_topic_made_anew_is_seen() -> None:
    trail = sound()
    del trail.events[9]
    verdict = verify(trail)
    assert_found(verdict, 4, "ALTERED", "the first 13 events are not those that were signed")
    assert_found(verdict, 4, "TRUNCATED", f"{len(trail.events) + 1} events were signed")
    assert_found(verdict, 4, "BATCH_INCOMPLETE", "batch 2 has 4 of its 5 events")


def test_an_inserted_event_is_seen() -> None:
    trail = sound()
    other = Trail()
    other.erase(9, 1, "strange")
    trail.events.insert(9, other.events[0])
    verdict = verify(trail)
    assert_found(verdict, 4, "ALTERED", "the first 13 events are not those that were signed")


def test_two_events_that_change_places_are_seen() -> None:
    trail = sound()
    trail.events[7], trail.events[9] = trail.events[9], trail.events[7]
    verdict = verify(trail)
    assert kinds(verdict) == ["ALTERED"]
    assert verdict.outcome == 4


def test_lines_of_an_export_that_change_places_are_seen() -> None:
    verdict = verify(sound(), change=lambda offsets: [*offsets[:9], offsets[10], offsets[9], *offsets[11:]])
    assert_found(verdict, 4, "ALTERED", "the event at 9 comes out of its order")


def test_a_tail_that_is_cut_from_the_events_is_seen() -> None:
    trail = sound()
    trail.events = trail.events[:-3]
    verdict = verify(trail)
    assert_found(verdict, 3, "TRUNCATED", "36 events were signed, and the trail ends with 33")


def test_a_tail_that_is_cut_from_both_topics_is_seen_by_who_had_seen_it() -> None:
    trail, seen = sound(), tip(sound())
    short = Trail(trail.events[:-8], trail.checkpoints[:-2])
    assert "TRUNCATED" not in kinds(verify(short))
    verdict = verify(short, since=seen)
    assert_found(verdict, 3, "TRUNCATED", "36 events were signed")
    assert_found(verdict, 3, "CHECKPOINT_MISSING", "that was seen before is not there any more")


def test_the_last_checkpoints_that_are_taken_away_leave_events_uncovered() -> None:
    trail = sound()
    verdict = verify(Trail(trail.events, trail.checkpoints[:-1]))
    assert_found(verdict, 2, "UNCOVERED", "events are not signed, the first since 2026-11-23T11:50:00.000Z")
    assert kinds(verdict) == ["UNCOVERED"]


def test_a_checkpoint_that_is_taken_out_in_place_leaves_a_gap() -> None:
    trail = sound()
    del trail.checkpoints[2]
    verdict = verify(trail)
    assert_found(verdict, 3, "CHECKPOINT_MISSING", "on the checkpoint topic 2 is missing")


def test_a_checkpoint_that_is_gone_is_seen_by_who_had_seen_it() -> None:
    trail, seen = sound(), tip(sound(4))
    trail.checkpoints = renumbered(trail.checkpoints[:3] + trail.checkpoints[4:])
    assert verify(trail).outcome is Outcome.SOUND
    assert_found(verify(trail, since=seen), 3, "CHECKPOINT_MISSING", f"of {seen.size} events")


def test_a_trail_that_another_key_has_signed_is_forged() -> None:
    verdict = verify(resigned(sound(name="other"), STRANGE_SEED))
    assert_found(verdict, 4, "FORGED", "checkpoint record 0: ")


def test_one_forged_checkpoint_among_good_ones_is_named() -> None:
    trail = sound()
    forged = sound(3, STRANGE_SEED).checkpoints[-1]
    trail.checkpoints = renumbered([*trail.checkpoints, forged])
    verdict = verify(trail)
    assert_found(verdict, 4, "FORGED", "checkpoint record 6: ")


def test_two_histories_of_one_key_are_seen() -> None:
    trail, other = sound(), sound(3, name="other")
    trail.checkpoints = renumbered([*trail.checkpoints, other.checkpoints[-1]])
    assert_found(verify(trail), 4, "TWO_HISTORIES", "two roots are signed for")


def test_two_histories_of_different_sizes_are_seen() -> None:
    trail, other = sound(), Trail()
    other.erase(1, 8, "other")
    other.sign()
    trail.checkpoints = renumbered([*trail.checkpoints, other.checkpoints[-1]])
    assert_found(verify(trail), 4, "ALTERED", "the first 8 events are not those that were signed")


def test_a_topic_rebuilt_from_a_subset_fits_no_checkpoint() -> None:
    trail = sound()
    subset = Trail([each for at, each in enumerate(trail.events) if at % 4], trail.checkpoints)
    verdict = verify(subset)
    assert_found(verdict, 4, "ALTERED", "the first 6 events are not those that were signed; the first 0 are")


def test_a_topic_rebuilt_and_signed_anew_is_seen_by_who_had_seen_it() -> None:
    seen, rebuilt = tip(sound(4)), sound(name="rebuilt")
    assert verify(rebuilt).outcome is Outcome.SOUND
    verdict = verify(rebuilt, since=seen)
    assert_found(verdict, 4, "TWO_HISTORIES", "another root was seen before than is signed now")


def test_a_topic_rebuilt_and_signed_at_other_sizes_is_seen_by_who_had_seen_it() -> None:
    seen, rebuilt = tip(sound(4)), sound(name="rebuilt")
    rebuilt.checkpoints = renumbered(rebuilt.checkpoints[-1:])
    verdict = verify(rebuilt, since=seen)
    assert_found(verdict, 4, "TWO_HISTORIES", "are not those that were seen before")


def test_an_altered_compact_range_is_seen() -> None:
    trail = sound()
    record = trail.checkpoints[3]
    [(name, nodes)] = record.headers
    trail.checkpoints[3] = replace(record, headers=[(name, bytes(32) + (nodes or b"")[32:])])
    assert_found(verify(trail), 4, "RANGE_ALTERED", "checkpoint record 3: the compact range does not hash")


def test_a_compact_range_that_was_taken_away_is_seen() -> None:
    trail = sound()
    trail.checkpoints[3] = replace(trail.checkpoints[3], headers=[])
    assert_found(verify(trail), 4, "RANGE_ALTERED", "checkpoint record 3: no compact range")


def test_a_number_that_was_skipped_is_missed() -> None:
    trail = Trail()
    for n in (1, 2, 4, 7):
        trail.erase(n)
    trail.sign()
    verdict = verify(trail)
    assert_found(verdict, 5, "N_SKIPPED", "number 3 is missing")
    assert_found(verdict, 5, "N_SKIPPED", "numbers 5 to 6 are missing")
    assert verdict.findings[0].count == 3


def test_a_trail_whose_first_numbers_are_missing_says_so() -> None:
    trail = Trail()
    trail.erase(2)
    trail.sign()
    assert_found(verify(trail), 5, "N_SKIPPED", "number 1 is missing")


def test_a_number_that_was_given_twice_is_seen() -> None:
    trail = Trail()
    for n, name in ((1, ""), (2, ""), (2, "other"), (3, "")):
        trail.erase(n, name=name)
    trail.sign()
    verdict = verify(trail)
    assert_found(verdict, 5, "N_TWICE", "number 2 comes again")
    assert kinds(verdict) == ["N_TWICE"]


def test_a_batch_that_lacks_an_event_is_seen_though_it_was_signed() -> None:
    trail = Trail()
    trail.erase(1)
    trail.erase(2)
    del trail.events[3]
    trail.sign()
    assert_found(verify(trail), 5, "BATCH_INCOMPLETE", "batch 1 has 4 of its 5 events")


def test_one_id_with_other_bytes_is_a_conflict() -> None:
    trail = Trail()
    trail.erase(1)
    trail.erase(1, version=3)
    trail.sign()
    verdict = verify(trail)
    assert_found(verdict, 4, "CONFLICT", "the event at 5 has the id of an earlier one, and is another")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "does not keep the schema"),
        (b"junk", "does not keep the schema"),
        (b'{"data":{"action":"ANONYMIZE"}}', "does not keep the schema"),
    ],
)
def test_what_is_no_event_is_named_by_its_place(value: bytes | None, text: str) -> None:
    trail = Trail()
    trail.erase(1)
    trail.events.append(Told(value))
    trail.sign()
    assert_found(verify(trail), 4, "NOT_AN_EVENT", f"the event at 5 {text}")


def test_an_event_with_one_member_too_many_is_named() -> None:
    trail = Trail()
    trail.erase(1)
    value = trail.events[2].value or b""
    trail.events[2].value = value.replace(b'"due"', b'"customer":"Erika Mustermann","due"')
    trail.sign()
    verdict = verify(trail)
    assert_found(verdict, 4, "NOT_AN_EVENT", "the event at 2 ")
    assert "Mustermann" not in str(verdict)


def test_an_event_that_is_not_canonical_or_of_another_trail_is_named() -> None:
    trail = Trail()
    trail.erase(1, 2)
    value = trail.events[0].value or b""
    trail.events[0].value = value.replace(b'{"data":{', b'{ "data":{')
    trail.tell("quarantined", None, [["order-completed", 1, 2, "TOO_LARGE", ""]], log="another")
    trail.sign()
    verdict = verify(trail)
    assert_found(verdict, 4, "NOT_AN_EVENT", "the event at 0 is not in canonical form")
    assert_found(verdict, 4, "NOT_AN_EVENT", "the event at 2 is an event of another trail")
