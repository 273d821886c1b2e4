"""The events of the audit topic as closed models: what a reader may rely on, and what never appears.

CloudEvents 1.0 in structured mode, so that the value covers every attribute. There is no place where a name
could hide.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import Field, TypeAdapter

from audit.event_data import (
    Anonymized,
    Attested,
    DatesRecomputed,
    Deleted,
    LedgerReapplied,
    OffsetsLost,
    PolicyChanged,
    Quarantined,
    QuarantineDropped,
    QuarantineErased,
    QuarantineReplayed,
    QuarantineShown,
    QuarantineSkipped,
    TrailBegun,
)
from audit.event_values import (
    MAX_EVENT_BYTES,
    Closed,
    Instant,
    Source,
    Uuid,
)


class _CloudEvent(Closed):
    datacontenttype: Literal["application/json"]
    id: Uuid
    source: Source
    specversion: Literal["1.0"]
    time: Instant


class RecordAnonymized(_CloudEvent):
    """One record was anonymized."""

    type: Literal["order-records.record.anonymized.v1"]
    subject: Uuid
    data: Anonymized


class RecordDeleted(_CloudEvent):
    """One record was deleted."""

    type: Literal["order-records.record.deleted.v1"]
    subject: Uuid
    data: Deleted


_QuarantineSubject = Annotated[
    str, Field(pattern=r"^quarantine/[A-Za-z0-9._-]{1,249}/[0-9]{1,10}/[0-9]{1,19}$")
]


class EventQuarantined(_CloudEvent):
    """One event was put into the quarantine."""

    type: Literal["order-records.event.quarantined.v1"]
    subject: _QuarantineSubject
    data: Quarantined


class QuarantineEntryErased(_CloudEvent):
    """One quarantined event was erased."""

    type: Literal["order-records.quarantine.erased.v1"]
    subject: _QuarantineSubject
    data: QuarantineErased


class QuarantineEntryShown(_CloudEvent):
    """The content of one quarantined event was shown."""

    type: Literal["order-records.quarantine.shown.v1"]
    subject: _QuarantineSubject
    data: QuarantineShown


class QuarantineEntryReplayed(_CloudEvent):
    """One quarantined event was tried again."""

    type: Literal["order-records.quarantine.replayed.v1"]
    subject: _QuarantineSubject
    data: QuarantineReplayed


class QuarantineEntryDropped(_CloudEvent):
    """One quarantined event was given up."""

    type: Literal["order-records.quarantine.dropped.v1"]
    subject: _QuarantineSubject
    data: QuarantineDropped


class QuarantineRangeSkipped(_CloudEvent):
    """Records that cannot be fetched were stepped over."""

    type: Literal["order-records.quarantine.skipped.v1"]
    subject: _QuarantineSubject
    data: QuarantineSkipped


class EventsLost(_CloudEvent):
    """Offsets of the order topic were gone before anybody had read them."""

    type: Literal["order-records.offsets.lost.v1"]
    subject: Annotated[str, Field(pattern=r"^offsets/[A-Za-z0-9._-]{1,249}/[0-9]{1,10}$")]
    data: OffsetsLost


class RetentionPolicyChanged(_CloudEvent):
    """The retention policy was changed."""

    type: Literal["order-records.policy.changed.v1"]
    subject: Literal["system"]
    data: PolicyChanged


class StoredDatesRecomputed(_CloudEvent):
    """The policy in force was applied to records."""

    type: Literal["order-records.dates.recomputed.v1"]
    subject: Literal["system"]
    data: DatesRecomputed


class ErasureLedgerReapplied(_CloudEvent):
    """What the trail knew was brought back into a database."""

    type: Literal["order-records.ledger.reapplied.v1"]
    subject: Literal["system"]
    data: LedgerReapplied


class AuditTrailBegun(_CloudEvent):
    """Another trail was begun, which is this one; it is its first event."""

    type: Literal["order-records.trail.begun.v1"]
    subject: Literal["system"]
    data: TrailBegun


class Attestation(_CloudEvent):
    """How erasure stands, each day."""

    type: Literal["order-records.attestation.v1"]
    subject: Literal["system"]
    data: Attested


AuditEvent = Annotated[
    RecordAnonymized
    | RecordDeleted
    | EventQuarantined
    | QuarantineEntryErased
    | QuarantineEntryShown
    | QuarantineEntryReplayed
    | QuarantineEntryDropped
    | QuarantineRangeSkipped
    | EventsLost
    | RetentionPolicyChanged
    | StoredDatesRecomputed
    | ErasureLedgerReapplied
    | AuditTrailBegun
    | Attestation,
    Field(discriminator="type"),
]


_ANY: Final = TypeAdapter[Any](AuditEvent)


def event_of(value: bytes | None) -> Any:
    """The event that the value of a record is. Raises ValueError where it is none."""
    if value is None or len(value) > MAX_EVENT_BYTES:
        raise ValueError("no event is absent, or so long")
    return _ANY.validate_json(value)
