"""Which witnesses a reader trusts, how many of them it wants, and how far so many have co-signed of late."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from audit.checkpoint_book import CheckpointBook, told
from audit.checkpoints import SignedCheckpoint
from audit.findings import Findings, Kind
from audit.keys import VerifierKey
from audit.reached import Reached
from audit.verdict import Cosigner, Cosigning, Scope

CLOCK_SECONDS: Final = 120.0
"""So far ahead a witness's clock may be."""
REACH_SECONDS: Final = 600.0
"""What was signed within so long before a cosignature may still have been on its way to the witness."""


@dataclass(frozen=True)
class WitnessPolicy:
    """At least `quorum` of these keys (of type cosignature/v1), none longer ago than `age_seconds`."""

    witnesses: tuple[VerifierKey, ...]
    quorum: int
    age_seconds: float

    def judge(
        self,
        cosigned: Iterable[SignedCheckpoint],
        reached: Reached,
        times: tuple[float, float],
        findings: Findings,
    ) -> Cosigning:
        """How far as many as are wanted have co-signed; finds where too few have.

        `reached` is how far the trail was signed by which time: a witness co-signs the largest size that it
        has seen, so one that was shown less than there was vouches for another trail, or for none. `times`
        are when the trail was read from Kafka, and now (in seconds since 1970): an export may be older than
        what was co-signed after it.
        """
        latest = _latest(cosigned)
        period = times[0] - self.age_seconds, times[1] + CLOCK_SECONDS
        judged = [_judged(key.name, latest.get(key.public), reached, period) for key in self.witnesses]
        witnesses = [witness for witness, _ in judged]
        sizes = sorted((each.size for each in witnesses if each.counts), reverse=True)
        if len(sizes) >= self.quorum:
            return Cosigning(sizes[self.quorum - 1], witnesses)
        text = f"{len(sizes)} of the {self.quorum} that are wanted have co-signed in time all that was signed"
        findings.add(Kind.NOT_COSIGNED, text)
        for why in (why for witness, why in judged if not witness.counts):
            findings.add(Kind.NOT_COSIGNED, why, 0)
        return Cosigning(0, witnesses)


def _judged(
    name: str, word: tuple[int, int] | None, reached: Reached, period: tuple[float, float]
) -> tuple[Cosigner, str]:
    """A witness by its last word, and why it does not count if it does not."""
    if word is None:
        return Cosigner(name, 0, None, counts=False), f"{name} has not co-signed it"
    at, size = word
    there, in_time = reached.by(at - REACH_SECONDS), period[0] <= at <= period[1]
    why = f"{name} has co-signed it at {told(at)}"
    if in_time:
        why = f"{name} has co-signed {size} events at {told(at)}, and {there} were signed by then"
    return Cosigner(name, size, at, counts=in_time and size >= there), why


def _latest(cosigned: Iterable[SignedCheckpoint]) -> dict[bytes, tuple[int, int]]:
    """Time and size of each witness's last word, by public key: one key under two names is one witness."""
    latest = dict[bytes, tuple[int, int]]()
    for signed in cosigned:
        for signature in signed.cosigned:
            word = signature.signed_at or 0, signed.checkpoint.size
            latest[signature.key.public] = max(word, latest.get(signature.key.public, word))
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

    def judge(self, reached: Reached, read: tuple[int, Scope], clock: float, findings: Findings) -> Cosigning:
        """How far it reaches; adds what is wrong.

        `read` is the first event that was read, and what there was to read; `reached` and `clock` as for the
        policy.
        """
        begin, scope = read
        for text in self.forged:
            findings.add(Kind.FORGED, text)
        for size in self.sizes:
            if size < begin or (size > scope.last and scope.stop is not None):
                text = f"{size} events were co-signed, and those from {begin} to {scope.last} were read"
                findings.add(Kind.NOT_COMPARED, text)
        return self.policy.judge(self.checkpoints, reached, (scope.now, clock), findings)
