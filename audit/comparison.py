"""Whether the trail knows more than the database: then the database was put back from a backup, or is new.

All pure. The trail's end is read before the database is asked: a running system then never looks as if it
were behind its own trail.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from audit.events import Sequence, Uuid


class Verdict(StrEnum):
    """What the comparison comes to. A database that is ahead of its trail is usual: the outbox is between."""

    AGREES = "AGREES"
    AHEAD = "AHEAD"
    FRESH_DATABASE = "FRESH_DATABASE"


@dataclass(frozen=True)
class Known:
    """What the database says: the last `n` taken, the policy's version, and what is still to be sent.

    `fresh` where nobody has ever led. `unsent` has for each `n` in the outbox the id of its first event.
    """

    n: int
    policy_version: int
    fresh: bool
    unsent: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TrailEnd:
    """What the end of the trail says; `firsts` has for each `n` read the id of its batch's first event."""

    n: int = 0
    policy_version: int = 0
    empty: bool = True
    firsts: Mapping[int, str] = field(default_factory=dict)


def compare(end: TrailEnd, known: Known) -> Verdict:
    """The verdict. An `n` that was given out twice, to two batches, tells of a restore as well."""
    if end.empty:
        return Verdict.AGREES
    if known.fresh:
        return Verdict.FRESH_DATABASE
    twice = any(end.firsts.get(n, first) != first for n, first in known.unsent.items())
    ahead = end.n > known.n or end.policy_version > known.policy_version or twice
    return Verdict.AHEAD if ahead else Verdict.AGREES


class _Read(BaseModel):
    # Of a newer build, too, whatever else it says: so no closed model.
    model_config = ConfigDict(extra="ignore", strict=True, alias_generator=to_camel)


class _Data(_Read):
    policy_version: Annotated[int, Field(ge=0)]
    sequence: Sequence | None = None


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
        self._n = self._policy_version = 0
        self._empty = True
        self._firsts: dict[int, str] = {}

    def take(self, value: bytes | None) -> None:
        """One record's value."""
        try:
            mark = _MARK.validate_json(value or b"")
        except ValidationError:
            return
        self._empty = False
        if mark.source != self._source:
            return
        self._policy_version = max(self._policy_version, mark.data.policy_version)
        if (sequence := mark.data.sequence) is not None:
            self._n = max(self._n, sequence.n)
            if sequence.position == 0:
                self._firsts.setdefault(sequence.n, mark.id)

    @property
    def found(self) -> bool:
        """Whether an erasure was among them: its number is the last one, where the end was read first."""
        return self._n > 0

    def end(self) -> TrailEnd:
        """What was read so far comes to."""
        return TrailEnd(self._n, self._policy_version, self._empty, self._firsts)
