"""The `data` of each audit event: what was done, in identifiers, counts and dates."""

from typing import Annotated, Final, Literal, NotRequired

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from audit.event_values import (
    MAX_LONG,
    Actor,
    BeginGrounds,
    Closed,
    Count,
    Days,
    DropGrounds,
    Flag,
    Instant,
    JsonPointer,
    LossCause,
    Number,
    Offset,
    Partition,
    ReasonCode,
    ReplayOutcome,
    Root,
    ShowGrounds,
    SkipGrounds,
    Source,
    TopicName,
    Uuid,
)

_CLOSED: Final = with_config(ConfigDict(extra="forbid", strict=True))
"""For what has members that may be absent: a model would take a null in their place."""


class Sequence(Closed):
    """Which erasure this is: the gapless number of its batch, its place in it, the batch's size."""

    n: Number
    position: Count
    size: Number


class Worker(Closed):
    """The build that wrote the event."""

    build: Annotated[str, Field(pattern=r"^[0-9A-Za-z.+_-]{1,64}$")]


class _Data(Closed):
    policy_digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    policy_version: Count
    template: Literal[1]
    worker: Worker


class Anonymized(_Data):
    """The consumer's data in a record was erased; the record itself stays."""

    action: Literal["ANONYMIZE"]
    due: Instant
    flags: list[Flag]
    record_id: Uuid
    sequence: Sequence
    version_after: Annotated[int, Field(ge=2, le=MAX_LONG)]


class Deleted(_Data):
    """A record was deleted; its bare id stays in the erasure ledger for a while. Version 0: unknown."""

    action: Literal["DELETE"]
    due: Instant
    flags: list[Flag]
    record_id: Uuid
    sequence: Sequence
    version_before: Annotated[int, Field(ge=0, le=MAX_LONG)]


class _Pointer(_Data):
    """Where on its topic the refused event stands, and why it was refused."""

    offset: Offset
    partition: Partition
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
    until_offset: Annotated[int, Field(ge=1, le=MAX_LONG)]


class OffsetsLost(_Data):
    """Events were gone before anybody had read them: from one offset up to but not with another.

    RECREATED: the topic began anew; it ended at the latter offset when last seen, and perhaps later on.
    """

    action: Literal["LOSE_OFFSETS"]
    cause: LossCause
    from_offset: Offset
    partition: Partition
    topic: TopicName
    until_offset: Offset


class PolicyChanged(_Data):
    """The retention policy was changed; version and digest are those of the new one. Days, and who asked."""

    action: Literal["CHANGE_POLICY"]
    actor: Actor
    actor_anonymization: bool
    deletion_time_after_retention: Days
    retention_time: Days


class DatesRecomputed(_Data):
    """The policy in force was applied to records that had their dates by an earlier one.

    Of so many records these were moved earlier, to a date that was due at once, or later; the others came
    out equal.
    """

    action: Literal["RECOMPUTE_DATES"]
    actor: Actor
    due_at_once: Count
    moved_earlier: Count
    moved_later: Count
    records: Number


class LedgerReapplied(_Data):
    """A database that was put back from a backup, or is new, got back what this trail knew and it did not.

    So many ids that must not come back, dates moved to where something had been due, and quarantined
    events without their content again; whether the policy was brought back; and the last number since.
    """

    action: Literal["REAPPLY"]
    actor: Actor
    dates: Count
    entries: Count
    ids: Count
    last_n: Count
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

    ledgerDays: Days
    oplogHours: NotRequired[Count]
    orderTopicSeconds: NotRequired[Annotated[int, Field(ge=-1, le=MAX_LONG)]]


@_CLOSED
class TrailBefore(TypedDict):
    """The trail before: what its events say as their source, and its topic.

    Of its first events so many were signed, as far as is known, and the root of their tree (base64).
    """

    signedRoot: NotRequired[Root]
    signedSize: NotRequired[Count]
    source: Source
    topic: TopicName


class TrailBegun(_Data):
    """Another trail was begun, and is the one that holds this: `before` ended, on the grounds given.

    The last number of erasures before it is `last_n`: the first one here is the next.
    """

    action: Literal["BEGIN_TRAIL"]
    actor: Actor
    before: TrailBefore
    grounds: BeginGrounds
    last_n: Count


class ErasuresDone(Closed):
    """How many were erased by sweeps within the period."""

    anonymize: Count
    delete: Count
    erase_quarantined: Count


class Attested(_Data):
    """How erasure stands, said once a day: also when nothing was erased. What is not known is left out.

    `n` is the number of the last erasure batch.
    """

    action: Literal["ATTEST"]
    audit_retention_days: Days
    done: ErasuresDone
    n: Count
    oldest_overdue: OldestOverdue
    overdue: OverdueCounts
    period: Period
    quarantine: QuarantineDepth
    residual: Residual
