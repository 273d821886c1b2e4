"""Writing an export: file after file, each with its digest, and the manifest last."""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

from audit.checkpoint_book import CheckpointRecord
from audit.keys import VerifierKey
from audit.verdict import Batch
from cli.audit_folder import CHECKPOINTS, EVENTS_PER_FILE, KEYS, MANIFEST, File, Manifest
from cli.audit_lines import checkpoint_lines, event_lines
from cli.audit_reading import Shown
from cli.audit_source import Edges, Source
from runtime.errors import UserError


class Writer:
    """Writes the files of one export. Raises UserError where the disk does not take them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = list[File]()
        self._digests = dict[str, Any]()
        self._room = 0

    @property
    def begins(self) -> int | None:
        """The first event that was written."""
        return next((file.first for file in self._files if file.first is not None), None)

    def write_keys(self, keys: Sequence[VerifierKey]) -> None:
        """For information: whoever verifies should have them from elsewhere."""
        self._append(KEYS, "".join(f"{key.text}\n" for key in keys).encode(), len(keys))

    def write_checkpoints(self, records: Sequence[CheckpointRecord]) -> None:
        """The next records."""
        self._append(CHECKPOINTS, checkpoint_lines(records), len(records))

    def write_events(self, batch: Batch) -> None:
        """The next events; a file takes half a million."""
        if not batch.offsets:
            return
        if self._room <= 0:
            self._room = EVENTS_PER_FILE
            first, time = batch.offsets[0], batch.timestamps[0]
            self._begin(f"events-{first:015d}.txt", first, time)
        self._room -= len(batch.offsets)
        self._append(self._files[-1].name, event_lines(batch), len(batch.offsets))

    def finish(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Writes the manifest, and returns it by the names that it has there."""
        files = [
            file.model_copy(update={"sha256": self._digests[file.name].hexdigest()}) for file in self._files
        ]
        manifest = Manifest(**facts, files=files)
        self._write(MANIFEST, manifest.model_dump_json(by_alias=True, indent=2).encode() + b"\n")
        shown: dict[str, Any] = manifest.model_dump(by_alias=True)
        return shown

    def _begin(self, name: str, first: int | None = None, time: int | None = None) -> None:
        empty = File(name=name, sha256="0" * 64, bytes=0, records=0, first=first, first_time=time)
        self._files.append(empty)
        self._digests[name] = hashlib.sha256()

    def _append(self, name: str, lines: bytes, records: int) -> None:
        if name not in self._digests:
            self._begin(name)
        self._write(name, lines)
        self._digests[name].update(lines)
        place = next(place for place, file in enumerate(self._files) if file.name == name)
        file = self._files[place]
        grown = {"bytes": file.bytes + len(lines), "records": file.records + records}
        self._files[place] = file.model_copy(update=grown)

    def _write(self, name: str, content: bytes) -> None:
        try:
            with (self._folder / name).open("ab") as opened:
                opened.write(content)
        except OSError as error:
            raise UserError(f"{self._folder / name} cannot be written: {error.strerror}") from None


async def copy_checkpoints(source: Source, writer: Writer, begin: int, stop: int, shown: Shown) -> None:
    """The records from one on, and before another: what was signed later covers more than is exported."""

    def progress(done: int, total: int) -> None:
        shown("checkpoints", done, total)

    async with aclosing(source.checkpoints(begin, progress)) as batches:
        async for records in batches:
            kept = [record for record in records if record.offset < stop]
            writer.write_checkpoints(kept)
            if len(kept) < len(records):
                return


async def copy_events(source: Source, writer: Writer, edges: Edges, shown: Shown) -> None:
    """The events of a range."""
    if edges.first >= edges.end:
        return

    def progress(done: int, total: int) -> None:
        shown("events", done, total)

    async with aclosing(source.events(edges.first, edges.end, progress)) as batches:
        async for batch in batches:
            writer.write_events(batch)
