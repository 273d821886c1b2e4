"""What the daily attestations say, held against the trail they stand on."""

from array import array
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from audit.checkpoint_book import told
from audit.counting import Numbers
from audit.event_data import Attested, ErasuresDone
from audit.findings import Findings, Kind

APART_SECONDS: Final = 49 * 3_600
"""One a day (UTC) may be early on one day and late on the next; an hour more is for who was away."""
_WORDS: Final = ("records anonymized", "records deleted", "quarantined events erased")
"""For the figures of ErasuresDone, in the sequence of audit.batches.ERASING."""


class Attestations:
    """Takes them in the order of the trail, which `numbers` counts."""

    def __init__(self, findings: Findings, numbers: Numbers) -> None:
        self._findings, self._numbers = findings, numbers
        self._until: float | None = None
        self._times, self._days = array("d"), array("q")
        self._figures = _Figures(findings, numbers)
        self.last: Attested | None = None

    @property
    def counted(self) -> int:
        """How many of them had figures that could be compared."""
        return self._figures.compared

    @property
    def stray(self) -> int:
        """How many did not follow on the one before them, though no database was said to be put back."""
        return self._figures.stray

    def retention_days(self, now: float) -> int | None:
        """How long events are said to be kept; None where nothing says it.

        The longest that was attested within two days up to now: whoever may write to the topic can add one
        that says less, and the true ones are there as well.
        """
        said = [each for each in zip(self._times, self._days, strict=True) if each[0] <= now]
        if not said:
            return None if self.last is None else self.last.audit_retention_days
        latest = max(time for time, _ in said)
        return max(days for time, days in said if latest - time <= APART_SECONDS)

    def take(self, attested: Attested) -> None:
        """The next one."""
        until = datetime.fromisoformat(attested.period["until"]).timestamp()
        if self._until is not None:
            self._look(self._until, until)
        self._until, self.last = max(until, self._until or until), attested
        self._times.append(until)
        self._days.append(attested.audit_retention_days)
        self._figures.take(attested)

    def reapplied(self) -> None:
        """The database was put back from a backup, and with it its count of what was done."""
        self._figures.forget()

    def finish(self, now: float, *, fresh: bool, cut: bool) -> None:
        """The end of what is read: `fresh` events may still be on their way; after a `cut` there are more."""
        self._figures.settle()
        if self._until is None or self.last is None or cut:
            return
        self._look(self._until, now)
        last = self._numbers.last
        if last is not None and self.last.n > last and not fresh:
            text = f"{self.last.n} batches of erasures are attested, and the trail tells of {last}"
            self._findings.add(Kind.N_SKIPPED, text, self.last.n - last)

    def _look(self, before: float, after: float) -> None:
        if after - before > APART_SECONDS:
            self._findings.add(Kind.NOT_ATTESTED, f"from {told(before)} to {told(after)}")


@dataclass(frozen=True)
class _Told:
    """One attestation's figures, which are those of the batches after a number up to its own.

    Without `exact` they may be too low: the count of a first attestation began with its database.
    """

    attested: Attested
    after: int
    exact: bool


class _Figures:
    """What was done by the attestations, against what was done by the events.

    The figures and `n` of an attestation are read in one snapshot (records/mongo/attestation.py), so they are
    those of exactly the batches between two of them, whenever these were sent. Each is judged when the next
    one comes, or at the end: by then what was under way is there. What was not read as a whole is not judged.
    """

    def __init__(self, findings: Findings, numbers: Numbers) -> None:
        self._findings, self._numbers = findings, numbers
        self._before: Attested | None = None
        self._waiting: _Told | None = None
        self._judged_to = 0
        self.compared = self.stray = 0

    def take(self, attested: Attested) -> None:
        """The next one; it must say that it follows on the one before it on the trail."""
        self.settle()
        since, before = attested.period.get("since"), self._before
        self.stray += before is not None and before.period["until"] != since
        if since is None:
            self._waiting = _Told(attested, 0, exact=False)
        elif before is not None and before.period["until"] == since:
            self._waiting = _Told(attested, before.n, exact=True)
        self._before = attested

    def forget(self) -> None:
        """From here on the figures are those of another count."""
        self._before = self._waiting = None

    def settle(self) -> None:
        """Judges the one that waits. No batch is counted for two of them, so all of them take one pass."""
        waiting, self._waiting = self._waiting, None
        if waiting is None or not self._judged_to <= waiting.after <= waiting.attested.n:
            return
        counted = self._numbers.erased(waiting.after, waiting.attested.n)
        if counted is None:
            return
        self._judged_to = waiting.attested.n
        self.compared += 1
        for word, done, found in zip(_WORDS, _figures(waiting.attested.done), counted, strict=True):
            if done > found or (waiting.exact and done < found):
                self._tell(waiting, f"{done} {word}", found)

    def _tell(self, waiting: _Told, done: str, found: int) -> None:
        until, first, last = waiting.attested.period["until"], waiting.after + 1, waiting.attested.n
        since = "since the one before" if waiting.exact else "since the beginning"
        there = f"batches {first} to {last} have {found}" if first <= last else "no batch came"
        text = f"the attestation of {until} counts {done} {since}, and {there}"
        self._findings.add(Kind.DONE_DIFFERS, text)


def _figures(done: ErasuresDone) -> tuple[int, int, int]:
    return done.anonymize, done.delete, done.erase_quarantined
