"""What must hold after whatever happened: nothing lost, nothing twice, nothing early, nobody named."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import TypeAdapter

from audit import types
from audit.events import AuditEvent
from audit.types import RECORD_ANONYMIZED, RECORD_DELETED

QUARANTINED, QUARANTINE_ERASED = types.EVENT_QUARANTINED, types.QUARANTINE_ERASED
Dates = tuple[datetime, datetime]
_SCHEMA: TypeAdapter[Any] = TypeAdapter(AuditEvent)


@dataclass(frozen=True)
class TrailFacts:
    """The audit topic after repeats were removed."""

    events: list[dict[str, Any]]
    repeats: int

    def of(self, event_type: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == event_type]

    def subjects(self, event_type: str) -> Counter[str]:
        return Counter(event["subject"] for event in self.of(event_type))


def read_trail(values: Iterable[bytes]) -> TrailFacts:
    """Every value is by the schema, and a repeat has the bytes of the first."""
    first: dict[str, bytes] = {}
    events: list[dict[str, Any]] = []
    repeats = 0
    for value in values:
        _SCHEMA.validate_json(value)
        event = json.loads(value)
        if event["id"] in first:
            assert first[event["id"]] == value, "a repeat has other bytes"
            repeats += 1
            continue
        first[event["id"]] = value
        events.append(event)
    return TrailFacts(events, repeats)


def check_sequence(trail: TrailFacts) -> None:
    """Erasure batches are numbered without gap, and each is whole; all of it in order."""
    positions: dict[int, list[int]] = defaultdict(list)
    sizes: dict[int, int] = {}
    for event in trail.events:
        if sequence := event["data"].get("sequence"):
            positions[sequence["n"]].append(sequence["position"])
            sizes[sequence["n"]] = sequence["size"]
    assert list(positions) == list(range(1, len(positions) + 1)), "n has a gap or goes back"
    for n, found in positions.items():
        assert found == list(range(sizes[n])), f"batch {n} is not whole, or not in order"


def check_lives(trail: TrailFacts, due: Mapping[str, set[Dates]], *, some_came_late: bool = False) -> None:
    """Every record was anonymized once, then deleted once, at dates of one delivery and never early.

    Where some came late, past their deletion date already, those are deleted at once and the event says so.
    """
    at_once = {event["subject"] for event in trail.of(RECORD_DELETED) if event["data"]["flags"]}
    assert some_came_late or not at_once, f"{len(at_once)} deleted without having been anonymized"
    _once(trail, RECORD_DELETED, due.keys())
    _once(trail, RECORD_ANONYMIZED, due.keys() - at_once)
    anonymized = {event["subject"]: event for event in trail.of(RECORD_ANONYMIZED)}
    for event in trail.of(RECORD_DELETED):
        deletion, before = parse(event["data"]["due"]), anonymized.get(event["subject"])
        if before is None:
            assert deletion in {dates[1] for dates in due[event["subject"]]}, "deleted at another date"
            continue
        dates = (parse(before["data"]["due"]), deletion)
        assert dates in due[event["subject"]], "due at other dates than any delivery says"
        assert before["data"]["sequence"]["n"] < event["data"]["sequence"]["n"], "deleted first"
    assert all(parse(e["time"]) >= parse(e["data"]["due"]) for e in trail.events if "due" in e["data"]), (
        "early"
    )


def _once(trail: TrailFacts, event_type: str, subjects: Iterable[str]) -> None:
    announced, expected = trail.subjects(event_type), Counter(subjects)
    assert not expected - announced, f"{event_type}: {len(expected - announced)} missing"
    assert not announced - expected, f"{event_type}: {len(announced - expected)} too many"


def parse(text: str) -> datetime:
    return datetime.fromisoformat(text)


def due_dates(timestamp: int, retention: timedelta, deletion: timedelta) -> Dates:
    """Clean-up and deletion date of an order by its event's time on the topic, in milliseconds."""
    created = datetime.fromtimestamp(timestamp // 1000, UTC) + timedelta(milliseconds=timestamp % 1000)
    return created + retention, created + retention + deletion


def check_nobody_named(texts: dict[str, str], planted: Iterable[str]) -> None:
    """None of the planted texts is found in any of the named outputs."""
    for name, text in texts.items():
        found = [word for word in planted if word in text]
        assert not found, f"{len(found)} planted texts found in {name}, such as {found[0]!r}"
