"""What may stand in a member of an audit event: each text is of a list or has a pattern, each number a bound.

Whoever may write to the topic decides what stands there, and no number is too large for what a reader does
with it.
"""

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

_DAY: Final = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_HOUR: Final = r"([01][0-9]|2[0-3])(:[0-5][0-9]){2}\.[0-9]{3}"


def _in_the_calendar(instant: str) -> str:
    """Of what the pattern takes, 30 February and the year 0 are no days."""
    datetime.fromisoformat(instant)
    return instant


Instant = Annotated[str, Field(pattern=rf"^{_DAY}T{_HOUR}Z$"), AfterValidator(_in_the_calendar)]
Uuid = Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
TopicName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,249}$")]
JsonPointer = Annotated[str, Field(pattern=r"^(/([A-Za-z0-9_]+|\*))*$", max_length=1024)]
Source = Annotated[str, Field(pattern=r"^/[^\s+]{1,200}$")]
ReasonCode = Annotated[str, Field(pattern=r"^[A-Z_]{1,64}$")]
Root = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{43}=$")]
Actor = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Flag = Literal["NEVER_ANONYMIZED"]
ShowGrounds = Literal["PUBLISHER_SUPPORT", "INCIDENT", "DATA_SUBJECT_REQUEST"]
DropGrounds = Literal["NOT_AN_ORDER", "SENT_AGAIN", "PUBLISHER_ASKED", "DATA_SUBJECT_REQUEST"]
LossCause = Literal["RETENTION", "RECREATED"]
SkipGrounds = Literal["DAMAGED", "SENT_AGAIN", "PUBLISHER_ASKED"]
BeginGrounds = Literal["GAP", "PARTITIONS", "SHORTER", "DIFFERENT", "UNREADABLE", "LOST", "NEW_DATABASE"]
ReplayOutcome = Literal["CREATED", "UNCHANGED", "ERASED", "REFUSED"]

MAX_EVENT_BYTES: Final = 1 << 16
"""No event of ours has a tenth of that. What is longer is none, and is not even parsed: that takes memory."""
MAX_COUNT: Final = 2**53 - 1
"""Up to there every reader of JSON has the same number (RFC 8785), and MongoDB can count on."""
MAX_LONG: Final = 2**63 - 1
"""What Kafka and MongoDB take: for numbers that are theirs, or a record's."""
MAX_DAYS: Final = 36_500
"""A century, as for the policy and the settings."""
Count = Annotated[int, Field(ge=0, le=MAX_COUNT)]
Number = Annotated[int, Field(ge=1, le=MAX_COUNT)]
Days = Annotated[int, Field(ge=1, le=MAX_DAYS)]
Offset = Annotated[int, Field(ge=0, le=MAX_LONG)]
Partition = Annotated[int, Field(ge=0, le=2**31 - 1)]


class Closed(BaseModel):
    """Frozen, and without room for members that nobody thought of."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, alias_generator=to_camel)
