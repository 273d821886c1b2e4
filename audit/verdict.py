"""What a verification takes, and what it comes to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from audit.checkpoint_book import Newest
from audit.event_data import Attested, TrailBegun
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
    what is promised; unless it is given, what the last attestation says, or `usual_days`. `exported`: it is a
    folder, of which whoever made it says when that was and where it begins and ends; `left_out`: how many
    events came after its end that nobody had signed yet.
    """

    first: int
    end: int
    now: float
    stop: int | None = None
    head: bool = True
    retention_days: float | None = None
    usual_days: float | None = None
    exported: bool = False
    left_out: int = 0

    @property
    def last(self) -> int:
        """Up to where it is read, not with it."""
        return self.end if self.stop is None else min(self.stop, self.end)


@dataclass(frozen=True)
class Cosigner:
    """One witness that is trusted: it has co-signed the first `size` events, at `at` (seconds since 1970).

    `counts`: that was in time, and was all that had been signed by then.
    """

    name: str
    size: int
    at: int | None
    counts: bool


@dataclass(frozen=True)
class Cosigning:
    """What witnesses say: as many as are wanted have co-signed the first `size` events; 0 for too few."""

    size: int
    witnesses: Sequence[Cosigner]


@dataclass(frozen=True)
class Verdict:
    """What was found, and what it was found in; `counted` attestations had figures to compare."""

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
    counted: int
    notes: Sequence[str]
    cosigned: Cosigning | None = None
    begun: TrailBegun | None = None
