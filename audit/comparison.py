"""Whether the trail knows more than the database: then the database was put back from a backup, or is new.

All pure. The trail's end is read before the database is asked: a running system then never looks as if it
were behind its own trail.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from audit.event_values import MAX_EVENT_BYTES, Count, Number, Uuid
from audit.templates import event_id
from audit.types import TRAIL_BEGUN


class Verdict(StrEnum):
    """What the comparison comes to. A database that is ahead of its trail is usual: the outbox is between."""

    AGREES = "AGREES"
    AHEAD = "AHEAD"
    FRESH_DATABASE = "FRESH_DATABASE"
    UNTOLD = "UNTOLD"
    """The trail has nothing of a database that has sent to it: it is another one, or it was emptied."""


class Known(Protocol):
    """What the database says: the last `n` taken, and the policy's version.

    `beaten`: it was compared before; `sent`: erasures of it went to the trail. `waiting` is the id of the
    outbox entry under the trail's last `n`, while there is one.
    """

    @property
    def n(self) -> int: ...
    @property
    def policy_version(self) -> int: ...
    @property
    def beaten(self) -> bool: ...
    @property
    def sent(self) -> bool: ...
    @property
    def waiting(self) -> str | None: ...


@dataclass(frozen=True)
class TrailEnd:
    """What the end of the trail says; `told` where any event is of its name.

    `event` is the id of one event of the batch `n`, any of them, and `position` its place in it; none where
    that batch was the last one of the trail before.
    """

    n: int = 0
    policy_version: int = 0
    empty: bool = True
    told: bool = False
    position: int = 0
    event: str = ""


def compare(end: TrailEnd, known: Known) -> Verdict:
    """The verdict. An `n` that was given out twice, to two batches, tells of a restore as well.

    Whoever gave out the numbers after the backup's gave out the trail's last one, too, or has not come to it.
    """
    if known.sent and not end.told:
        return Verdict.UNTOLD
    if end.empty:
        return Verdict.AGREES
    if not known.beaten and not known.sent:
        return Verdict.FRESH_DATABASE
    twice = known.waiting is not None and event_id(known.waiting, end.position) != end.event
    ahead = end.n > known.n or end.policy_version > known.policy_version or twice
    return Verdict.AHEAD if ahead else Verdict.AGREES


class _Read(BaseModel):
    # Of a newer build, too, whatever else it says: so no closed model. Numbers go to the database: bounded.
    model_config = ConfigDict(extra="ignore", strict=True, alias_generator=to_camel)


class _Sequence(_Read):
    n: Number
    position: Count


class _Data(_Read):
    policy_version: Count
    sequence: _Sequence | None = None
    last_n: Count | None = None


class _Mark(_Read):
    id: Uuid
    source: str
    type: Annotated[str, Field(pattern=r"^order-records\.")]
    data: _Data


_MARK = TypeAdapter(_Mark)


class EndReader:
    """Takes values of the trail, in whatever sequence, and says what they come to.

    What is no event is passed over: anybody who may write to the topic may have written it. An event of
    another trail's name counts as an event, and neither its number nor its policy does.
    """

    def __init__(self, log_name: str) -> None:
        self._source = f"/{log_name}"
        self._n = self._policy_version = self._position = 0
        self._empty, self._told = True, False
        self._event = ""

    def take(self, value: bytes | None) -> None:
        """One record's value."""
        if value is None or len(value) > MAX_EVENT_BYTES:
            return
        try:
            mark = _MARK.validate_json(value)
        except ValidationError:
            return
        self._empty = False
        if mark.source != self._source:
            return
        self._told = True
        self._policy_version = max(self._policy_version, mark.data.policy_version)
        sequence = mark.data.sequence
        if sequence is not None and sequence.n > self._n:
            self._n, self._position, self._event = sequence.n, sequence.position, mark.id
        elif mark.type == TRAIL_BEGUN and (mark.data.last_n or 0) > self._n:
            self._n, self._position, self._event = mark.data.last_n or 0, 0, ""

    @property
    def found(self) -> bool:
        """Whether an erasure was among them: its number is the last one, where the end was read first."""
        return self._n > 0

    def end(self) -> TrailEnd:
        """What was read so far comes to."""
        return TrailEnd(self._n, self._policy_version, self._empty, self._told, self._position, self._event)
