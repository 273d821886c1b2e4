"""From the plain facts of an outbox entry to the bytes of its audit events, always the same bytes.

A repeat must be identical to the byte, also when a newer build sends it again; so a template, once
released, never changes: a new wording is a new template beside the old ones.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson

from audit.types import (
    ATTESTATION,
    DATES_RECOMPUTED,
    EVENT_QUARANTINED,
    LEDGER_REAPPLIED,
    OFFSETS_LOST,
    POLICY_CHANGED,
    QUARANTINE_DROPPED,
    QUARANTINE_ERASED,
    QUARANTINE_REPLAYED,
    QUARANTINE_SHOWN,
    QUARANTINE_SKIPPED,
    RECORD_ANONYMIZED,
    RECORD_DELETED,
    TRAIL_BEGUN,
)

Json = dict[str, Any]

_RFC3339: Final = "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ"


class UnknownTemplate(Exception):
    """An outbox entry of a newer build: only that build, or a later one, can send it."""


class OtherTrail(Exception):
    """An outbox entry that begins another trail: only a process with the settings of that one sends it."""


@dataclass(frozen=True)
class AuditRecord:
    """One record of the audit topic: its key, and the value whose exact bytes are the evidence."""

    key: bytes
    value: bytes


def expand(entry: Mapping[str, Any], log_name: str) -> list[AuditRecord]:
    """The audit records of one outbox entry, in order. Raises UnknownTemplate, OtherTrail.

    The entry holds _id, kind, time, template, build, policyVersion, policyDigest, items, and n for
    erasures; `at` where its event says another time, `logName` where it is of one trail only. An event's
    id is the UUIDv5 of its position within the entry's id.
    """
    wording = _WORDINGS.get((entry["kind"], entry["template"]))
    if wording is None:
        raise UnknownTemplate(f"template {entry['template']} of {entry['kind']} is not known to this build")
    if entry.get("logName", log_name) != log_name:
        raise OtherTrail("another trail was begun: start this process anew, with the settings of that one")
    items, namespace = entry["items"], _namespace(entry["_id"])
    common = _common(entry)
    envelope = {
        "datacontenttype": "application/json",
        "source": f"/{log_name}",
        "specversion": "1.0",
        "time": timestamp(entry.get("at", entry["time"])),
        "type": wording.type,
    }
    records = []
    for position, item in enumerate(items):
        subject, facts = wording.say(item)
        data = {**common, **facts}
        if "n" in entry:
            data["sequence"] = {"n": entry["n"], "position": position, "size": len(items)}
        event = {**envelope, "id": _event_id(namespace, position), "subject": subject, "data": data}
        records.append(AuditRecord(subject.encode(), canonical(event)))
    return records


def event_id(entry_id: str, position: int) -> str:
    """The id of an event, from its outbox entry's id and its position in it: the same at each repeat."""
    return _event_id(_namespace(entry_id), position)


def _namespace(entry_id: str) -> "hashlib._Hash":
    return hashlib.sha1(UUID(entry_id).bytes, usedforsecurity=False)


def _event_id(namespace: "hashlib._Hash", position: int) -> str:
    """A UUIDv5 (RFC 9562) by hand: it is half the price of an event by the class UUID."""
    digest = namespace.copy()
    digest.update(b"%d" % position)
    octets = digest.digest()
    text, variant = octets[:16].hex(), "89ab"[octets[8] >> 4 & 0x3]
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"


def entry_subject(topic: str, partition: int, offset: int) -> str:
    """The subject of every event about a quarantined event, by its place on its topic."""
    return f"quarantine/{topic}/{partition}/{offset}"


def canonical(event: Json) -> bytes:
    """Canonical JSON: sorted members, no spaces, UTF-8 (RFC 8785 for the values that events hold)."""
    return orjson.dumps(event, option=orjson.OPT_SORT_KEYS)


def timestamp(instant: datetime) -> str:
    """A time in UTC as RFC 3339 with milliseconds."""
    # At half the price of isoformat, since a page of records holds hundreds of times.
    day, milliseconds = (instant.year, instant.month, instant.day), instant.microsecond // 1000
    return _RFC3339 % (*day, instant.hour, instant.minute, instant.second, milliseconds)


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
    return _of_entry(item, {"action": "QUARANTINE", "pointer": item[4]})


def _quarantine_erased(item: Sequence[Any]) -> tuple[str, Json]:
    return _of_entry(item, {"action": "ERASE_QUARANTINED", "due": timestamp(item[4])})


def _quarantine_shown(item: Sequence[Any]) -> tuple[str, Json]:
    grounds, actor = item[4:]
    return _of_entry(item, {"action": "SHOW_QUARANTINED", "grounds": grounds, "actor": actor})


def _quarantine_replayed(item: Sequence[Any]) -> tuple[str, Json]:
    pointer, outcome, actor = item[4:]
    return _of_entry(item, {"action": "REPLAY", "pointer": pointer, "outcome": outcome, "actor": actor})


def _quarantine_dropped(item: Sequence[Any]) -> tuple[str, Json]:
    grounds, actor = item[4:]
    return _of_entry(item, {"action": "DROP", "grounds": grounds, "actor": actor})


def _quarantine_skipped(item: Sequence[Any]) -> tuple[str, Json]:
    until, grounds, actor = item[4:]
    return _of_entry(item, {"action": "SKIP", "untilOffset": until, "grounds": grounds, "actor": actor})


def _of_entry(item: Sequence[Any], facts: Json) -> tuple[str, Json]:
    """Every item about a quarantined event begins with its place and the reason of its refusal."""
    topic, partition, offset, reason = item[:4]
    place = {"topic": topic, "partition": partition, "offset": offset, "reason": reason}
    return entry_subject(topic, partition, offset), {**facts, **place}


def _offsets_lost(item: Sequence[Any]) -> tuple[str, Json]:
    topic, partition, start, end, cause = item
    facts = {"action": "LOSE_OFFSETS", "cause": cause, "fromOffset": start, "untilOffset": end}
    return f"offsets/{topic}/{partition}", {**facts, "topic": topic, "partition": partition}


def _policy_changed(item: Sequence[Any]) -> tuple[str, Json]:
    retention, deletion, anonymize_actors, actor = item
    facts = {"action": "CHANGE_POLICY", "actor": actor, "actorAnonymization": anonymize_actors}
    return "system", {**facts, "retentionTime": retention, "deletionTimeAfterRetention": deletion}


def _dates_recomputed(item: Sequence[Any]) -> tuple[str, Json]:
    records, earlier, later, at_once, actor = item
    facts = {"action": "RECOMPUTE_DATES", "actor": actor, "dueAtOnce": at_once, "records": records}
    return "system", {**facts, "movedEarlier": earlier, "movedLater": later}


def _ledger_reapplied(item: Sequence[Any]) -> tuple[str, Json]:
    ids, dates, entries, policy, last_n, actor = item
    facts = {"action": "REAPPLY", "actor": actor, "policy": policy, "lastN": last_n}
    return "system", {**facts, "ids": ids, "dates": dates, "entries": entries}


def _trail_begun(item: Sequence[Any]) -> tuple[str, Json]:
    """Size and root of what was signed before are None where that is not known."""
    grounds, last_n, log_name, topic, size, root, actor = item
    facts = {"action": "BEGIN_TRAIL", "actor": actor, "grounds": grounds, "lastN": last_n}
    signed = _known(("signedSize", "signedRoot"), (size, root))
    return "system", {**facts, "before": {"source": f"/{log_name}", "topic": topic, **signed}}


def _attested(item: Sequence[Any]) -> tuple[str, Json]:
    """What is None was not to be had, and is left out."""
    period, n, done, overdue, quarantine, residual, retention_days = item
    facts = {"action": "ATTEST", "auditRetentionDays": retention_days, "n": n}
    facts["done"] = dict(zip(_ACTIONS, done, strict=True))
    facts["overdue"] = _known(_ACTIONS, [count for count, _ in overdue])
    facts["oldestOverdue"] = _known(_ACTIONS, [oldest for _, oldest in overdue])
    facts["period"] = _known(("since", "until"), period)
    facts["quarantine"] = _known(("entries", "sealed"), quarantine)
    facts["residual"] = _known(("ledgerDays", "oplogHours", "orderTopicSeconds"), residual)
    return "system", facts


_ACTIONS: Final = ("anonymize", "delete", "eraseQuarantined")


def _known(names: Sequence[str], values: Sequence[Any]) -> Json:
    told = zip(names, values, strict=True)
    return {
        name: timestamp(value) if isinstance(value, datetime) else value
        for name, value in told
        if value is not None
    }


@dataclass(frozen=True)
class _Wording:
    type: str
    say: Callable[[Sequence[Any]], tuple[str, Json]]


_WORDINGS: Final[dict[tuple[str, int], _Wording]] = {
    ("anonymized", 1): _Wording(RECORD_ANONYMIZED, _anonymized),
    ("deleted", 1): _Wording(RECORD_DELETED, _deleted),
    ("quarantined", 1): _Wording(EVENT_QUARANTINED, _quarantined),
    ("quarantine.erased", 1): _Wording(QUARANTINE_ERASED, _quarantine_erased),
    ("quarantine.shown", 1): _Wording(QUARANTINE_SHOWN, _quarantine_shown),
    ("quarantine.replayed", 1): _Wording(QUARANTINE_REPLAYED, _quarantine_replayed),
    ("quarantine.dropped", 1): _Wording(QUARANTINE_DROPPED, _quarantine_dropped),
    ("quarantine.skipped", 1): _Wording(QUARANTINE_SKIPPED, _quarantine_skipped),
    ("offsets.lost", 1): _Wording(OFFSETS_LOST, _offsets_lost),
    ("policy.changed", 1): _Wording(POLICY_CHANGED, _policy_changed),
    ("dates.recomputed", 1): _Wording(DATES_RECOMPUTED, _dates_recomputed),
    ("ledger.reapplied", 1): _Wording(LEDGER_REAPPLIED, _ledger_reapplied),
    ("trail.begun", 1): _Wording(TRAIL_BEGUN, _trail_begun),
    ("attestation", 1): _Wording(ATTESTATION, _attested),
}
