"""Signed notes: a text and the signatures of it, as others' tools read and write them (C2SP signed-note).

Two types of signature: plain Ed25519, and the timestamped cosignature of a checkpoint (`cosignature/v1`).
"""

import base64
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from audit.keys import COSIGNATURE, KEY_ID_BYTES, VerifierKey, decode_base64, is_key_name, seed_key

MAX_NOTE_BYTES: Final = 256 * 1024
"""Room for twice the 16 signatures that verifiers must accept, at the nearly 5 kB of the largest type."""
MAX_SIGNATURES: Final = 100
"""Verifiers must accept 16; a limit keeps a hostile note cheap."""

_DASH: Final = "\N{EM DASH} "
_COSIGNATURE: Final = "cosignature/v1\n"
_TIMESTAMP: Final = struct.Struct(">Q")
_MAX_TIMESTAMP: Final = 2**63 - 1
_SIGNATURE_BYTES: Final = 64


class NoteError(ValueError):
    """Why a note counts for nothing. It never quotes the note."""


class MalformedNote(NoteError):
    """It is no signed note at all."""


class NoKnownKey(NoteError):
    """None of the keys that count has signed it."""


class BadSignature(NoteError):
    """It bears the name and id of a key that counts, and a signature that is not that key's."""


@dataclass(frozen=True)
class Signature:
    """One signature line: who is said to have signed, by name and key id, and the signature's bytes."""

    name: str
    key_id: bytes
    value: bytes

    def line(self) -> str:
        """The line as it stands in a note, with its newline."""
        return f"{_DASH}{self.name} {base64.b64encode(self.key_id + self.value).decode()}\n"


@dataclass(frozen=True)
class Note:
    """A text, which ends in a newline, and signatures that nobody has verified yet."""

    text: str
    signatures: tuple[Signature, ...]

    def encode(self) -> bytes:
        """The bytes of the note."""
        return f"{self.text}\n{''.join(signature.line() for signature in self.signatures)}".encode()


@dataclass(frozen=True)
class Verified:
    """A signature that holds; `signed_at` (seconds since 1970) only where its type says when."""

    key: VerifierKey
    signed_at: int | None


def parse_note(value: bytes) -> Note:
    """The note in these bytes. Raises MalformedNote."""
    if len(value) > MAX_NOTE_BYTES:
        raise MalformedNote("the note is too long")
    try:
        whole = value.decode()
    except UnicodeDecodeError:
        raise MalformedNote("the note is not UTF-8") from None
    if any(character < " " and character != "\n" for character in whole):
        raise MalformedNote("the note holds a control character")
    text, blank, lines = whole.rpartition("\n\n")
    if not blank or not lines.endswith("\n"):
        raise MalformedNote("the note has no signatures after a blank line")
    signatures = lines[:-1].split("\n")
    if len(signatures) > MAX_SIGNATURES:
        raise MalformedNote("the note has too many signatures")
    return Note(f"{text}\n", tuple(_signature(line) for line in signatures))


def _signature(line: str) -> Signature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    decoded = decode_base64(encoded)
    if not line.startswith(_DASH) or not space or not is_key_name(name):
        raise MalformedNote("a signature line does not name its key")
    if decoded is None or len(decoded) <= KEY_ID_BYTES:
        raise MalformedNote("a signature line holds no signature")
    return Signature(name, decoded[:KEY_ID_BYTES], decoded[KEY_ID_BYTES:])


def verify_note(note: Note, keys: Iterable[VerifierKey]) -> tuple[Verified, ...]:
    """The signatures of the keys that count, each key once, in the note's sequence.

    Signatures of other keys are passed over, whatever they hold. Raises BadSignature when one is of such a
    key and does not hold, NoKnownKey when there is none.
    """
    known = {(key.name, key.id): key for key in keys}
    found = dict[tuple[str, bytes], Verified]()
    for signature in note.signatures:
        by = (signature.name, signature.key_id)
        if by in known and by not in found:
            found[by] = _verified(note.text, signature, known[by])
    if not found:
        raise NoKnownKey("no key that counts has signed the note")
    return tuple(found.values())


def _verified(text: str, signature: Signature, key: VerifierKey) -> Verified:
    signed_at, message, value = None, text, signature.value
    if key.type == COSIGNATURE:
        if len(value) != _TIMESTAMP.size + _SIGNATURE_BYTES:
            raise BadSignature("a cosignature has not the length of one")
        (signed_at,) = _TIMESTAMP.unpack_from(value)
        if signed_at > _MAX_TIMESTAMP:
            raise BadSignature("a cosignature has no time that can be")
        message, value = _cosigned(text, signed_at), value[_TIMESTAMP.size :]
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(value, message.encode())
    except (InvalidSignature, ValueError):  # ValueError: the key is no point of the curve
        raise BadSignature("a signature is not that of the key it names") from None
    return Verified(key, signed_at)


def sign(text: str, seed: bytes, name: str) -> Signature:
    """The plain signature of a text. Raises ValueError for a text that is none of a note, and as seed_key.

    A text that begins as a cosignature's does is refused: the same key signs both.
    """
    key = seed_key(seed, name)
    if text.startswith(_COSIGNATURE):
        raise ValueError("a note's text does not begin as a cosignature's")
    value = Ed25519PrivateKey.from_private_bytes(seed).sign(_note_text(text))
    return Signature(name, key.id, value)


def cosign(text: str, seed: bytes, name: str, signed_at: int) -> Signature:
    """The timestamped signature of a checkpoint's text, at a time in seconds since 1970; raises as `sign`."""
    if not 0 <= signed_at <= _MAX_TIMESTAMP:
        raise ValueError("a cosignature's time is in seconds since 1970")
    key = seed_key(seed, name).cosigner()
    _note_text(text)
    value = Ed25519PrivateKey.from_private_bytes(seed).sign(_cosigned(text, signed_at).encode())
    return Signature(name, key.id, _TIMESTAMP.pack(signed_at) + value)


def _cosigned(text: str, signed_at: int) -> str:
    return f"{_COSIGNATURE}time {signed_at}\n{text}"


def _note_text(text: str) -> bytes:
    if not text.endswith("\n") or any(character < " " and character != "\n" for character in text):
        raise ValueError("a note's text ends in a newline and holds no other control character")
    return text.encode()
