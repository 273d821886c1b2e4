"""What the daily attestations say, held against the trail they stand on."""

from datetime import datetime
from typing import Final

from audit.checkpoint_book import told
from audit.events import Attested
from audit.findings import Findings, Kind

APART_SECONDS: Final = 49 * 3_600
"""One a day (UTC) may be early on one day and late on the next; an hour more is for who was away."""


class Attestations:
    """Takes them in the order of the trail."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._until: float | None = None
        self.last: Attested | None = None

    def take(self, attested: Attested) -> None:
        """The next one."""
        until = datetime.fromisoformat(attested.period["until"]).timestamp()
        if self._until is not None:
            self._look(self._until, until)
        self._until, self.last = max(until, self._until or until), attested

    def finish(self, now: float, last_n: int | None, *, fresh: bool) -> None:
        """The trail's end: `last_n` is its last number, and `fresh` events may still be on their way."""
        if self._until is None or self.last is None:
            return
        self._look(self._until, now)
        if self.last.n > (last_n or 0) and not fresh:
            text = f"{self.last.n} batches of erasures are attested, and the trail tells of {last_n or 0}"
            self._findings.add(Kind.N_SKIPPED, text, self.last.n - (last_n or 0))

    def _look(self, before: float, after: float) -> None:
        if after - before > APART_SECONDS:
            self._findings.add(Kind.NOT_ATTESTED, f"from {told(before)} to {told(after)}")
