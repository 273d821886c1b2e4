"""Which witnesses a reader trusts, how many of them it wants, and whether so many have co-signed of late."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from audit.checkpoint_book import CheckpointBook, told
from audit.checkpoints import SignedCheckpoint
from audit.findings import Findings, Kind
from audit.keys import VerifierKey
from audit.verdict import Scope

CLOCK_SECONDS: Final = 120.0
"""So far ahead a witness's clock may be."""


@dataclass(frozen=True)
class WitnessPolicy:
    """At least `quorum` of these keys (of type cosignature/v1), none longer ago than `age_seconds`."""

    witnesses: tuple[VerifierKey, ...]
    quorum: int
    age_seconds: float

    def judge(
        self, cosigned: Iterable[SignedCheckpoint], read_at: float, clock: float, findings: Findings
    ) -> None:
        """Finds where too few have co-signed.

        `read_at` is when the trail was read from Kafka, `clock` the time now (both in seconds since 1970): an
        export may be older than what was co-signed after it.
        """
        latest = _latest(cosigned)
        begin, end = read_at - self.age_seconds, clock + CLOCK_SECONDS
        in_time = {public for public, at in latest.items() if begin <= at <= end}
        fresh = [key for key in self.witnesses if key.public in in_time]
        if len(fresh) >= self.quorum:
            return
        findings.add(
            Kind.NOT_COSIGNED, f"{len(fresh)} of the {self.quorum} that are wanted have co-signed in time"
        )
        for key in self.witnesses:
            if key not in fresh:
                at = latest.get(key.public)
                text = "has not co-signed it" if at is None else f"has co-signed it at {told(at)}"
                findings.add(Kind.NOT_COSIGNED, f"{key.name} {text}", 0)


def _latest(cosigned: Iterable[SignedCheckpoint]) -> dict[bytes, int]:
    """By public key: one key under two names is one witness."""
    latest = dict[bytes, int]()
    for signature in (each for signed in cosigned for each in signed.cosigned):
        at = signature.signed_at or 0
        latest[signature.key.public] = max(at, latest.get(signature.key.public, at))
    return latest


def policy_of(
    witnesses: Sequence[VerifierKey], log_keys: Sequence[VerifierKey], quorum: int | None, age: float
) -> WitnessPolicy:
    """All of the witnesses, unless a quorum is given. Raises ValueError for a policy that means nothing."""
    keys = tuple(dict.fromkeys(key.cosigner() for key in witnesses))
    publics = {key.public for key in keys}
    if len(publics) < len(keys):
        raise ValueError("one key stands there under two names")
    if publics & {key.public for key in log_keys}:
        raise ValueError("the trail's own key is no witness of it")
    wanted = len(keys) if quorum is None else quorum
    if not 1 <= wanted <= len(keys):
        raise ValueError(f"a quorum is from 1 to the number of witnesses, which is {len(keys)}")
    return WitnessPolicy(keys, wanted, age)


@dataclass(frozen=True)
class Cosigned:
    """What witnesses have co-signed, and what is wanted of them; `forged`: what does not hold."""

    policy: WitnessPolicy
    checkpoints: tuple[SignedCheckpoint, ...]
    forged: tuple[str, ...] = ()

    @property
    def sizes(self) -> list[int]:
        """The sizes that were co-signed."""
        return [each.checkpoint.size for each in self.checkpoints]

    def add_to(self, book: CheckpointBook) -> None:
        """From then on the trail must have these roots, as those on the checkpoint topic."""
        for each in self.checkpoints:
            book.add(each.checkpoint)

    def judge(self, read: tuple[int, Scope], clock: float, findings: Findings) -> None:
        """Adds what is wrong; `read` is the first event that was read, and what there was to read."""
        begin, scope = read
        for text in self.forged:
            findings.add(Kind.FORGED, text)
        for size in self.sizes:
            if size < begin or (size > scope.last and scope.stop is not None):
                text = f"{size} events were co-signed, and those from {begin} to {scope.last} were read"
                findings.add(Kind.NOT_COMPARED, text)
        self.policy.judge(self.checkpoints, scope.now, clock, findings)
