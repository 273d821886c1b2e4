"""What a verification finds: every kind with its exit code and what it means to whoever answers for it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Final

MAX_TEXTS: Final = 10
"""So many of a kind are told one by one; all of them are counted."""


def which(one: str, several: str, first: int, last: int) -> str:
    """Those from one number to another, as the beginning of a sentence: "numbers 3 to 7 are"."""
    return f"{one} {first} is" if first == last else f"{several} {first} to {last} are"


class Outcome(IntEnum):
    """What it comes to, which is the exit code."""

    SOUND = 0
    GAP = 2
    MISSING = 3
    INVALID = 4
    COUNTS = 5


_WORST_FIRST: Final = (Outcome.INVALID, Outcome.MISSING, Outcome.COUNTS, Outcome.GAP)


class Kind(StrEnum):
    """One way in which a trail is not as it should be."""

    SILENCE = "SILENCE"
    UNCOVERED = "UNCOVERED"
    NOT_ATTESTED = "NOT_ATTESTED"
    NOT_COSIGNED = "NOT_COSIGNED"
    NOT_PROVEN = "NOT_PROVEN"
    RETIRED_KEY = "RETIRED_KEY"
    EVENT_MISSING = "EVENT_MISSING"
    TRUNCATED = "TRUNCATED"
    CUT_EARLY = "CUT_EARLY"
    CHECKPOINT_MISSING = "CHECKPOINT_MISSING"
    NOT_COMPARED = "NOT_COMPARED"
    FILE_MISSING = "FILE_MISSING"
    ALTERED = "ALTERED"
    TWO_HISTORIES = "TWO_HISTORIES"
    FORGED = "FORGED"
    RANGE_ALTERED = "RANGE_ALTERED"
    NOT_AN_EVENT = "NOT_AN_EVENT"
    CONFLICT = "CONFLICT"
    SECOND_PARTITION = "SECOND_PARTITION"
    FILE_ALTERED = "FILE_ALTERED"
    N_SKIPPED = "N_SKIPPED"
    N_TWICE = "N_TWICE"
    BATCH_INCOMPLETE = "BATCH_INCOMPLETE"
    DONE_DIFFERS = "DONE_DIFFERS"


MEANINGS: Final[Mapping[Kind, tuple[Outcome, str]]] = {
    Kind.SILENCE: (Outcome.GAP, "for a while nobody signed: what was on the trail then was signed later"),
    Kind.UNCOVERED: (Outcome.GAP, "events at the end are not signed yet, and should be"),
    Kind.NOT_ATTESTED: (Outcome.GAP, "for more than two days nobody attested how erasure stands"),
    Kind.NOT_COSIGNED: (Outcome.GAP, "fewer witnesses than are wanted have co-signed the trail of late"),
    Kind.NOT_PROVEN: (Outcome.GAP, "nothing that is there could be held against what was signed"),
    Kind.RETIRED_KEY: (
        Outcome.GAP,
        "a retired key alone speaks for the end, and whoever has got hold of it may have made all of this",
    ),
    Kind.EVENT_MISSING: (Outcome.MISSING, "events are missing inside the trail"),
    Kind.TRUNCATED: (Outcome.MISSING, "events were signed that are not there any more"),
    Kind.CUT_EARLY: (Outcome.MISSING, "the beginning was deleted before its time"),
    Kind.CHECKPOINT_MISSING: (Outcome.MISSING, "a signed statement about the trail is missing"),
    Kind.NOT_COMPARED: (Outcome.MISSING, "what was seen before could not be compared with what is there now"),
    Kind.FILE_MISSING: (Outcome.MISSING, "a file that the export names is missing, or ends too early"),
    Kind.ALTERED: (Outcome.INVALID, "events were changed, removed, added or moved after they were signed"),
    Kind.TWO_HISTORIES: (Outcome.INVALID, "the trail's key has signed two stories that exclude each other"),
    Kind.FORGED: (Outcome.INVALID, "a statement in the trail's name is not signed as its key signs"),
    Kind.RANGE_ALTERED: (Outcome.INVALID, "what travels beside a signed statement was changed"),
    Kind.NOT_AN_EVENT: (
        Outcome.INVALID,
        "records that are no events of this trail; if a newer build wrote them, verify with that one",
    ),
    Kind.CONFLICT: (Outcome.INVALID, "two different events have one id"),
    Kind.SECOND_PARTITION: (
        Outcome.INVALID,
        "the audit topic has several partitions: what is on the others is no part of the trail",
    ),
    Kind.FILE_ALTERED: (Outcome.INVALID, "a file of the export is not the one that its manifest names"),
    Kind.N_SKIPPED: (Outcome.COUNTS, "numbers of erasures are missing: erasures that nobody was told of"),
    Kind.N_TWICE: (Outcome.COUNTS, "one number was given to two different batches of erasures"),
    Kind.BATCH_INCOMPLETE: (
        Outcome.COUNTS,
        "a batch of erasures has fewer events than it says, or other ones",
    ),
    Kind.DONE_DIFFERS: (
        Outcome.COUNTS,
        "the database counted more or fewer erasures in a period than the trail tells of",
    ),
}


@dataclass
class Finding:
    """How often a kind was found; the first texts say where. No text quotes what stood there."""

    kind: Kind
    count: int = 0
    texts: list[str] = field(default_factory=list)

    @property
    def outcome(self) -> Outcome:
        """What this kind comes to."""
        return MEANINGS[self.kind][0]

    @property
    def meaning(self) -> str:
        """What it means, in a sentence."""
        return MEANINGS[self.kind][1]


class Findings:
    """All that was found, in bounded memory; `notes` tell what is no fault, and was not judged."""

    def __init__(self) -> None:
        self._found: dict[Kind, Finding] = {}
        self.notes: list[str] = []

    def add(self, kind: Kind, text: str, count: int = 1) -> None:
        """One more of a kind, or so many that one text tells of."""
        finding = self._found.setdefault(kind, Finding(kind))
        finding.count += count
        if len(finding.texts) < MAX_TEXTS:
            finding.texts.append(text)

    def note(self, text: str) -> None:
        """What whoever reads has to know, though nobody is accused; for what comes once or twice."""
        self.notes.append(text)

    def __iter__(self) -> Iterator[Finding]:
        """The worst first."""
        return iter(sorted(self._found.values(), key=lambda each: _WORST_FIRST.index(each.outcome)))

    def __contains__(self, kind: Kind) -> bool:
        return kind in self._found

    @property
    def outcome(self) -> Outcome:
        """That of the worst finding: invalid, then missing, then counts, then a gap."""
        return next((each.outcome for each in self), Outcome.SOUND)
