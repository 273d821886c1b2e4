"""Every figure that the processes export, by name; labels are closed sets (and topic and partition)."""

import math
from datetime import datetime

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# A `_created` series beside every counter would double their number and tell nobody anything.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # it has no annotations

REGISTRY = CollectorRegistry()
prometheus_client.ProcessCollector(registry=REGISTRY)
prometheus_client.PlatformCollector(registry=REGISTRY)
prometheus_client.GCCollector(registry=REGISTRY)

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

# Consumer

EVENTS = Counter(
    "order_records_events_total",
    "Events taken from Kafka, by what became of them: created, unchanged, erased, quarantined or skipped.",
    ["outcome"],
    registry=REGISTRY,
)
UNKNOWN_MEMBERS = Counter(
    "order_records_unknown_members_total",
    "Members of payloads that the contract does not know and that were dropped.",
    registry=REGISTRY,
)
QUARANTINED = Counter(
    "order_records_quarantined_total",
    "Events that went to quarantine, by reason code.",
    ["reason"],
    registry=REGISTRY,
)
REFUSAL_SURGE = Gauge(
    "order_records_refusal_surge",
    "1 while most of the last five minutes' events went to quarantine, and more than twenty; else 0.",
    registry=REGISTRY,
)
STORE_SECONDS = Histogram(
    "order_records_store_seconds",
    "Time to store one batch of events in MongoDB, in seconds.",
    buckets=_SECONDS,
    registry=REGISTRY,
)
RETRIES = Counter(
    "order_records_retries_total",
    "Batches that could not be stored and were kept for a later try.",
    registry=REGISTRY,
)
COMMIT_FAILURES = Counter(
    "order_records_commit_failures_total",
    "Commits of offsets that failed: what is stored stays so, and comes once more.",
    registry=REGISTRY,
)
CONSUMER_ENABLED = Gauge(
    "order_records_consumer_enabled",
    "1 when the stored configuration lets this process read events, else 0; NaN while that is not known.",
    registry=REGISTRY,
)
CONSUMER_ENABLED.set(math.nan)  # 0 would raise an alarm before MongoDB has been asked
CONSUMER_ASSIGNED_PARTITIONS = Gauge(
    "order_records_consumer_assigned_partitions",
    "Partitions of the order topic that this process reads.",
    registry=REGISTRY,
)
CONSUMER_LAG = Gauge(
    "order_records_consumer_lag",
    "Events in a partition that this process has still to read.",
    ["topic", "partition"],
    registry=REGISTRY,
)
PARTITION_BLOCKED = Gauge(
    "order_records_partition_blocked",
    "Offset of the record that cannot be fetched and holds up its partition; absent when nothing does.",
    ["topic", "partition"],
    registry=REGISTRY,
)
OLDEST_UNREAD_SECONDS = Gauge(
    "order_records_oldest_unread_event_seconds",
    "Age of the oldest event of a partition that was not read yet, in seconds; 0 when all are read.",
    ["topic", "partition"],
    registry=REGISTRY,
)
ORDER_TOPIC_RETENTION = Gauge(
    "order_records_order_topic_retention_seconds",
    "How long the order topic keeps its events, in seconds; infinite when for ever, 0 when not known.",
    registry=REGISTRY,
)
OFFSETS_LOST = Counter(
    "order_records_offsets_lost_total",
    "Offsets that were gone before anybody had read them.",
    ["topic", "partition"],
    registry=REGISTRY,
)

# Sweeps

SWEEP_RECORDS = Counter(
    "order_records_sweep_records_total",
    "What sweeps have changed, by action: anonymize, delete or erase_quarantined.",
    ["action"],
    registry=REGISTRY,
)
SWEEP_SECONDS = Histogram(
    "order_records_sweep_seconds",
    "Time of one sweep's transaction, in seconds.",
    buckets=_SECONDS,
    registry=REGISTRY,
)
SWEEP_FAILURES = Counter(
    "order_records_sweep_failures_total",
    "Sweeps that failed and left everything as it was.",
    registry=REGISTRY,
)
SWEEP_LAST_SUCCESS = Gauge(
    "order_records_sweep_last_success_timestamp_seconds",
    "When this process last ended a sweep without failure, in seconds since 1970; 0 before the first.",
    registry=REGISTRY,
)
SWEEP_FAILED_RECORDS = Gauge(
    "order_records_sweep_failed_records",
    "Records that failed alone in a sweep and wait for another try.",
    registry=REGISTRY,
)
LEADER = Gauge(
    "order_records_leader",
    "1 when this process holds the lease and sweeps, 0 when it stands by.",
    registry=REGISTRY,
)
TRAIL_NOT_COMPARED = Gauge(
    "order_records_trail_not_compared",
    "1 while this process neither stores nor erases because the database was silent for over an hour and "
    "could not be compared with the audit topic, else 0.",
    registry=REGISTRY,
)
CLOCK_STOPPED = Gauge(
    "order_records_clock_stopped",
    "1 when this process neither stores nor erases because a clock cannot be trusted, else 0.",
    registry=REGISTRY,
)
OVERDUE = Gauge(
    "order_records_overdue",
    "What is past its date and not erased yet, by action: anonymize, delete or erase_quarantined; counted up "
    "to a million.",
    ["action"],
    registry=REGISTRY,
)
OLDEST_OVERDUE_SECONDS = Gauge(
    "order_records_oldest_overdue_seconds",
    "How long the oldest of the overdue records has been due, in seconds, by action.",
    ["action"],
    registry=REGISTRY,
)
DUE_NEXT_DAY = Gauge(
    "order_records_due_next_day",
    "What falls due within the next 24 hours, by action; counted up to a million.",
    ["action"],
    registry=REGISTRY,
)


def set_counts(action: str, overdue: int, next_day: int) -> None:
    """How many of an action are overdue, and how many fall due within a day."""
    OVERDUE.labels(action).set(overdue)
    DUE_NEXT_DAY.labels(action).set(next_day)


def set_oldest_overdue(action: str, oldest: datetime | None, now: datetime) -> None:
    """The age, at a time (UTC), of the oldest that is overdue; 0 when nothing is."""
    OLDEST_OVERDUE_SECONDS.labels(action).set((now - oldest).total_seconds() if oldest else 0.0)


# The erasure ledger

LEDGER_ENTRIES = Gauge(
    "order_records_ledger_entries",
    "Bare ids of deleted records that the erasure ledger holds.",
    registry=REGISTRY,
)
LEDGER_OLDEST_SECONDS = Gauge(
    "order_records_ledger_oldest_seconds",
    "Age of the oldest entry of the erasure ledger by its expiry and today's setting, in seconds; 0 when "
    "there is none.",
    registry=REGISTRY,
)
LEDGER_NEXT_EXPIRY = Gauge(
    "order_records_ledger_next_expiry_timestamp_seconds",
    "When the oldest entry of the erasure ledger expires, in seconds since 1970; 0 when there is none.",
    registry=REGISTRY,
)

# The API

REQUEST_SECONDS = Histogram(
    "order_records_requests_seconds",
    "Time from a request's head to the end of its answer, in seconds, by method, route template and status "
    "class; route `unmatched` where the request got to none, status `none` where the client left first.",
    ["method", "route", "status"],
    buckets=(0.001, 0.0025, *_SECONDS),
    registry=REGISTRY,
)
CONNECTIONS_REFUSED = Counter(
    "order_records_connections_refused_total",
    "Connections ended before their request reached a route, by reason: too many connections, invalid HTTP, "
    "a head that is too large or too slow, or an answer that nobody read.",
    ["reason"],
    registry=REGISTRY,
)
TOKENS_REFUSED = Counter(
    "order_records_tokens_refused_total",
    "Requests refused by their token, by reason: missing, malformed, algorithm, key, signature, expired, "
    "claims, or permission where the token is good and does not allow it.",
    ["reason"],
    registry=REGISTRY,
)

# Outbox and audit topic

OUTBOX_ENTRIES = Gauge(
    "order_records_outbox_entries",
    "Outbox documents that wait to be sent to the audit topic.",
    registry=REGISTRY,
)
OUTBOX_OLDEST_SECONDS = Gauge(
    "order_records_outbox_oldest_seconds",
    "Age of the oldest outbox document, in seconds; 0 when there is none.",
    registry=REGISTRY,
)
AUDIT_EVENTS_SENT = Counter(
    "order_records_audit_events_sent_total",
    "Audit events that Kafka has acknowledged, repeats included.",
    registry=REGISTRY,
)
AUDIT_SEND_FAILURES = Counter(
    "order_records_audit_send_failures_total",
    "Attempts to send to the audit topic that failed and will be repeated.",
    registry=REGISTRY,
)

LAST_ATTESTATION = Gauge(
    "order_records_last_attestation_timestamp_seconds",
    "When the last daily attestation was written to the outbox, in seconds since 1970; 0 before the first.",
    registry=REGISTRY,
)

# Checkpoints of the audit topic

AUDIT_SIGNED_SIZE = Gauge(
    "order_records_audit_signed_events",
    "Audit events that the last checkpoint covers which this process has signed or gone on from.",
    registry=REGISTRY,
)
AUDIT_LAST_CHECKPOINT = Gauge(
    "order_records_audit_last_checkpoint_timestamp_seconds",
    "When the last checkpoint was signed that this process knows, in seconds since 1970; 0 before the first.",
    registry=REGISTRY,
)
AUDIT_UNCOVERED_SECONDS = Gauge(
    "order_records_audit_oldest_uncovered_seconds",
    "Age of the oldest audit event that was read and that no checkpoint covers, in seconds; 0 when there is "
    "none.",
    registry=REGISTRY,
)
AUDIT_FAULT = Gauge(
    "order_records_audit_fault",
    "1 while the audit topic is not signed any more, by fault: gap, partitions, shorter, different or "
    "unreadable; else 0.",
    ["fault"],
    registry=REGISTRY,
)
