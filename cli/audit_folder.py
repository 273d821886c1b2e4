"""An exported folder: a manifest that names every file by its digest, checkpoints, and events in parts.

The manifest is a help and no evidence: it is signed by nobody. What the events are is proven by the
checkpoints alone.
"""

import hashlib
from collections.abc import AsyncGenerator, Callable, Iterator
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, FailFast, Field
from pydantic.alias_generators import to_camel

from audit.checkpoint_book import CheckpointRecord
from audit.event_values import MAX_DAYS, MAX_LONG, Instant
from audit.findings import Findings, Kind
from audit.verdict import Batch
from cli.audit_chunks import Chunk, Chunks
from cli.audit_lines import MalformedLine, read_checkpoints, read_events
from cli.audit_source import NOTHING, Edges, Progress
from cli.json_files import read_model
from runtime.errors import UserError
from runtime.regular_files import open_regular

MANIFEST: Final = "manifest.json"
CHECKPOINTS: Final = "checkpoints.jsonl"
KEYS: Final = "verifier-keys.txt"
EVENTS_PER_FILE: Final = 500_000
_CHUNK: Final = 1 << 20
_LONGEST: Final = 1 << 25
"""No broker of ours takes a record that is nearly so large."""
_MANIFEST_BYTES: Final = 1 << 22
"""That of eight thousand million events has so many."""
_Count = Annotated[int, Field(ge=0, le=MAX_LONG)]
_Time = Annotated[int, Field(ge=-MAX_LONG, le=MAX_LONG)]
_T = TypeVar("_T")


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)


class File(_Model):
    """One file, and of one of events the first offset and time (ms since 1970)."""

    name: Annotated[str, Field(pattern=r"^(events-[0-9]{15}\.txt|checkpoints\.jsonl|verifier-keys\.txt)$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bytes: _Count
    records: _Count
    first: _Count | None = None
    first_time: _Time | None = None


def _each_once(files: list[File]) -> list[File]:
    """One file that is named a thousand times would be read as often."""
    if len({file.name for file in files}) < len(files):
        raise ValueError("a file is named twice")
    return files


class Manifest(_Model):
    """What was exported: events from `first` on, before `end`; the topic began with `topic_first` then.

    `open_end`: up to the topic's end, but for `left_out` events that nobody had signed yet. `period_from` and
    `period_to` are what was asked for.
    """

    format: Literal[1] = 1
    log_name: str
    made_at: Instant
    build: str
    period_from: Instant | None
    period_to: Instant | None
    retention_days: Annotated[int, Field(ge=0, le=MAX_DAYS)]
    topic_first: _Count
    first: _Count
    end: _Count
    open_end: bool
    left_out: _Count = 0
    files: Annotated[list[File], FailFast(), AfterValidator(_each_once)]


class Folder:
    """The source that such a folder is. Raises UserError where there is none, or it was not finished."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self.manifest = read_model(Manifest, path / MANIFEST, _MANIFEST_BYTES)
        except OSError as error:
            raise UserError(
                f"{path} holds no export that was finished: no {MANIFEST} ({error.strerror})"
            ) from None
        except ValueError:
            raise UserError(f"{path / MANIFEST} is no manifest of an export that this build knows") from None
        self._faults = dict[tuple[Kind, str], None]()
        self._chunks = Chunks()

    async def edges(self) -> Edges:
        """What the manifest says; a file that lacks some of it shows as missing events."""
        manifest = self.manifest
        return Edges(
            manifest.first,
            manifest.end,
            manifest.first == manifest.topic_first,
            manifest.open_end,
            exported=True,
            left_out=manifest.left_out,
        )

    def now(self) -> float | None:
        """When it was made."""
        return datetime.fromisoformat(self.manifest.made_at).timestamp()

    async def offset_at(self, time: datetime) -> int | None:
        """Reads the one file in which it is."""
        moment, begin = int(time.timestamp() * 1000), self.manifest.first
        for file in self._event_files():
            if file.first is not None and file.first_time is not None and file.first_time < moment:
                begin = file.first
        async for batch in self.events(begin, self.manifest.end, NOTHING):
            for offset, timestamp in zip(batch.offsets, batch.timestamps, strict=True):
                if timestamp >= moment:
                    return offset
        return None

    async def checkpoints(
        self, begin: int, progress: Progress
    ) -> AsyncGenerator[list[CheckpointRecord], None]:
        """Those from an offset on."""
        for file in self.manifest.files:
            if file.name == CHECKPOINTS:
                for lines, done in self._lines(file):
                    records = self._read(file, read_checkpoints, lines)
                    yield [record for record in records or () if record.offset >= begin]
                    progress(done, file.bytes)

    async def events(self, begin: int, stop: int, progress: Progress) -> AsyncGenerator[Batch, None]:
        """The events of a range; files without any of it are not read, and the others as a whole."""
        self._chunks = chunks = Chunks()
        for file, end in self._event_files_with_ends():
            if end <= begin or (file.first or 0) >= stop:
                continue
            place = 0
            for lines, done in self._lines(file):
                batch = self._read(file, read_events, lines)
                if batch is not None and batch.offsets:
                    chunks.add(Chunk.of(batch.offsets[0], file.name, place, lines))
                    yield _within(batch, begin, stop)
                place += len(lines)
                part = done * (end - (file.first or 0)) // max(1, file.bytes)
                progress(min((file.first or 0) + part, stop) - begin, stop - begin)

    async def again(self, there: range) -> AsyncGenerator[Batch, None]:
        """Of what `events` gave last; from where it stands in the files, of which no more is read."""
        for chunk in self._chunks.of(there):
            try:
                lines = chunk.read(self._path)
            except OSError as error:
                self._blame(Kind.FILE_MISSING, f"{chunk.file} cannot be read: {error.strerror}")
                return
            if lines is None:
                self._blame(Kind.FILE_ALTERED, f"{chunk.file} was changed while it was read")
                return
            yield _within(read_events(lines), there.start, there.stop)

    def look_around(self, findings: Findings) -> None:
        """Tells which of the files that were read as a whole are not those of the manifest."""
        for kind, text in self._faults:
            findings.add(kind, text)

    def _event_files(self) -> list[File]:
        return [file for file in self.manifest.files if file.first is not None]

    def _event_files_with_ends(self) -> Iterator[tuple[File, int]]:
        files = self._event_files()
        for file, after in zip_longest(files, files[1:]):
            yield file, self.manifest.end if after is None or after.first is None else after.first

    def _lines(self, file: File) -> Iterator[tuple[bytes, int]]:
        """The whole lines of a file in parts, and how much is read; its digest is held against it."""
        digest, rest, done = hashlib.sha256(), bytearray(), 0
        try:
            with open_regular(self._path / file.name) as opened:
                while chunk := opened.read(_CHUNK):
                    digest.update(chunk)
                    done += len(chunk)
                    cut = chunk.rfind(b"\n") + 1
                    whole = bytes(rest) + chunk[:cut] if cut else b""
                    if cut:
                        rest.clear()
                    rest += chunk[cut:]
                    yield whole, done
                    if len(rest) > _LONGEST:
                        self._blame(Kind.FILE_ALTERED, f"{file.name} has a line that is too long")
                        return
        except OSError as error:
            self._blame(Kind.FILE_MISSING, f"{file.name} cannot be read: {error.strerror}")
            return
        if done < file.bytes:
            text = f"{file.name} has {done} bytes, and had {file.bytes}"
            self._blame(Kind.FILE_MISSING, text)
        elif rest or digest.hexdigest() != file.sha256:
            self._blame(Kind.FILE_ALTERED, f"{file.name} has another digest than the manifest says")

    def _read(self, file: File, read: Callable[[bytes], _T], lines: bytes) -> _T | None:
        try:
            return read(lines)
        except MalformedLine as error:
            self._blame(Kind.FILE_ALTERED, f"{file.name}: {error}")
            return None

    def _blame(self, kind: Kind, text: str) -> None:
        self._faults[kind, text] = None


def _within(batch: Batch, begin: int, stop: int) -> Batch:
    if batch.offsets[0] >= begin and batch.offsets[-1] < stop:
        return batch
    rows = zip(batch.offsets, batch.values, batch.timestamps, strict=True)
    kept = [row for row in rows if begin <= row[0] < stop]
    return Batch([row[0] for row in kept], [row[1] for row in kept], [row[2] for row in kept])
