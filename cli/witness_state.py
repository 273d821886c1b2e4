"""What a witness remembers: what it co-signed last, and the folder in which others find that note.

It is on the disk before anybody can see the note: a witness that forgot one could co-sign another history.
The file is JSON of a bounded size: the note, the compact range of its tree, and how far the checkpoint topic
was read.
"""

import base64
import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from audit.checkpoints import RANGE_HEADER, SignedCheckpoint, open_checkpoint, open_range
from audit.event_values import MAX_LONG
from audit.keys import VerifierKey, decode_base64
from audit.notes import MAX_NOTE_BYTES, NoteError
from audit.witnessing import Mark, Seen
from cli.json_files import read_model
from runtime.errors import UserError
from runtime.regular_files import read_bounded

LATEST: Final = "latest"
_MAX_STATE_BYTES: Final = 4 * MAX_NOTE_BYTES
_T = TypeVar("_T")


class _Memory(BaseModel):
    """The file: the record is an offset of the checkpoint topic, with the SHA-256 of its value."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    format: Literal[1] = 1
    note: str
    range: str
    record: Annotated[int, Field(ge=0, le=MAX_LONG)]
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class WitnessState:
    """The state file and the folder; all of it may raise UserError."""

    def __init__(
        self, path: Path, folder: Path, log_keys: Sequence[VerifierKey], witness: VerifierKey
    ) -> None:
        self._path, self._folder = path, folder
        self._log_keys, self._witness = log_keys, witness
        self._shown: bytes | None = None
        self.seen: Seen | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Reads the state, and keeps every other process from it: two could co-sign two histories."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = os.open(_beside(self._path, "lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise UserError(f"{self._path} cannot be used: {error.strerror}") from None
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise UserError(f"{self._path} is in use: another witness goes on from it") from None
            self._load()
            yield
        finally:
            os.close(lock)

    def save(self, seen: Seen) -> None:
        """Remembers what was co-signed, and then shows it."""
        write_whole(self._path, _encoded(seen))
        self.seen = seen
        self.show()

    def show(self) -> None:
        """Shows what is remembered, if that is not there yet: the disk may have refused it."""
        if self.seen is not None and self._shown != self.seen.note:
            write_whole(self._folder / LATEST, self.seen.note)
            self._shown = self.seen.note

    def _load(self) -> None:
        latest = self._folder / LATEST
        self.seen = seen = self._remembered()
        shown = _read(latest, lambda: read_bounded(latest, MAX_NOTE_BYTES))
        if shown is not None:
            there = self._opened(shown, latest).checkpoint
            if seen is None or there.size > seen.signed.checkpoint.size:
                text = f"{self._folder} has a later checkpoint than {self._path}: put the later state back"
                raise UserError(text)
            if there.size == seen.signed.checkpoint.size and there != seen.signed.checkpoint:
                raise UserError(f"{self._folder} and {self._path} are of two histories")
        self._shown = shown
        self.show()

    def _remembered(self) -> Seen | None:
        try:
            memory = _read(self._path, lambda: read_model(_Memory, self._path, _MAX_STATE_BYTES))
            if memory is None:
                return None
            note, nodes = memory.note.encode(), decode_base64(memory.range)
            signed = self._opened(note, self._path)
            tree = open_range(signed.checkpoint, [(RANGE_HEADER, nodes)])
        except ValueError:  # NoteError is one
            raise UserError(f"{self._path} is no state of a witness of this trail") from None
        return Seen(note, signed, tree, Mark(memory.record, bytes.fromhex(memory.digest)))

    def _opened(self, note: bytes, path: Path) -> SignedCheckpoint:
        try:
            signed = open_checkpoint(note, self._log_keys, [self._witness])
        except NoteError as error:
            raise UserError(f"{path} is no checkpoint of this trail that was co-signed: {error}") from None
        if not signed.cosigned:
            raise UserError(f"{path} is not co-signed by this witness's key")
        return signed


def write_whole(path: Path, content: bytes) -> None:
    """All of it or nothing, whatever happens, and on the disk when this returns. Raises UserError."""
    beside = _beside(path, "new")
    try:
        beside.unlink(missing_ok=True)  # of a run that was killed
        with beside.open("xb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        beside.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}") from None


def _encoded(seen: Seen) -> bytes:
    nodes = base64.b64encode(seen.tree.encode()).decode()
    mark = seen.mark
    memory = _Memory(note=seen.note.decode(), range=nodes, record=mark.offset, digest=mark.digest.hex())
    return memory.model_dump_json().encode() + b"\n"


def _read(path: Path, read: Callable[[], _T]) -> _T | None:
    """None where there is no such file."""
    try:
        return read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None


def _beside(path: Path, what: str) -> Path:
    return path.with_name(f"{path.name}.{what}")
