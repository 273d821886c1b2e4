"""Checkpoints: what the log's key has signed of the trail up to one size (C2SP tlog-checkpoint).

Beside a checkpoint, in a header of its record, travels the compact range of its tree: with it a reader goes
on from there, also when what was before is gone. It is worthless unless it hashes to the signed root.
"""

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Self

from audit.keys import ED25519, VerifierKey, decode_base64
from audit.merkle import HASH_BYTES, MAX_SIZE, CompactRange
from audit.notes import (
    MalformedNote,
    NoKnownKey,
    Note,
    NoteError,
    Verified,
    cosign,
    parse_note,
    sign,
    verify_note,
)

RANGE_HEADER: Final = "compact-range"
Headers = Iterable[tuple[str, bytes | None]]

_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_LINES: Final = 3


class WrongRange(NoteError):
    """The compact range beside a checkpoint is missing, or is not that of its root."""


@dataclass(frozen=True)
class Checkpoint:
    """The root of the tree over the trail's first `size` events; `origin` is the trail's name."""

    origin: str
    size: int
    root: bytes

    @classmethod
    def of(cls, origin: str, tree: CompactRange) -> Self:
        """That of a tree as it is now."""
        return cls(origin, tree.size, tree.root())

    @property
    def text(self) -> str:
        """The three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The checkpoint of a note's text: three lines, no extension. Raises MalformedNote."""
        lines = text.removesuffix("\n").split("\n")
        if len(lines) != _LINES or not text.endswith("\n"):
            raise MalformedNote("a checkpoint has three lines")
        origin, size, encoded = lines
        root = decode_base64(encoded)
        if not origin or not _SIZE.fullmatch(size) or int(size) > MAX_SIZE:
            raise MalformedNote("a checkpoint names its trail and its size")
        if root is None or len(root) != HASH_BYTES:
            raise MalformedNote("a checkpoint has a root of 32 bytes")
        return cls(origin, int(size), root)


@dataclass(frozen=True)
class SignedCheckpoint:
    """A checkpoint that the log has signed: by which key, and when if it says so (seconds since 1970).

    `cosigned` has the signatures that hold of the other keys that were asked for: witnesses.
    """

    checkpoint: Checkpoint
    key: VerifierKey
    signed_at: int | None
    cosigned: tuple[Verified, ...] = ()


def sign_checkpoint(checkpoint: Checkpoint, seed: bytes, signed_at: int) -> bytes:
    """The note: both lines by one key, under the trail's name (docs/decisions/one-key-two-signatures.md).

    Raises ValueError for a name that cannot be a key's.
    """
    text, name = checkpoint.text, checkpoint.origin
    return Note(text, (sign(text, seed, name), cosign(text, seed, name, signed_at))).encode()


def open_checkpoint(
    value: bytes | None, log_keys: Sequence[VerifierKey], witnesses: Sequence[VerifierKey] = ()
) -> SignedCheckpoint:
    """The checkpoint in a record's value, signed by one of the log's keys (plain Ed25519 ones).

    Raises NoteError: MalformedNote, NoKnownKey (also when its origin is not its key's name), BadSignature.
    """
    note = parse_note(value or b"")
    checkpoint = Checkpoint.parse(note.text)
    own = [key for key in log_keys if key.type == ED25519 and key.name == checkpoint.origin]
    held = verify_note(note, [*own, *(key.cosigner() for key in own), *witnesses])
    signers = [each.key for each in held if each.key in own]
    if not signers:
        raise NoKnownKey("no key of the log has signed the checkpoint")
    key = signers[0]
    times = [each.signed_at for each in held if each.key == key.cosigner()]
    cosigned = tuple(each for each in held if each.key in witnesses)
    return SignedCheckpoint(checkpoint, key, times[0] if times else None, cosigned)


def log_lines(value: bytes, key: VerifierKey) -> Note:
    """The note in a value that was opened, with the two signatures of the log's key and no other line.

    Nobody has verified the others, whatever stands there. Raises MalformedNote.
    """
    note, ids = parse_note(value), (key.id, key.cosigner().id)
    first = {each.key_id: each for each in reversed(note.signatures) if each.name == key.name}
    return Note(note.text, tuple(first[key_id] for key_id in ids if key_id in first))


def open_range(checkpoint: Checkpoint, headers: Headers) -> CompactRange:
    """The compact range that travels beside a checkpoint. Raises WrongRange unless it fits its root."""
    encoded = next((value for name, value in headers if name == RANGE_HEADER), None)
    if encoded is None:
        raise WrongRange("no compact range travels beside the checkpoint")
    try:
        tree = CompactRange.decode(checkpoint.size, encoded)
    except ValueError as error:
        raise WrongRange(str(error)) from None
    if tree.root() != checkpoint.root:
        raise WrongRange("the compact range does not hash to the signed root")
    return tree


def range_headers(tree: CompactRange) -> list[tuple[str, bytes]]:
    """The headers of a checkpoint's record."""
    return [(RANGE_HEADER, tree.encode())]
