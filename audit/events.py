"""The events of the audit topic as closed models: what a reader may rely on, and what never appears.

CloudEvents 1.0 in structured mode, so that the value covers every attribute. Every string is an
enumeration or has a pattern: there is no place where a name could hide.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

Instant = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$")]
Uuid = Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
TopicName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,249}$")]
JsonPointer = Annotated[str, Field(pattern=r"^(/([A-Za-z0-9_]+|\*))*$", max_length=1024)]
ReasonCode = Annotated[str, Field(pattern=r"^[A-Z_]{1,64}$")]
Flag = Literal["NEVER_ANONYMIZED"]


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


class Quarantined(_Data):
    """An event was refused; it is kept sealed, and this points to it on its topic."""

    action: Literal["QUARANTINE"]
    offset: Annotated[int, Field(ge=0)]
    partition: Annotated[int, Field(ge=0)]
    pointer: JsonPointer
    reason: ReasonCode
    topic: TopicName


class QuarantineErased(_Data):
    """A quarantined event came to its due date and lost its content."""

    action: Literal["ERASE_QUARANTINED"]
    due: Instant
    offset: Annotated[int, Field(ge=0)]
    partition: Annotated[int, Field(ge=0)]
    reason: ReasonCode
    sequence: Sequence
    topic: TopicName


class PolicyChanged(_Data):
    """The retention policy was changed; version and digest are those of the new one. Days, and who asked."""

    action: Literal["CHANGE_POLICY"]
    actor: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    actor_anonymization: bool
    deletion_time_after_retention: Annotated[int, Field(ge=1)]
    retention_time: Annotated[int, Field(ge=1)]


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


class RetentionPolicyChanged(_CloudEvent):
    """The retention policy was changed."""

    type: Literal["order-records.policy.changed.v1"]
    subject: Literal["system"]
    data: PolicyChanged


AuditEvent = Annotated[
    RecordAnonymized | RecordDeleted | EventQuarantined | QuarantineEntryErased | RetentionPolicyChanged,
    Field(discriminator="type"),
]
