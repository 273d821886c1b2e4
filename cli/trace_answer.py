"""What is to be answered of an order: one state, its dates, and what could not be looked at."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from audit.templates import timestamp
from audit.types import RECORD_ANONYMIZED, RECORD_DELETED
from cli.audit_scan import Scan
from cli.quarantine_view import entry_facts
from records.lifecycle import Decision
from records.mongo.quarantine_reads import State as EntryState
from records.mongo.trace import Whereabouts


class State(StrEnum):
    """Where an order is."""

    STORED = "stored"
    ANONYMIZED = "anonymized"
    DELETED = "deleted"
    QUARANTINED = "quarantined"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Answer:
    """All that is known of an order; `scan` is None where the audit topic was not to be read."""

    record_id: str
    where: Whereabouts
    scan: Scan | None

    @property
    def state(self) -> State:
        """MongoDB decides; where it knows nothing (any more), the trail does."""
        if self.where.decision is not None:
            return self._state_of_record(self.where.decision)
        if self.where.remembered_until is not None:
            return State.DELETED
        if self._is_kept:
            return State.QUARANTINED
        if RECORD_DELETED in self._acts:
            return State.DELETED
        return State.QUARANTINED if self.where.entries else State.UNKNOWN

    def _state_of_record(self, due: Decision) -> State:
        match due:
            case Decision.DELETE:
                return State.DELETED
            case Decision.ANONYMIZE:
                return State.ANONYMIZED
            case Decision.KEEP:
                return State.ANONYMIZED if self._stored("anonymized") else State.STORED

    def facts(self) -> dict[str, Any]:
        """The answer by the names that `--json` uses."""
        return {
            "recordId": self.record_id,
            "state": self.state.value,
            **self.dates(),
            "quarantine": [entry_facts(entry) for entry in self.where.entries],
            "auditEvents": [] if self.scan is None else list(self.scan.events.values()),
            "audit": None if self.scan is None else _read(self.scan),
            "notes": list(self.notes()),
        }

    def dates(self) -> dict[str, Any]:
        """When what happened or is to happen; null where that is not known."""
        return {
            "created": _time(self._stored("created")),
            "gdprCleanupDate": _time(self._stored("gdprCleanupDate")),
            "deletionDate": _time(self._stored("deletionDate")),
            "datesBy": self._stored("datesBy"),
            "policyVersion": self._stored("policyVersion"),
            "version": self._stored("version"),
            "anonymizedAt": self._acts.get(RECORD_ANONYMIZED),
            "deletedAt": self._acts.get(RECORD_DELETED),
            "rememberedUntil": _time(self.where.remembered_until),
        }

    def notes(self) -> Iterator[str]:
        """What a reader has to know to understand the answer."""
        if self._is_due:
            yield "It is due, and shown so already; the sweep has not come by yet."
        if self.where.record is not None and RECORD_DELETED in self._acts:
            yield "The audit topic says that it was deleted, and it is there: was a backup restored?"
        if self.state is State.QUARANTINED and not self._is_kept:
            yield "Its content is gone: it has to be sent again."
        if self.where.more_entries:
            yield f"It is in quarantine more than {len(self.where.entries)} times: these are the newest."
        yield from self._notes_of_scan()
        if self.where.others_unknown:
            yield (
                "There are quarantined events of which it is not known which order they hold; they are not"
                " searched: see `order-records quarantine list`."
            )

    def _notes_of_scan(self) -> Iterator[str]:
        if self.scan is None:
            yield "The audit topic was not read: when it was anonymized or deleted is not known."
        elif self.scan.away is not None:
            yield f"Kafka did not give the audit topic ({self.scan.away}): this is MongoDB's answer alone."
        elif not self.scan.complete:
            yield "The audit topic was not read to its end: try again with more --audit-seconds."
        elif self._is_unannounced:
            yield "Its last change is not on the audit topic: it may wait in the outbox, or be cut off."
        if self.scan is not None and self.scan.malformed:
            yield f"{self.scan.malformed} records on the audit topic bear its key and are no audit events."

    @property
    def _is_kept(self) -> bool:
        return any(entry.state is EntryState.KEPT for entry in self.where.entries)

    @property
    def _is_due(self) -> bool:
        due = self.where.decision
        return due is Decision.DELETE or (due is Decision.ANONYMIZE and not self._stored("anonymized"))

    @property
    def _is_unannounced(self) -> bool:
        deleted = self.where.remembered_until is not None and RECORD_DELETED not in self._acts
        return deleted or bool(self._stored("anonymized") and RECORD_ANONYMIZED not in self._acts)

    @property
    def _acts(self) -> Mapping[str, str]:
        return {} if self.scan is None else self.scan.acts

    def _stored(self, name: str) -> Any:
        return None if self.where.record is None else self.where.record.get(name)


def _read(scan: Scan) -> dict[str, Any]:
    read = {"from": scan.first, "to": scan.read_to, "end": scan.end}
    return {"complete": scan.complete, "unavailable": scan.away, **read, "malformed": scan.malformed}


def _time(instant: datetime | None) -> str | None:
    return None if instant is None else timestamp(instant)
