"""Trails in memory, by the real templates and signed by the real notes; and what a verification finds."""

import math
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from audit.checkpoint_book import CheckpointBook, CheckpointRecord
from audit.checkpoints import Checkpoint, range_headers, sign_checkpoint
from audit.findings import Findings
from audit.keys import VerifierKey, seed_key
from audit.merkle import CompactRange
from audit.templates import expand
from audit.verdict import Batch, Scope, Verdict
from audit.verification import Verification

LOG: Final = "order-records"
SEED, STRANGE_SEED, RETIRED_SEED = bytes(32), bytes([1]) * 32, bytes([2]) * 32
KEY: Final = seed_key(SEED, LOG)
STRANGE_KEY: Final = seed_key(STRANGE_SEED, LOG)
RETIRED_KEY: Final = seed_key(RETIRED_SEED, LOG)
NOW: Final = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()
DIGEST: Final = "sha256:" + "a" * 64
_UUIDS: Final = uuid.UUID("6f1c0b0e-7a51-4c3e-9d41-2b7f6a0c9e55")


@dataclass
class Told:
    """One event on its topic; `time` in seconds since 1970."""

    value: bytes | None
    time: float = NOW - 600


@dataclass
class Trail:
    """A trail as its topics hold it; `first` is the offset of its first event."""

    events: list[Told] = field(default_factory=list)
    checkpoints: list[CheckpointRecord] = field(default_factory=list)
    first: int = 0

    def values(self) -> list[bytes | None]:
        return [each.value for each in self.events]

    def tell(self, kind: str, n: int | None, items: list[Any], name: str = "", log: str = LOG) -> None:
        """The events of an outbox entry; the same name gives the same ids."""
        entry_id = str(uuid.uuid5(_UUIDS, name or f"{kind}/{n}/{len(self.events)}"))
        entry = {
            "_id": entry_id,
            "kind": kind,
            "time": datetime.fromtimestamp(NOW - 600, UTC),
            "items": items,
        }
        entry |= {"template": 1, "build": "1.0.0", "policyVersion": 3, "policyDigest": DIGEST}
        if n is not None:
            entry["n"] = n
        self.events += [Told(record.value) for record in expand(entry, log)]

    def erase(self, n: int, size: int = 5, name: str = "", version: int = 2) -> None:
        """A batch of erasures."""
        due = datetime.fromtimestamp(NOW - 700, UTC)
        ids = [str(uuid.uuid5(_UUIDS, f"record/{name}/{n}/{each}")) for each in range(size)]
        kind = "anonymized" if n % 2 else "deleted"
        self.tell(kind, n, [[each, version, due, []] for each in ids], f"{name}/{n}")

    def quarantine(self, size: int = 3) -> None:
        """Events that bear no number."""
        items = [["order-completed", 4, len(self.events) + each, "TOO_LARGE", ""] for each in range(size)]
        self.tell("quarantined", None, items)

    def attest(
        self,
        at: float,
        n: int,
        days: int = 1460,
        done: tuple[int, int, int] = (5, 5, 0),
        since: float | None = None,
    ) -> None:
        """The attestation of a moment (seconds since 1970): so far it was so many batches."""
        period = [None if time is None else datetime.fromtimestamp(time, UTC) for time in (since, at)]
        overdue = [(2, datetime.fromtimestamp(at - 60, UTC)), (0, None), (0, None)]
        item = [period, n, done, overdue, (17, 12), (400, 61, None), days]
        self.tell("attestation", None, [item], f"attestation {at}")

    def reapply(self, last_n: int) -> None:
        """That a database was put back from a backup, and got back what was known here."""
        self.tell("ledger.reapplied", None, [[1, 0, 0, False, last_n, "ab" * 16]])

    def sign(self, seed: bytes = SEED, at: float | None = None, name: str = LOG) -> CheckpointRecord:
        """A checkpoint of all that is there; of the part that was cut it knows nothing."""
        tree = CompactRange()
        tree.extend(self.values())
        signed_at = NOW - 600 if at is None else at
        note = sign_checkpoint(Checkpoint.of(name, tree), seed, int(signed_at))
        self.checkpoints.append(CheckpointRecord(len(self.checkpoints), note, range_headers(tree)))
        return self.checkpoints[-1]

    def cut(self, first: int) -> "Trail":
        """Without the events before one, as retention leaves it."""
        return Trail(self.events[first:], self.checkpoints, first)


def sound(batches: int = 6, seed: bytes = SEED, name: str = "") -> Trail:
    """A trail of so many batches, with a checkpoint after each, the last one a minute old."""
    trail = Trail()
    for n in range(1, batches + 1):
        trail.erase(n, name=name)
        trail.quarantine(n % 3)
        trail.sign(seed, NOW - 60 * (batches + 1 - n))
    return trail


def resigned(trail: Trail, seed: bytes = SEED) -> Trail:
    """The same events signed anew at the sizes that had been signed, as whoever has a key can do."""
    made = Trail()
    sizes = [Checkpoint.parse(_text(record)).size for record in trail.checkpoints]
    for size in sizes:
        made.events = trail.events[:size]
        made.sign(seed)
    made.events = trail.events
    return made


def _text(record: CheckpointRecord) -> str:
    return (record.value or b"").decode().partition("\n\n")[0] + "\n"


def verify(
    trail: Trail,
    *,
    keys: Sequence[VerifierKey] = (KEY,),
    since: Checkpoint | None = None,
    batch: int = 7,
    target: int = 0,
    period: tuple[float, float] = (-math.inf, math.inf),
    change: Callable[[list[int]], list[int]] = lambda offsets: offsets,
    **scope: Any,
) -> Verdict:
    """What a verification of it says; `change` makes other offsets of the right ones."""
    findings = Findings()
    book = CheckpointBook(LOG, keys, findings, trail.first, target, period)
    book.take(trail.checkpoints)
    if since is not None:
        book.pin(since)
    end = trail.first + len(trail.events)
    verification = Verification(LOG, Scope(trail.first, end, NOW, **scope), book, findings)
    offsets = change(list(range(trail.first, end)))
    there = [each for each in zip(offsets, trail.events, strict=False) if each[0] >= verification.begin]
    there = [each for each in there if each[0] < verification.stop]
    for at in range(0, len(there), batch):
        verification.take(_batch(there[at : at + batch]))
    for again in verification.to_read_again():
        verification.take_again(again, _batch([each for each in there if each[0] in again]))
    verification.settle()
    return verification.verdict()


def _batch(part: Sequence[tuple[int, Told]]) -> Batch:
    times = [int(event.time * 1000) for _, event in part]
    return Batch([offset for offset, _ in part], [event.value for _, event in part], times)


def kinds(verdict: Verdict) -> list[str]:
    return [finding.kind.value for finding in verdict.findings]


def texts(verdict: Verdict) -> str:
    return "\n".join(text for finding in verdict.findings for text in finding.texts)


def tip(trail: Trail) -> Checkpoint:
    """What somebody who looked at the trail keeps of it."""
    text = (trail.checkpoints[-1].value or b"").decode().partition("\n\n")[0]
    return Checkpoint.parse(f"{text}\n")


def renumbered(checkpoints: list[CheckpointRecord]) -> list[CheckpointRecord]:
    """As a topic that was made anew has them."""
    return [replace(record, offset=offset) for offset, record in enumerate(checkpoints)]


def assert_found(verdict: Verdict, code: int, kind: str, text: str) -> None:
    assert int(verdict.outcome) == code, (kinds(verdict), texts(verdict))
    assert kind in kinds(verdict)
    assert text in texts(verdict)
