"""The audit trail's key: an Ed25519 seed inside, a C2SP verifier key outside."""

import base64
import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SEED_BYTES = 32
KEY_ID_BYTES = 4
ED25519 = b"\x01"
"""Signature type of a plain Ed25519 signature (C2SP signed-note)."""


def public_key(seed: bytes) -> bytes:
    """The 32 bytes of the Ed25519 public key of a seed of 32 bytes; ValueError for another length."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def key_id(name: str, typed_key: bytes) -> bytes:
    """The 4 bytes by which a signature line names its key (C2SP signed-note).

    `typed_key` is the signature type's byte and the public key.
    """
    return hashlib.sha256(name.encode() + b"\n" + typed_key).digest()[:KEY_ID_BYTES]


def verifier_key(seed: bytes, name: str) -> str:
    """The text by which others verify what the seed has signed: `name+8 hex digits+base64` (C2SP vkey).

    Raises ValueError for a seed of another length, and for a name that is empty or holds space or `+`.
    """
    if not name or "+" in name or any(character.isspace() for character in name):
        raise ValueError("a key name is not empty and holds neither space nor +")
    typed_key = ED25519 + public_key(seed)
    return f"{name}+{key_id(name, typed_key).hex()}+{base64.b64encode(typed_key).decode()}"
