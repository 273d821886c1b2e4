"""What a verification takes, and what it comes to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from audit.checkpoint_book import Newest
from audit.events import Attested
from audit.findings import Finding, Outcome


@dataclass(frozen=True)
class Batch:
    """Records of the audit topic, in their order; timestamps in milliseconds since 1970."""

    offsets: Sequence[int]
    values: Sequence[bytes | None]
    timestamps: Sequence[int]


@dataclass(frozen=True)
class Scope:
    """What is to be read: the trail's events from `first` on, before `end`, and no more than before `stop`.

    `stop` is None for all of it. `head`: whether `first` is where the topic begins, and not where an export
    does. `now` (seconds since 1970) is when it was read from Kafka. `retention_days` is
    what is promised; unless it is given, what the last attestation says, or `usual_days`.
    """

    first: int
    end: int
    now: float
    stop: int | None = None
    head: bool = True
    retention_days: float | None = None
    usual_days: float | None = None

    @property
    def last(self) -> int:
        """Up to where it is read, not with it."""
        return self.end if self.stop is None else min(self.stop, self.end)


@dataclass(frozen=True)
class Verdict:
    """What was found, and what it was found in."""

    outcome: Outcome
    findings: Sequence[Finding]
    start: int
    read_to: int
    compared: int
    not_read: int
    signed_size: int | None
    newest: Newest | None
    checkpoints: int
    types: Mapping[str, int]
    repeats: int
    first_n: int | None
    last_n: int | None
    first_time: str | None
    last_time: str | None
    attested: Attested | None
    notes: Sequence[str]
