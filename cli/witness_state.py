"""What a witness remembers: the note that it co-signed last, and the folder in which others find its notes.

The note is on the disk before anybody can see it: a witness that forgot one could co-sign another history.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from audit.checkpoints import Checkpoint, SignedCheckpoint, open_checkpoint
from audit.keys import VerifierKey
from audit.notes import MAX_NOTE_BYTES, NoteError
from runtime.errors import UserError

LATEST: Final = "latest"


class WitnessState:
    """The state file and the folder; all of it may raise UserError."""

    def __init__(
        self, path: Path, folder: Path, log_keys: Sequence[VerifierKey], witness: VerifierKey
    ) -> None:
        self._path, self._folder = path, folder
        self._log_keys, self._witness = log_keys, witness
        self.note: bytes | None = None
        self.seen: SignedCheckpoint | None = None

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

    def save(self, note: bytes) -> None:
        """Remembers a note that was co-signed, and then shows it."""
        signed = self._opened(note, self._path)
        write_whole(self._path, note)
        self.seen = signed
        self._show(note, signed.checkpoint)
        self.note = note

    def _load(self) -> None:
        self.note, shown = _content(self._path), _content(self._folder / LATEST)
        self.seen = None if self.note is None else self._opened(self.note, self._path)
        if shown is not None:
            there = self._opened(shown, self._folder / LATEST).checkpoint
            if self.seen is None or there.size > self.seen.checkpoint.size:
                text = f"{self._folder} has a later checkpoint than {self._path}: put the later state back"
                raise UserError(text)
        if self.note is not None and self.seen is not None and shown != self.note:
            self._show(self.note, self.seen.checkpoint)

    def _show(self, note: bytes, checkpoint: Checkpoint) -> None:
        write_whole(self._folder / str(checkpoint.size), note)
        write_whole(self._folder / LATEST, note)

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
        with beside.open("wb") as opened:
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


def _content(path: Path) -> bytes | None:
    try:
        with path.open("rb") as opened:
            return opened.read(MAX_NOTE_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None


def _beside(path: Path, what: str) -> Path:
    return path.with_name(f"{path.name}.{what}")
