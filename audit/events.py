"""The events of the audit topic as closed models: what a reader may rely on, and what never appears.

CloudEvents 1.0 in structured mode, so that the value covers every attribute. Every string is an
enumeration or has a pattern: there is no place where a name could hide.
"""

from typing import Annotated, Final, Literal, NotRequired

from pydantic import BaseModel, ConfigDict, Field, with_config
from pydantic.alias_generators import to_camel
from typing_extensions import TypedDict

Instant = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$")]
Uuid = Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
TopicName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,249}$")]
JsonPointer = Annotated[str, Field(pattern=r"^(/([A-Za-z0-9_]+|\*))*$", max_length=1024)]
ReasonCode = Annotated[str, Field(pattern=r"^[A-Z_]{1,64}$")]
Actor = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Flag = Literal["NEVER_ANONYMIZED"]
ShowGrounds = Literal["PUBLISHER_SUPPORT", "INCIDENT", "DATA_SUBJECT_REQUEST"]
DropGrounds = Literal["NOT_AN_ORDER", "SENT_AGAIN", "PUBLISHER_ASKED", "DATA_SUBJECT_REQUEST"]
LossCause = Literal["RETENTION", "RECREATED"]
SkipGrounds = Literal["DAMAGED", "SENT_AGAIN", "PUBLISHER_ASKED"]
ReplayOutcome = Literal["CREATED", "UNCHANGED", "ERASED", "REFUSED"]


Count = Annotated[int, Field(ge=0)]
_CLOSED: Final = with_config(ConfigDict(extra="forbid", strict=True))
"""For what has members that may be absent: a model would take a null in their place."""


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, alias_generator=to_camel)


class Sequence(_Closed):
    """Which erasure this is: the gapless number of its batch, its place in it, the batch's size."""

    n: Annotated[int, Field(ge=1)]
    position: Annotated[int, Field(ge=0)]
    size: Annotated[int, Field(ge=1)]


class Worker(_Closed):
    """The build that wrote the event."""

    build: Annotated[str, Field(pattern=r"^[0-9A-Za-z.+_-]{1,64}$")]


class _Data(_Closed):
    policy_digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    policy_version: Annotated[int, Field(ge=0)]
    template: Literal[1]
    worker: Worker


class Anonymized(_Data):
    """The consumer's data in a record was erased; the record itself stays."""

    action: Literal["ANONYMIZE"]
    due: Instant
    flags: list[Flag]
    record_id: Uuid
    sequence: Sequence
    version_after: Annotated[int, Field(ge=2)]


class Deleted(_Data):
    """A record was deleted; its bare id stays in the erasure ledger for a while. Version 0: unknown."""

    action: Literal["DELETE"]
    due: Instant
    flags: list[Flag]
    record_id: Uuid
    sequence: Sequence
    version_before: Annotated[int, Field(ge=0)]


class _Pointer(_Data):
    """Where on its topic the refused event stands, and why it was refused."""

    offset: Annotated[int, Field(ge=0)]
    partition: Annotated[int, Field(ge=0)]
    reason: ReasonCode
    topic: TopicName


class Quarantined(_Pointer):
    """An event was refused; it is kept sealed, and this points to it on its topic."""

    action: Literal["QUARANTINE"]
    pointer: JsonPointer


class QuarantineErased(_Pointer):
    """A quarantined event came to its due date and lost its content."""

    action: Literal["ERASE_QUARANTINED"]
    due: Instant
    sequence: Sequence


class QuarantineShown(_Pointer):
    """Somebody was given the content of a quarantined event to read, on the grounds given."""

    action: Literal["SHOW_QUARANTINED"]
    actor: Actor
    grounds: ShowGrounds


class QuarantineReplayed(_Pointer):
    """A quarantined event was tried again. Unless it was REFUSED, with this reason, it left the quarantine.

    It names no record: whoever reads the order topic could else tell which order has which id.
    """

    action: Literal["REPLAY"]
    actor: Actor
    outcome: ReplayOutcome
    pointer: JsonPointer


class QuarantineDropped(_Pointer):
    """Somebody gave a quarantined event up, on the grounds given, and it lost its content."""

    action: Literal["DROP"]
    actor: Actor
    grounds: DropGrounds


class QuarantineSkipped(_Pointer):
    """Somebody had records stepped over that cannot be fetched: from `offset` up to but not with another.

    Beside the first there may be good ones among them: of what was sent in one batch none can be read.
    """

    action: Literal["SKIP"]
    actor: Actor
    grounds: SkipGrounds
    until_offset: Annotated[int, Field(ge=1)]


class OffsetsLost(_Data):
    """Events were gone before anybody had read them: from one offset up to but not with another.

    RECREATED: the topic began anew; it ended at the latter offset when last seen, and perhaps later on.
    """

    action: Literal["LOSE_OFFSETS"]
    cause: LossCause
    from_offset: Annotated[int, Field(ge=0)]
    partition: Annotated[int, Field(ge=0)]
    topic: TopicName
    until_offset: Annotated[int, Field(ge=0)]


class PolicyChanged(_Data):
    """The retention policy was changed; version and digest are those of the new one. Days, and who asked."""

    action: Literal["CHANGE_POLICY"]
    actor: Actor
    actor_anonymization: bool
    deletion_time_after_retention: Annotated[int, Field(ge=1)]
    retention_time: Annotated[int, Field(ge=1)]


class DatesRecomputed(_Data):
    """The policy in force was applied to records that had their dates by an earlier one.

    Of so many records these were moved earlier, to a date that was due at once, or later; the others came
    out equal.
    """

    action: Literal["RECOMPUTE_DATES"]
    actor: Actor
    due_at_once: Annotated[int, Field(ge=0)]
    moved_earlier: Annotated[int, Field(ge=0)]
    moved_later: Annotated[int, Field(ge=0)]
    records: Annotated[int, Field(ge=1)]


class LedgerReapplied(_Data):
    """A database that was put back from a backup, or is new, got back what this trail knew and it did not.

    So many ids that must not come back, dates moved to where something had been due, and quarantined
    events without their content again; whether the policy was brought back; and the last number since.
    """

    action: Literal["REAPPLY"]
    actor: Actor
    dates: Annotated[int, Field(ge=0)]
    entries: Annotated[int, Field(ge=0)]
    ids: Annotated[int, Field(ge=0)]
    last_n: Annotated[int, Field(ge=0)]
    policy: bool


@_CLOSED
class Period(TypedDict):
    """From the attestation before, absent in the first one, to the time of this one."""

    since: NotRequired[Instant]
    until: Instant


@_CLOSED
class OverdueCounts(TypedDict):
    """How many are past their date and not erased; counted up to a million."""

    anonymize: NotRequired[Count]
    delete: NotRequired[Count]
    eraseQuarantined: NotRequired[Count]


@_CLOSED
class OldestOverdue(TypedDict):
    """The earliest date among those; absent where none is overdue."""

    anonymize: NotRequired[Instant]
    delete: NotRequired[Instant]
    eraseQuarantined: NotRequired[Instant]


@_CLOSED
class QuarantineDepth(TypedDict):
    """How many quarantined events there are, and how many of them still hold their content."""

    entries: NotRequired[Count]
    sealed: NotRequired[Count]


@_CLOSED
class Residual(TypedDict):
    """How long something stays where erasing does not reach, as it is set or measured.

    The order topic's retention in seconds, -1 without a limit; the hours that MongoDB's oplog reaches back,
    rounded up; the days for which the bare id of a deleted record is remembered.
    """

    ledgerDays: Annotated[int, Field(ge=1)]
    oplogHours: NotRequired[Count]
    orderTopicSeconds: NotRequired[Annotated[int, Field(ge=-1)]]


class ErasuresDone(_Closed):
    """How many were erased by sweeps within the period."""

    anonymize: Count
    delete: Count
    erase_quarantined: Count


class Attested(_Data):
    """How erasure stands, said once a day: also when nothing was erased. What is not known is left out.

    `n` is the number of the last erasure batch.
    """

    action: Literal["ATTEST"]
    audit_retention_days: Annotated[int, Field(ge=1)]
    done: ErasuresDone
    n: Count
    oldest_overdue: OldestOverdue
    overdue: OverdueCounts
    period: Period
    quarantine: QuarantineDepth
    residual: Residual


class _CloudEvent(_Closed):
    datacontenttype: Literal["application/json"]
    id: Uuid
    source: Annotated[str, Field(pattern=r"^/[^\s+]{1,200}$")]
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


_QuarantineSubject = Annotated[str, Field(pattern=r"^quarantine/[A-Za-z0-9._-]{1,249}/[0-9]+/[0-9]+$")]


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
    subject: Annotated[str, Field(pattern=r"^offsets/[A-Za-z0-9._-]{1,249}/[0-9]+$")]
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
    | Attestation,
    Field(discriminator="type"),
]
