"""The audit trail's keys: an Ed25519 seed inside, a C2SP verifier key outside."""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SEED_BYTES: Final = 32
KEY_ID_BYTES: Final = 4
PUBLIC_KEY_BYTES: Final = 32
ED25519: Final = b"\x01"
"""Signature type of a plain Ed25519 signature (C2SP signed-note)."""
COSIGNATURE: Final = b"\x04"
"""Signature type of a timestamped Ed25519 cosignature (C2SP tlog-cosignature, `cosignature/v1`)."""

KEY_NAME: Final = "a key name is UTF-8, not empty, and holds neither space nor +"

_TEXT: Final = re.compile(r"([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})")


class MalformedKey(ValueError):
    """A text that is no verifier key of a type that is known here. It never quotes the text."""


@dataclass(frozen=True)
class VerifierKey:
    """A public key with the name and the type of signature for which it counts."""

    name: str
    type: bytes
    public: bytes

    @property
    def id(self) -> bytes:
        """The 4 bytes by which a signature line names this key."""
        return key_id(self.name, self.type + self.public)

    @property
    def text(self) -> str:
        """The text form: `name+8 hex digits+base64` (C2SP vkey)."""
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(self.type + self.public).decode()}"

    def cosigner(self) -> "VerifierKey":
        """The same key and name, for timestamped cosignatures."""
        return VerifierKey(self.name, COSIGNATURE, self.public)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The key of a text form. Raises MalformedKey when it is not to the letter."""
        if not (found := _TEXT.fullmatch(text)):
            raise MalformedKey("a verifier key is name+8 hex digits+base64")
        name, key_id_text, encoded = found.groups()
        typed_key = decode_base64(encoded)
        if typed_key is None or len(typed_key) != 1 + PUBLIC_KEY_BYTES or not is_key_name(name):
            raise MalformedKey("a verifier key is name+8 hex digits+base64 of its type and 32 bytes")
        key = cls(name, typed_key[:1], typed_key[1:])
        if key.type not in {ED25519, COSIGNATURE}:
            raise MalformedKey("a verifier key is of type 1 (Ed25519) or 4 (cosignature/v1)")
        if key.id.hex() != key_id_text:
            raise MalformedKey("a verifier key's 8 hex digits are not those of its name and key")
        return key


def public_key(seed: bytes) -> bytes:
    """The 32 bytes of the Ed25519 public key of a seed of 32 bytes; ValueError for another length."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def key_id(name: str, typed_key: bytes) -> bytes:
    """The 4 bytes by which a signature line names its key (C2SP signed-note).

    `typed_key` is the signature type's byte and the public key.
    """
    return hashlib.sha256(name.encode() + b"\n" + typed_key).digest()[:KEY_ID_BYTES]


def is_key_name(name: str) -> bool:
    """Whether it may stand in a signature line: in UTF-8, not empty, without `+`, a space or a control.

    Bytes of the command line that are no UTF-8 come as halves of surrogate pairs.
    """
    return bool(name) and not any(
        character == "+" or character.isspace() or character < " " or "\ud800" <= character <= "\udfff"
        for character in name
    )


def decode_base64(text: str) -> bytes | None:
    """The bytes of standard base64; None unless it is the one text that they have."""
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return decoded if base64.b64encode(decoded).decode() == text else None


def seed_key(seed: bytes, name: str) -> VerifierKey:
    """The key by which others verify what the seed has signed.

    Raises ValueError for a seed of another length, and for what is no key name.
    """
    if not is_key_name(name):
        raise ValueError(KEY_NAME)
    return VerifierKey(name, ED25519, public_key(seed))


def verifier_key(seed: bytes, name: str) -> str:
    """The same as text. Raises ValueError as `seed_key` does."""
    return seed_key(seed, name).text
