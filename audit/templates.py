"""From the plain facts of an outbox entry to the bytes of its audit events, always the same bytes.

A repeat must be identical to the byte, also when a newer build sends it again; so a template, once
released, never changes: a new wording is a new template beside the old ones.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

import orjson

from audit.types import (
    EVENT_QUARANTINED,
    POLICY_CHANGED,
    QUARANTINE_ERASED,
    RECORD_ANONYMIZED,
    RECORD_DELETED,
)

Json = dict[str, Any]


class UnknownTemplate(Exception):
    """An outbox entry of a newer build: only that build, or a later one, can send it."""


@dataclass(frozen=True)
class AuditRecord:
    """One record of the audit topic: its key, and the value whose exact bytes are the evidence."""

    key: bytes
    value: bytes


def expand(entry: Mapping[str, Any], log_name: str) -> list[AuditRecord]:
    """The audit records of one outbox entry, in order. Raises UnknownTemplate.

    The entry holds _id, kind, time, template, build, policyVersion, policyDigest, items, and n for
    erasures. An event's id is the UUIDv5 of its position within the entry's id.
    """
    wording = _WORDINGS.get((entry["kind"], entry["template"]))
    if wording is None:
        raise UnknownTemplate(f"template {entry['template']} of {entry['kind']} is not known to this build")
    namespace, items = UUID(entry["_id"]), entry["items"]
    common = _common(entry)
    envelope = {
        "datacontenttype": "application/json",
        "source": f"/{log_name}",
        "specversion": "1.0",
        "time": timestamp(entry["time"]),
        "type": wording.type,
    }
    records = []
    for position, item in enumerate(items):
        subject, facts = wording.say(item)
        data = {**common, **facts}
        if "n" in entry:
            data["sequence"] = {"n": entry["n"], "position": position, "size": len(items)}
        event = {**envelope, "id": str(uuid5(namespace, str(position))), "subject": subject, "data": data}
        records.append(AuditRecord(subject.encode(), canonical(event)))
    return records


def canonical(event: Json) -> bytes:
    """Canonical JSON: sorted members, no spaces, UTF-8 (RFC 8785 for the values that events hold)."""
    return orjson.dumps(event, option=orjson.OPT_SORT_KEYS)


def timestamp(instant: datetime) -> str:
    """A time in UTC as RFC 3339 with milliseconds."""
    return instant.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _common(entry: Mapping[str, Any]) -> Json:
    return {
        "policyDigest": entry["policyDigest"],
        "policyVersion": entry["policyVersion"],
        "template": entry["template"],
        "worker": {"build": entry["build"]},
    }


def _anonymized(item: Sequence[Any]) -> tuple[str, Json]:
    record_id, version, due, flags = item
    facts = {"action": "ANONYMIZE", "recordId": record_id, "versionAfter": version}
    return record_id, {**facts, "due": timestamp(due), "flags": flags}


def _deleted(item: Sequence[Any]) -> tuple[str, Json]:
    record_id, version, due, flags = item
    facts = {"action": "DELETE", "recordId": record_id, "versionBefore": version}
    return record_id, {**facts, "due": timestamp(due), "flags": flags}


def _quarantined(item: Sequence[Any]) -> tuple[str, Json]:
    topic, partition, offset, reason, pointer = item
    facts = {"action": "QUARANTINE", "reason": reason, "pointer": pointer}
    return _quarantine_subject(item), {**facts, "topic": topic, "partition": partition, "offset": offset}


def _quarantine_erased(item: Sequence[Any]) -> tuple[str, Json]:
    topic, partition, offset, reason, due = item
    facts = {"action": "ERASE_QUARANTINED", "reason": reason, "due": timestamp(due)}
    return _quarantine_subject(item), {**facts, "topic": topic, "partition": partition, "offset": offset}


def _policy_changed(item: Sequence[Any]) -> tuple[str, Json]:
    retention, deletion, anonymize_actors, actor = item
    facts = {"action": "CHANGE_POLICY", "actor": actor, "actorAnonymization": anonymize_actors}
    return "system", {**facts, "retentionTime": retention, "deletionTimeAfterRetention": deletion}


def _quarantine_subject(item: Sequence[Any]) -> str:
    topic, partition, offset = item[:3]
    return f"quarantine/{topic}/{partition}/{offset}"


@dataclass(frozen=True)
class _Wording:
    type: str
    say: Callable[[Sequence[Any]], tuple[str, Json]]


_WORDINGS: Final[dict[tuple[str, int], _Wording]] = {
    ("anonymized", 1): _Wording(RECORD_ANONYMIZED, _anonymized),
    ("deleted", 1): _Wording(RECORD_DELETED, _deleted),
    ("quarantined", 1): _Wording(EVENT_QUARANTINED, _quarantined),
    ("quarantine.erased", 1): _Wording(QUARANTINE_ERASED, _quarantine_erased),
    ("policy.changed", 1): _Wording(POLICY_CHANGED, _policy_changed),
}
