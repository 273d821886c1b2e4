"""What `trace` answers, by what MongoDB and the audit topic know of the order."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from audit.templates import expand
from cli.audit_scan import Scan
from cli.trace_answer import Answer, State
from records.lifecycle import decide
from records.mongo.quarantine_reads import Entry
from records.mongo.quarantine_reads import State as EntryState
from records.mongo.trace import Whereabouts
from records.quarantine import Position

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
DAY = timedelta(days=1)
RECORD_ID = "6f1c0b0e-7a51-8c3e-9d41-2b7f6a0c9e55"
ANONYMIZED, DELETED = "2026-11-20T00:00:04.127Z", "2026-11-22T00:00:04.127Z"


def record(cleanup: timedelta, deletion: timedelta, *, anonymized: bool = False) -> dict[str, Any]:
    return {
        "version": 2 if anonymized else 1,
        "created": NOW - 30 * DAY,
        "anonymized": anonymized,
        "gdprCleanupDate": NOW + cleanup,
        "deletionDate": NOW + deletion,
        "datesBy": "policy",
        "policyVersion": 3,
    }


FRESH = record(DAY, 2 * DAY)
OLD = record(-DAY, DAY, anonymized=True)


def found(
    stored: dict[str, Any] | None = None,
    remembered: datetime | None = None,
    *entries: Entry,
    others_unknown: bool = False,
) -> Whereabouts:
    due = None if stored is None else decide(stored, NOW)
    return Whereabouts(stored, due, remembered, list(entries), others_unknown)


def entry(state: EntryState) -> Entry:
    position = Position("order-completed", 4, 18273, 1_795_392_898_120)
    return Entry(position, "CONFLICT", "", state, NOW - DAY, NOW + DAY, RECORD_ID)


def scanned(*acts: str, read_to: int = 10, away: str | None = None, malformed: int = 0) -> Scan:
    """A scan that found these: anonymized, deleted, or both."""
    scan = Scan(first=2, read_to=read_to, end=10, malformed=malformed, away=away)
    times = {"anonymized": ANONYMIZED, "deleted": DELETED}
    for offset, act in enumerate(acts):
        outbox = {
            "_id": f"5f0c1e1a-0b1d-4c55-9a3e-0d6b1f2a7c1{offset}",
            "kind": act,
            "template": 1,
            "build": "1",
        }
        outbox |= {"policyVersion": 3, "policyDigest": f"sha256:{'9f' * 32}", "n": 1 + offset}
        outbox |= {"time": datetime.fromisoformat(times[act]), "items": [[RECORD_ID, 2, NOW - DAY, []]]}
        (audited,) = expand(outbox, "order-records")
        scan.add(offset, audited.value)
    return scan


@pytest.mark.parametrize(
    ("where", "scan", "state"),
    [
        (found(FRESH), scanned(), State.STORED),
        (found(FRESH), None, State.STORED),
        (found(OLD), scanned("anonymized"), State.ANONYMIZED),
        (found(record(-DAY, DAY)), scanned(), State.ANONYMIZED),
        (found(record(-2 * DAY, -DAY)), scanned(), State.DELETED),
        (found(None, NOW + 400 * DAY), scanned(), State.DELETED),
        (found(None, NOW + 400 * DAY, entry(EntryState.BARE)), scanned("deleted"), State.DELETED),
        (found(None, None), scanned("anonymized", "deleted"), State.DELETED),
        (found(None, None, entry(EntryState.KEPT)), scanned(), State.QUARANTINED),
        (found(None, None, entry(EntryState.DROPPED)), scanned(), State.QUARANTINED),
        (found(None, None, entry(EntryState.BARE)), scanned("deleted"), State.DELETED),
        (found(FRESH, None, entry(EntryState.KEPT)), scanned(), State.STORED),
        (found(), scanned(), State.UNKNOWN),
        (found(), None, State.UNKNOWN),
    ],
)
def test_the_state_is_the_one_that_a_reader_would_see(
    where: Whereabouts, scan: Scan | None, state: State
) -> None:
    assert Answer(RECORD_ID, where, scan).state is state


def test_the_dates_come_from_the_record_and_the_times_from_the_trail() -> None:
    answer = Answer(RECORD_ID, found(OLD), scanned("anonymized"))
    assert answer.dates() == {
        "created": "2026-10-24T10:00:00.000Z",
        "gdprCleanupDate": "2026-11-22T10:00:00.000Z",
        "deletionDate": "2026-11-24T10:00:00.000Z",
        "datesBy": "policy",
        "policyVersion": 3,
        "version": 2,
        "anonymizedAt": ANONYMIZED,
        "deletedAt": None,
        "rememberedUntil": None,
    }
    assert list(answer.notes()) == []
    assert json.loads(json.dumps(answer.facts()))["audit"] == {
        "complete": True,
        "unavailable": None,
        "from": 2,
        "to": 10,
        "end": 10,
        "malformed": 0,
    }


@pytest.mark.parametrize(
    ("where", "scan", "word"),
    [
        (found(record(-DAY, DAY)), scanned(), "has not come by"),
        (found(record(-2 * DAY, -DAY, anonymized=True)), scanned("anonymized"), "has not come by"),
        (found(FRESH), scanned("deleted"), "backup"),
        (found(FRESH), None, "was not read"),
        (found(FRESH), scanned(away="TopicMissing: topic audit is missing"), "TopicMissing"),
        (found(FRESH), scanned(read_to=9), "--audit-seconds"),
        (found(OLD), scanned(), "outbox"),
        (found(None, NOW + DAY), scanned("anonymized"), "outbox"),
        (found(FRESH), scanned(malformed=2), "2 records"),
        (found(others_unknown=True), scanned(), "not searched"),
        (found(None, None, entry(EntryState.DROPPED)), scanned(), "sent again"),
        (found(None, None, entry(EntryState.BARE)), scanned(), "sent again"),
        (replace(found(FRESH, None, entry(EntryState.KEPT)), more_entries=True), scanned(), "more than 1"),
    ],
)
def test_what_a_reader_has_to_know_is_said(where: Whereabouts, scan: Scan | None, word: str) -> None:
    (note,) = Answer(RECORD_ID, where, scan).notes()
    assert word in note


def test_a_repeat_on_the_trail_is_told_once_and_what_is_no_event_never() -> None:
    scan = scanned("anonymized")
    (event,) = scan.events.values()
    repeat = json.dumps({name: event[name] for name in event if name != "offset"}).encode()
    scan.add(7, repeat)
    scan.add(8, b'{"consumer": "Erika"}')
    scan.add(9, None)
    assert [each["offset"] for each in scan.events.values()] == [0]
    assert scan.malformed == 2


def test_events_of_a_subject_from_before_its_time_are_left_out() -> None:
    for earlier, left in ((timedelta(), 1), (timedelta(minutes=2), 0)):
        scan = scanned("anonymized")
        scan.leave_out_before({RECORD_ID: datetime.fromisoformat(ANONYMIZED) + earlier, "other": NOW})
        assert len(scan.events) == left


def test_nothing_is_known_of_when_it_came_once_the_record_is_gone() -> None:
    kept = entry(EntryState.KEPT)
    assert found(None, None, kept).known_since is None
    assert found(FRESH, None, kept).known_since == NOW - 30 * DAY
    early = replace(kept, arrived=NOW - 40 * DAY)
    assert found(FRESH, None, early).known_since == NOW - 40 * DAY
