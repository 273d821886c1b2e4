"""Exports that a database is mended by: each is verified first, and only what was signed is taken from it."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from audit.findings import Findings, Kind, Outcome
from audit.keys import VerifierKey
from audit.verdict import Verdict
from cli.audit_folder import Folder
from cli.audit_reading import Kept, Shown, Wanted, verified
from cli.audit_source import NOTHING, Progress
from runtime.errors import UserError

_ACCEPTABLE: Final = frozenset(
    {
        Kind.SILENCE,
        Kind.UNCOVERED,
        Kind.NOT_ATTESTED,
        Kind.RETIRED_KEY,
        Kind.NOT_PROVEN,
        Kind.CUT_EARLY,
        Kind.NOT_AN_EVENT,
        Kind.N_SKIPPED,
        Kind.N_TWICE,
        Kind.BATCH_INCOMPLETE,
        Kind.DONE_DIFFERS,
    }
)
"""Something is lacking, or never was as it should be; what is taken from the export is what was signed."""


class Unsound(Exception):
    """An export is not to be gone by; `acceptable` where somebody may decide to go by it all the same."""

    def __init__(self, path: Path, verdict: Verdict, *, acceptable: bool) -> None:
        super().__init__(f"{path} is not sound")
        self.path, self.verdict, self.acceptable = path, verdict, acceptable


@dataclass(frozen=True)
class Export:
    """Events from the offset `begin` on, before `end`, are what was signed; what comes later has no say.

    Nobody signs the manifest: an event after the last checkpoint may be whoever's who had the folder.
    `accepted` says in words in which ways it is not sound.
    """

    path: Path
    folder: Folder
    begin: int
    end: int
    accepted: Sequence[str] = ()

    async def values(self, begin: int, progress: Progress) -> AsyncGenerator[Sequence[bytes | None], None]:
        """From an offset on. Raises UserError where its files are not those any more that were verified."""
        async with aclosing(self.folder.events(begin, self.end, progress)) as batches:
            async for batch in batches:
                yield batch.values
                await asyncio.sleep(0)  # files never wait, and the lease has to be renewed meanwhile
        self._require_unchanged()

    async def value(self, offset: int) -> bytes | None:
        """One event. Raises UserError as `values`."""
        found = None
        async with aclosing(self.folder.events(offset, offset + 1, NOTHING)) as batches:
            async for batch in batches:
                found = batch.values[0] if batch.values else found
        self._require_unchanged()
        return found

    def _require_unchanged(self) -> None:
        findings = Findings()
        self.folder.look_around(findings)
        if any(findings):
            raise UserError(
                f"{self.path} was changed while it was read: run this again once nobody changes it"
            )


async def verified_exports(
    paths: Sequence[Path], keys: Sequence[VerifierKey], shown: Shown, *, accept_gaps: bool
) -> list[Export]:
    """The exports in the order of their events, each as `audit verify` sees it. Raises Unsound, UserError."""
    exports = list[Export]()
    for path in paths:
        folder = Folder(path)
        verdict = await verified(folder, keys, Wanted(), Kept(None, folder.manifest.retention_days), shown)
        acceptable = all(finding.kind in _ACCEPTABLE for finding in verdict.findings)
        if verdict.outcome is not Outcome.SOUND and not (acceptable and accept_gaps):
            raise Unsound(path, verdict, acceptable=acceptable)
        accepted = [f"{path} is not sound: {each.kind}, {each.meaning}" for each in verdict.findings]
        end = max(verdict.start, verdict.compared)
        exports.append(Export(path, folder, verdict.start, end, accepted))
    return sorted(exports, key=lambda each: (each.begin, each.end))
