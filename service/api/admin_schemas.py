"""The shapes of the two configurations and of the lifecycle figures, for the OpenAPI document.

Docstrings and descriptions are read by clients.
"""

from datetime import datetime
from typing import Annotated, Any, Final, Literal, NotRequired, Required

from pydantic import Field
from typing_extensions import TypedDict

from records.money import SAFE_INTEGER
from records.mongo.policies import MAX_HISTORY
from records.policy import DEFAULT_DELETION_DAYS, MAX_POLICY_DAYS
from records.scalars import CLOSED, WHOLE

_Version = Annotated[
    int,
    Field(ge=0, le=SAFE_INTEGER, description="The version that was read last; 0 where none is stored."),
    WHOLE,
]
_UNTIL_CLEANUP: Final = (
    "Days of 24 hours until clean-up, from the creation of a record, or from its `orderRecordDate` where the "
    "service is set up so."
)
_UNTIL_DELETION: Final = "Days of 24 hours from clean-up to the deletion of the record."
_Ignored = Annotated[Any, Field(description="Ignored, so that what a GET answered can be sent back.")]


class OrderRecordsConfiguration(TypedDict, total=False):
    """Whether orders are taken."""

    id: Required[Annotated[str, Field(description="Always the same.")]]
    version: Required[
        Annotated[int, Field(description="0 until somebody has decided, then up by each change.")]
    ]
    isOrderRecordsEnabled: Required[
        Annotated[
            bool,
            Field(
                description="False until somebody enables it. While it is false, a PUT of orders is refused "
                "and the topic is not read; reading and erasing go on."
            ),
        ]
    ]
    created: Annotated[datetime, Field(description="When it was first decided.")]
    lastModified: Annotated[datetime, Field(description="When it last changed.")]


@CLOSED
class OrderRecordsConfigurationInput(TypedDict, total=False):
    """Whether to take orders from now on."""

    version: Required[_Version]
    isOrderRecordsEnabled: Required[Annotated[bool, Field(description="Whether to take orders.")]]
    id: _Ignored
    created: _Ignored
    lastModified: _Ignored


class GdprPlan(TypedDict):
    """What applying the policy would do to the records that are stored, and by what that is confirmed."""

    digest: Annotated[
        str,
        Field(
            description="Names this policy in this version. Once the policy is so, `order-records lifecycle "
            "recompute` takes it as the confirmation."
        ),
    ]
    dueAtOnce: Annotated[int, Field(description="How many of those that move would be due at once.")]
    movedEarlier: Annotated[int, Field(description="How many would be cleaned up or deleted earlier.")]
    movedLater: Annotated[int, Field(description="How many would be cleaned up or deleted later.")]
    unchanged: Annotated[
        int, Field(description="How many would keep their dates, since they come out equal.")
    ]
    dueForDeletion: Annotated[
        int, Field(description="How many would not be touched, since they are to be deleted already.")
    ]
    malformed: Annotated[
        int, Field(description="How many could not be computed. There should be none; ask the operator.")
    ]
    bySender: Annotated[
        int, Field(description="How many would not be touched, since the sender has set their dates.")
    ]


class GdprConfiguration(TypedDict):
    """The retention policy: how long a person stays in a record, and how long the record stays."""

    id: Annotated[Literal["gdpr"], Field(description="Always the same.")]
    version: Annotated[int, Field(description="0 for the default policy, then up by each change.")]
    retentionTime: Annotated[int, Field(description=_UNTIL_CLEANUP)]
    deletionTimeAfterRetention: Annotated[int, Field(description=_UNTIL_DELETION)]
    actorAnonymization: Annotated[
        bool,
        Field(description="Kept for those who set it. Actors are pseudonyms in the audit trail either way."),
    ]
    created: NotRequired[
        Annotated[datetime, Field(description="When it was first changed from the default.")]
    ]
    lastModified: NotRequired[Annotated[datetime, Field(description="When it last changed.")]]
    plan: NotRequired[Annotated[GdprPlan, Field(description="Only in the answer to a dry run.")]]


@CLOSED
class GdprConfigurationInput(TypedDict, total=False):
    """The policy for records to come. What is left out takes its default, not the value in force."""

    version: Required[_Version]
    retentionTime: Required[
        Annotated[int, Field(ge=1, le=MAX_POLICY_DAYS, description=_UNTIL_CLEANUP), WHOLE]
    ]
    deletionTimeAfterRetention: Annotated[
        int,
        Field(ge=1, le=MAX_POLICY_DAYS, description=f"{_UNTIL_DELETION} {DEFAULT_DELETION_DAYS} by default."),
        WHOLE,
    ]
    actorAnonymization: Annotated[bool, Field(description="Kept and shown again; true by default.")]
    id: _Ignored
    created: _Ignored
    lastModified: _Ignored


class PolicyHistory(TypedDict):
    """A policy that is or was in force."""

    version: Annotated[int, Field(description="Which change it came by.")]
    since: Annotated[datetime, Field(description="Since when it is, or was, in force.")]
    retentionTime: Annotated[int, Field(description=_UNTIL_CLEANUP)]
    deletionTimeAfterRetention: Annotated[int, Field(description=_UNTIL_DELETION)]
    actorAnonymization: Annotated[bool, Field(description="As in the policy.")]


class OverdueFigure(TypedDict):
    """What is past its date and still there. Readers do not see it any more."""

    count: Annotated[int, Field(description="How many.")]
    oldest: NotRequired[Annotated[datetime, Field(description="The earliest date among them.")]]


class LifecycleAction(TypedDict):
    """One kind of erasure."""

    dueByDay: Annotated[
        dict[str, int],
        Field(
            description="How many fall due on each day to come: `YYYY-MM-DD` in UTC to a count. Days without "
            "any are left out."
        ),
    ]
    overdue: Annotated[OverdueFigure, Field(description="What should be done already.")]


class QuarantineFigure(TypedDict):
    """Events that could not be stored, of one reason."""

    entries: Annotated[int, Field(description="How many entries there are.")]
    sealed: Annotated[int, Field(description="How many of them still hold the event, encrypted.")]


class TrailFigure(TypedDict):
    """How the audit trail stands."""

    lastAttestation: NotRequired[
        Annotated[
            datetime, Field(description="When the last daily attestation was made. Absent before the first.")
        ]
    ]
    n: Annotated[int, Field(description="The number of the last batch of erasures; 0 before the first.")]
    unsent: Annotated[int, Field(description="How many batches of audit events wait to be sent.")]
    unsentSince: NotRequired[
        Annotated[datetime, Field(description="Since when the oldest of them waits. Absent where none does.")]
    ]


class Lifecycle(TypedDict):
    """How erasure stands: dates and counts, never an order."""

    now: Annotated[datetime, Field(description="The time at which it was looked.")]
    anonymize: Annotated[LifecycleAction, Field(description="The erasure of persons from records.")]
    delete: Annotated[LifecycleAction, Field(description="The deletion of records.")]
    quarantine: Annotated[
        dict[str, QuarantineFigure], Field(description="Events that could not be stored, by reason code.")
    ]
    quarantineOverdue: Annotated[
        OverdueFigure, Field(description="Those that should not hold their event any more.")
    ]
    policyHistory: Annotated[
        list[PolicyHistory],
        Field(
            max_length=MAX_HISTORY,
            description="The policies so far, the newest first. Empty while nobody has changed the default.",
        ),
    ]
    trail: Annotated[TrailFigure, Field(description="The audit trail, and what waits to be sent to it.")]
    lastSweep: NotRequired[
        Annotated[datetime, Field(description="When a sweep last came to its end. Absent before the first.")]
    ]
