"""An event that could not be stored: sealed until it is due, and a pointer that names nobody."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self

import bson
from cryptography.exceptions import InvalidTag
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

    def members(self) -> dict[str, str | int]:
        """What every entry says of where its event stands, under its id."""
        return {
            "_id": self.entry_id,
            "topic": self.topic,
            "partition": self.partition,
            "offset": self.offset,
            "timestamp": self.timestamp,
        }

    @classmethod
    def of_entry(cls, entry_id: str) -> Self:
        """The position that an entry's id names. Raises ValueError for what is no such id."""
        topic, *numbers = entry_id.rsplit("/", 3)
        partition, offset, timestamp = map(int, numbers)
        position = cls(topic, partition, offset, timestamp)
        if not topic or position.entry_id != entry_id:
            raise ValueError("should be topic/partition/offset/timestamp")
        return position


class ShowGrounds(StrEnum):
    """Why somebody may read a quarantined event: a closed list, since it stands on the audit topic."""

    PUBLISHER_SUPPORT = "PUBLISHER_SUPPORT"
    INCIDENT = "INCIDENT"
    DATA_SUBJECT_REQUEST = "DATA_SUBJECT_REQUEST"


class DropGrounds(StrEnum):
    """Why a quarantined event is given up: a closed list, since it stands on the audit topic."""

    NOT_AN_ORDER = "NOT_AN_ORDER"
    SENT_AGAIN = "SENT_AGAIN"
    PUBLISHER_ASKED = "PUBLISHER_ASKED"
    DATA_SUBJECT_REQUEST = "DATA_SUBJECT_REQUEST"


class SkipGrounds(StrEnum):
    """Why a record that cannot be fetched is stepped over: a closed list, as it stands on the audit topic."""

    DAMAGED = "DAMAGED"
    SENT_AGAIN = "SENT_AGAIN"
    PUBLISHER_ASKED = "PUBLISHER_ASKED"


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


class CannotOpen(Exception):
    """An entry that this key does not open: it was sealed with another one, or changed since."""

    def __init__(self, entry_id: str) -> None:
        super().__init__(f"entry {entry_id} was sealed with another key, or changed since")


def opened(key: QuarantineKey, entry_id: str, sealed: bytes) -> RawEvent:
    """The event as it came. Raises CannotOpen."""
    try:
        members = unseal(key, entry_id, sealed)
    except InvalidTag:
        raise CannotOpen(entry_id) from None
    headers = [(name, value) for name, value in members["headers"]]
    return RawEvent(Position.of_entry(entry_id), members["key"], members["value"], headers)


@dataclass(frozen=True, repr=False)
class QuarantinedEvent:
    """A refused event on its way to the quarantine; it loses its content at `due`, at once where None.

    `record_id` is the id of the order in it, where that could be made out.
    """

    event: RawEvent
    refused: Refused
    due: datetime | None
    record_id: str | None = None
