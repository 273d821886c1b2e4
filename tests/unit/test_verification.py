"""Whatever is not as it should be on a trail shows, and what is sound stays quiet; also test_attacks.py."""

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


def test_lines_of_an_export_that_change_places_are_seen() -> None:
    verdict = verify(sound(), change=lambda offsets: [*offsets[:9], offsets[10], offsets[9], *offsets[11:]])
    assert_found(verdict, 4, "ALTERED", "the event at 9 comes out of its order")


def test_a_checkpoint_that_is_gone_is_seen_by_who_had_seen_it() -> None:
    trail, seen = sound(), tip(sound(4))
    trail.checkpoints = renumbered(trail.checkpoints[:3] + trail.checkpoints[4:])
    assert verify(trail).outcome is Outcome.SOUND
    assert_found(verify(trail, since=seen), 3, "CHECKPOINT_MISSING", f"of {seen.size} events")


def test_one_forged_checkpoint_among_good_ones_is_named() -> None:
    trail = sound()
    forged = sound(3, STRANGE_SEED).checkpoints[-1]
    trail.checkpoints = renumbered([*trail.checkpoints, forged])
    verdict = verify(trail)
    assert_found(verdict, 4, "FORGED", "checkpoint record 6: ")


def test_a_topic_rebuilt_and_signed_anew_is_seen_by_who_had_seen_it() -> None:
    seen, rebuilt = tip(sound(4)), sound(name="rebuilt")
    assert verify(rebuilt).outcome is Outcome.SOUND
    verdict = verify(rebuilt, since=seen)
    assert_found(verdict, 4, "TWO_HISTORIES", "another root was seen before than is signed now")


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
