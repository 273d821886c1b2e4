"""Exports that a database is mended by: each is verified first, and only what was signed is taken from it."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from audit.checkpoints import Checkpoint
from audit.findings import Findings, Kind, Outcome
from audit.keys import VerifierKey
from audit.verdict import Verdict
from cli.audit_folder import Folder
from cli.audit_reading import Kept, Shown, Wanted, verified
from cli.audit_source import NOTHING, Progress, Source
from cli.reapply_vouching import vouched
from runtime.errors import UserError

Live: TypeAlias = Callable[[], Awaitable[Source | None]]
"""The trail on its topics, asked for where exports alone do not do; None if it is not there."""

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


@dataclass(frozen=True)
class _Read:
    """An export that was verified; `seen` is what is known of it by others that today's key has signed."""

    path: Path
    folder: Folder
    verdict: Verdict
    seen: Checkpoint | None = None

    @property
    def end(self) -> int:
        return max(self.verdict.start, self.verdict.compared)

    @property
    def by_retired_key(self) -> bool:
        return any(finding.kind is Kind.RETIRED_KEY for finding in self.verdict.findings)

    def require(self, *, accept_gaps: bool) -> None:
        acceptable = all(finding.kind in _ACCEPTABLE for finding in self.verdict.findings)
        if self.verdict.outcome is not Outcome.SOUND and not (acceptable and accept_gaps):
            raise Unsound(self.path, self.verdict, acceptable=acceptable)

    def export(self) -> Export:
        accepted = [
            f"{self.path} is not sound: {each.kind}, {each.meaning}" for each in self.verdict.findings
        ]
        return Export(self.path, self.folder, self.verdict.start, self.end, accepted)


class _Reader:
    """Verifies folders by these keys."""

    def __init__(self, keys: Sequence[VerifierKey], shown: Shown, live: Live) -> None:
        self._keys, self._shown, self._live = keys, shown, live

    async def read(self, path: Path, folder: Folder, seen: Checkpoint | None = None) -> _Read:
        kept = Kept(None, folder.manifest.retention_days)
        return _Read(
            path, folder, await verified(folder, self._keys, Wanted(since=seen), kept, self._shown), seen
        )

    async def again(self, read: _Read, others: Sequence[_Read]) -> _Read:
        """Held against what today's key says of its end, by one of the others or by the live trail."""
        for each in others:
            if each.verdict.start <= read.end <= each.end:
                seen = await vouched(each.folder, self._keys, each.seen, read.end, self._shown)
                if seen is not None:
                    return await self.read(read.path, read.folder, seen)
        live = await self._live()
        if live is None:
            return read
        seen = await vouched(live, self._keys, None, read.end, self._shown)
        return read if seen is None else await self.read(read.path, read.folder, seen)


async def _no_live_trail() -> None:
    return None


async def verified_exports(
    paths: Sequence[Path],
    keys: Sequence[VerifierKey],
    shown: Shown,
    *,
    accept_gaps: bool,
    live: Live = _no_live_trail,
) -> list[Export]:
    """The exports in the order of their events, each as `audit verify` sees it. Raises Unsound, UserError.

    One that a retired key alone has signed is held against the others, and the live trail: where today's key
    speaks for its last event there, it is what was seen before of it. Those that end later come first, for
    what is sure of them makes others sure.
    """
    reader, taken, retired = _Reader(keys, shown, live), list[_Read](), list[_Read]()
    for path in paths:
        read = await reader.read(path, Folder(path))
        read.require(accept_gaps=accept_gaps or read.by_retired_key)
        (retired if read.by_retired_key else taken).append(read)
    for each in sorted(retired, key=lambda read: read.end, reverse=True):
        read = await reader.again(each, taken)
        read.require(accept_gaps=accept_gaps)
        taken.append(read)
    exports = [read.export() for read in taken]
    return sorted(exports, key=lambda each: (each.begin, each.end))
