"""Whoever has no key cannot make a folder sound that holds other events than those that were signed."""

from dataclasses import replace
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from audit.checkpoint_book import CheckpointRecord
from audit.checkpoints import Checkpoint, range_headers
from audit.findings import Outcome
from audit.merkle import CompactRange
from tests.trails import LOG, NOW, RETIRED_KEY, RETIRED_SEED, SEED, Told, Trail, kinds, renumbered, verify

KEYS: Final = (RETIRED_KEY,)
"""The key of the day here; the seed of the other one is known to whoever forges."""


def true_trail() -> Trail:
    trail = Trail()
    for n in range(1, 7):
        trail.erase(n, 3, name="true")
        trail.quarantine(n % 3)
        trail.sign(RETIRED_SEED, NOW - 60 * (7 - n))
    return trail


TRUE: Final = true_trail()
OTHER: Final = [*(Told(value) for value in TRUE.values()), Told(b"{}"), Told(None)]


def unsigned(record: CheckpointRecord, events: list[Told]) -> CheckpointRecord:
    """The lines of a true checkpoint under the text of what is there, with the range that fits it."""
    tree = CompactRange()
    tree.extend([each.value for each in events])
    lines = (record.value or b"").partition(b"\n\n")[2]
    text = Checkpoint.of(LOG, tree).text.encode()
    return replace(record, value=text + b"\n" + lines, headers=range_headers(tree))


def changed(data: st.DataObject) -> list[Told]:
    """The true events, or what somebody has made of them."""
    events = list(TRUE.events)
    for _ in range(data.draw(st.integers(0, 2))):
        at, other = data.draw(st.integers(0, len(events) - 1)), data.draw(st.sampled_from(OTHER))
        match data.draw(st.sampled_from(["insert", "append", "change", "remove", "cut"])):
            case "insert":
                events.insert(at, other)
            case "append":
                events.append(other)
            case "change":
                events[at] = other
            case "remove":
                del events[at]
            case _:
                del events[max(2, at) :]
    age = data.draw(st.sampled_from([5, 600]))
    return [replace(event, time=NOW - age) for event in events]


def rewritten(record: CheckpointRecord, how: str, events: list[Told]) -> CheckpointRecord:
    """A true checkpoint, or what somebody has made of it; "key": by one that the reader was not given."""
    text, _, lines = (record.value or b"").partition(b"\n\n")
    match how:
        case "plain" | "timed":
            line = lines.splitlines(keepends=True)[how == "timed"]
            return replace(record, value=text + b"\n\n" + line)
        case "text":
            return unsigned(record, events)
        case "range":
            return replace(record, headers=[])
        case "key":
            return Trail(events).sign(SEED, NOW - 60)
        case _:
            return record


def forged(data: st.DataObject) -> Trail:
    """Any events, and any of the true checkpoints: all, or some of them repeated, moved and rewritten."""
    events = changed(data)
    hows = st.sampled_from(["true"] * 8 + ["plain", "timed", "text", "range", "key"])
    some = st.lists(st.tuples(st.sampled_from(TRUE.checkpoints), hows), max_size=8)
    all_of_them = st.just([(record, "true") for record in TRUE.checkpoints])
    made = [rewritten(record, how, events) for record, how in data.draw(some | all_of_them)]
    first = data.draw(st.sampled_from([0, 0, 4, 5, 9]) | st.integers(0, len(events)))
    first = min(first, len(events))
    return Trail(events[first:], renumbered(made), first)


@settings(max_examples=200)
@given(st.data())
def test_what_is_sound_is_what_was_signed(data: st.DataObject) -> None:
    trail = forged(data)
    end = trail.first + len(trail.events)
    scope: dict[str, Any] = {
        "head": data.draw(st.booleans()),
        "stop": data.draw(st.sampled_from([None, end])),
        "retention_days": data.draw(st.sampled_from([None, 0])),
        "left_out": data.draw(st.integers(0, 2)),
    }
    verdict = verify(trail, keys=KEYS, exported=True, **scope)
    if verdict.outcome is Outcome.SOUND:
        assert (verdict.read_to, kinds(verdict)) == (end, [])
        there = trail.values()[verdict.start - trail.first :]
        assert there == TRUE.values()[verdict.start : end]
        assert end in {verdict.compared, verdict.start}


@given(place=st.integers(0, 5), closed=st.booleans(), more=st.booleans())
def test_what_was_signed_is_sound_wherever_a_checkpoint_ends_it(
    *, place: int, closed: bool, more: bool
) -> None:
    size = Checkpoint.parse((TRUE.checkpoints[place].value or b"").decode().partition("\n\n")[0] + "\n").size
    trail = Trail(TRUE.events[:size], TRUE.checkpoints if closed else TRUE.checkpoints[: place + 1])
    verdict = verify(trail, keys=KEYS, exported=True, stop=size if closed else None, left_out=int(more))
    assert (verdict.outcome, verdict.compared) == (Outcome.SOUND, size)
