"""The names of the types of audit events: what `type` holds, one for each kind of act and version."""

from typing import Final

RECORD_ANONYMIZED: Final = "order-records.record.anonymized.v1"
RECORD_DELETED: Final = "order-records.record.deleted.v1"
EVENT_QUARANTINED: Final = "order-records.event.quarantined.v1"
QUARANTINE_ERASED: Final = "order-records.quarantine.erased.v1"
QUARANTINE_SHOWN: Final = "order-records.quarantine.shown.v1"
QUARANTINE_REPLAYED: Final = "order-records.quarantine.replayed.v1"
QUARANTINE_DROPPED: Final = "order-records.quarantine.dropped.v1"
QUARANTINE_SKIPPED: Final = "order-records.quarantine.skipped.v1"
OFFSETS_LOST: Final = "order-records.offsets.lost.v1"
POLICY_CHANGED: Final = "order-records.policy.changed.v1"
DATES_RECOMPUTED: Final = "order-records.dates.recomputed.v1"
LEDGER_REAPPLIED: Final = "order-records.ledger.reapplied.v1"
TRAIL_BEGUN: Final = "order-records.trail.begun.v1"
ATTESTATION: Final = "order-records.attestation.v1"
