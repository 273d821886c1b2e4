"""The keys that records are named, compared and sealed with, derived from two secrets."""

import hmac
from dataclasses import dataclass

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


@dataclass(frozen=True, repr=False)
class RecordKeys:
    """What the one secret ID_KEY is used for, one derived key of 32 bytes a purpose (RFC 5869)."""

    identity: bytes
    content: bytes
    actor: bytes
    cursor: bytes
    fingerprint: str
    """Names the secret without telling it: 16 hexadecimal digits, kept in the database."""

    @classmethod
    def derive(cls, id_key: bytes) -> "RecordKeys":
        """The record keys of a secret of 32 bytes."""
        return cls(
            identity=derive_key(id_key, "id"),
            content=derive_key(id_key, "content"),
            actor=derive_key(id_key, "actor"),
            cursor=derive_key(id_key, "cursor"),
            fingerprint=derive_key(id_key, "fingerprint").hex()[:16],
        )

    def pseudonym(self, subject: str) -> str:
        """The name of an actor on the audit topic: a keyed hash, 32 hexadecimal digits."""
        return hmac.digest(self.actor, subject.encode(), "sha256")[:16].hex()


def derive_key(secret: bytes, label: str) -> bytes:
    """32 bytes for one purpose (HKDF-SHA256, RFC 5869); without the secret nobody links two labels."""
    return HKDF(SHA256(), length=32, salt=None, info=f"order-records/{label}".encode()).derive(secret)
