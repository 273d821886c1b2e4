"""What the trail tells of what was done, for a database that was put back from before it was done.

Pure: takes the values of the whole topic in their order, and says what has to be so in the database.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from audit.events import (
    AuditTrailBegun,
    QuarantineEntryDropped,
    QuarantineEntryErased,
    QuarantineEntryReplayed,
    RecordAnonymized,
    RecordDeleted,
    RetentionPolicyChanged,
    StoredDatesRecomputed,
    event_of,
)

_LATEST = datetime(9000, 1, 1, tzinfo=UTC)
"""No event of ours says a later time, and to this one any number of days can be added that is ever added."""
Place = tuple[str, int, int]
"""Topic, partition and offset of an event."""


@dataclass(frozen=True)
class Done:
    """When something was erased, and when that was due (both UTC)."""

    time: datetime
    due: datetime


@dataclass(frozen=True)
class Gone:
    """When a quarantined event lost its content (UTC), why it was there, and on which grounds, if any.

    `on_time`: because it was due, and on nobody's word.
    """

    time: datetime
    reason: str
    grounds: str | None
    on_time: bool


@dataclass(frozen=True)
class PolicyTold:
    """The numbers of a policy, in days, and when it was made (UTC)."""

    version: int
    retention_time: int
    deletion_time_after_retention: int
    actor_anonymization: bool
    since: datetime


@dataclass
class Part:
    """What some events of the trail tell; the last one counts where there are several of one subject."""

    deleted: dict[str, Done] = field(default_factory=dict)
    anonymized: dict[str, Done] = field(default_factory=dict)
    gone: dict[Place, Gone] = field(default_factory=dict)
    replayed: dict[Place, datetime] = field(default_factory=dict)
    """Those whose order was stored by it, and when."""


@dataclass
class Retold:
    """What the whole trail comes to: the last `n`, the newest policy, and what nobody could read.

    `first_n` is the first batch of which all is there. `seen` are those of the `wanted` events, by id, that
    are on it; `moved_later` the records whose dates were moved later after `since` (UTC), where that is
    known.
    """

    log_name: str
    wanted: frozenset[str] = frozenset()
    since: datetime | None = None
    seen: set[str] = field(default_factory=set)
    n: int = 0
    first_n: int | None = None
    policy_version: int = 0
    policies: dict[int, PolicyTold] = field(default_factory=dict)
    moved_later: int = 0
    events: int = 0
    unreadable: int = 0

    def take(self, values: Iterable[bytes | None]) -> Part:
        """The next values. An event of another trail's name tells nothing of this one."""
        part = Part()
        for value in values:
            try:
                event = event_of(value)
            except ValueError:
                self.unreadable += 1
                continue
            if event.source == f"/{self.log_name}":
                self._take(event, part)
        return part

    def _take(self, event: Any, part: Part) -> None:
        self.events += 1
        if event.id in self.wanted:
            self.seen.add(event.id)
        self.policy_version = max(self.policy_version, event.data.policy_version)
        if (sequence := getattr(event.data, "sequence", None)) is not None:
            self.n = max(self.n, sequence.n)
            if self.first_n is None:
                self.first_n = sequence.n + (sequence.position > 0)
        time = min(datetime.fromisoformat(event.time), _LATEST)
        match event:
            case RetentionPolicyChanged():
                self._policy(event, time)
            case AuditTrailBegun():
                self.n = max(self.n, event.data.last_n)
            case StoredDatesRecomputed() if self.since is not None and time > self.since:
                self.moved_later += event.data.moved_later
            case _:
                _note(event, time, part)

    def _policy(self, event: RetentionPolicyChanged, time: datetime) -> None:
        data = event.data
        self.policies[data.policy_version] = PolicyTold(
            data.policy_version,
            data.retention_time,
            data.deletion_time_after_retention,
            data.actor_anonymization,
            time,
        )


def _note(event: Any, time: datetime, part: Part) -> None:
    match event:
        case RecordDeleted():
            part.deleted[event.subject] = _done(event, time)
        case RecordAnonymized():
            part.anonymized[event.subject] = _done(event, time)
        case QuarantineEntryErased():
            part.gone[_place(event)] = Gone(time, event.data.reason, None, on_time=True)
        case QuarantineEntryDropped():
            part.gone[_place(event)] = Gone(time, event.data.reason, event.data.grounds, on_time=False)
        case QuarantineEntryReplayed() if event.data.outcome == "ERASED":
            part.gone[_place(event)] = Gone(time, event.data.reason, None, on_time=False)
        case QuarantineEntryReplayed() if event.data.outcome != "REFUSED":
            part.replayed[_place(event)] = time


def _done(event: Any, time: datetime) -> Done:
    return Done(time, datetime.fromisoformat(event.data.due))


def _place(event: Any) -> Place:
    return event.data.topic, event.data.partition, event.data.offset
