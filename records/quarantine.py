"""An event that could not be stored: sealed until it is due, and a pointer that names nobody."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import bson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from records.keys import derive_key
from records.reasons import Refused

_NONCE_BYTES: Final = 12
MAX_SEALED_BYTES: Final = 12 * 2**20
"""A larger event than MongoDB can hold beside its entry stays on the topic alone."""


@dataclass(frozen=True)
class Position:
    """Where an event stands: topic, partition, offset, and its time on the topic (ms since 1970)."""

    topic: str
    partition: int
    offset: int
    timestamp: int

    @property
    def entry_id(self) -> str:
        """The entry's id; the time tells a recreated topic's offsets from the old ones."""
        return f"{self.topic}/{self.partition}/{self.offset}/{self.timestamp}"


@dataclass(frozen=True, repr=False)
class RawEvent:
    """An event as it came: bytes that nobody has to understand to keep."""

    position: Position
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


@dataclass(frozen=True, repr=False)
class QuarantineKey:
    """The key that quarantined events are sealed with (AES-256-GCM), and its name."""

    key: bytes
    key_id: str

    @classmethod
    def derive(cls, secret: bytes) -> "QuarantineKey":
        """The sealing key of a secret of 32 bytes."""
        return cls(derive_key(secret, "quarantine"), derive_key(secret, "quarantine-key-id").hex()[:16])


def seal(key: QuarantineKey, event: RawEvent) -> bytes | None:
    """Value, key and headers, encrypted and bound to the event's position; None when it is too large."""
    headers = [[name, value] for name, value in event.headers]
    plain = bson.encode({"key": event.key, "value": event.value, "headers": headers})
    if len(plain) > MAX_SEALED_BYTES:
        return None
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key.key).encrypt(nonce, plain, event.position.entry_id.encode())


def unseal(key: QuarantineKey, entry_id: str, sealed: bytes) -> dict[str, Any]:
    """The members key, value and headers of a sealed event. Raises InvalidTag for another key or entry."""
    plain = AESGCM(key.key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], entry_id.encode())
    opened: dict[str, Any] = bson.decode(plain)
    return opened


@dataclass(frozen=True, repr=False)
class QuarantinedEvent:
    """A refused event on its way to the quarantine; it loses its content at `due`, at once where None.

    `record_id` is the id of the order in it, where that could be made out.
    """

    event: RawEvent
    refused: Refused
    due: datetime | None
    record_id: str | None = None
