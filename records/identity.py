"""Who an order is: an id that only its natural key and the secret lead to (docs/decisions/keyed-ids.md)."""

import hmac
from dataclasses import dataclass
from typing import Self
from uuid import uuid4


@dataclass(frozen=True, repr=False)
class NaturalKey:
    """What the sender calls the order: a kind, and the parts of its name."""

    kind: str
    parts: tuple[str, ...]

    @classmethod
    def of_order(cls, tenant_order_record_id: str) -> Self:
        """The sender's own order number: the first choice."""
        return cls("tenantOrderRecordId", (tenant_order_record_id,))

    @classmethod
    def of_event(cls, source: str, event_id: str) -> Self:
        """The event's source and id, where the order has no number (an envelope has an empty source)."""
        return cls("event", (source, event_id))

    @classmethod
    def of_request(cls, idempotency_key: str, position: int) -> Self:
        """A request that may be repeated, and the place (from 0) of the order in it."""
        return cls("idempotencyKey", (idempotency_key, str(position)))

    @classmethod
    def of_nothing(cls) -> Self:
        """A name that nobody can give again: what bears it is stored at least once, maybe twice."""
        return cls("random", (str(uuid4()),))


def opening(identity_key: bytes, natural_key: NaturalKey) -> bytes:
    """The 32 bytes with which anybody can check that this order number has this id, and no other."""
    return hmac.digest(identity_key, _encoded(natural_key), "sha256")


def record_id(identity_key: bytes, natural_key: NaturalKey) -> str:
    """The id of the order: a UUIDv8 (RFC 9562), the same for every delivery.

    Source: design section 5, ``UUIDv8(HMAC(opening, natural key))``.
    """
    encoded = _encoded(natural_key)
    return uuid8(hmac.digest(hmac.digest(identity_key, encoded, "sha256"), encoded, "sha256"))


def opened_id(order_opening: bytes, natural_key: NaturalKey) -> str:
    """The id to which an opening leads: that of this order, if both belong together."""
    return uuid8(hmac.digest(order_opening, _encoded(natural_key), "sha256"))


def line_id(record: str, position: int) -> str:
    """The id of the line at this position (from 0) of a record."""
    return uuid8(hmac.digest(record.encode(), b"line %d" % position, "sha256"))


def uuid8(digest: bytes) -> str:
    """The first 122 free bits of a digest as a UUIDv8 (RFC 9562, section 5.8)."""
    text = digest[:16].hex()  # by hand: the class UUID takes three times as long, and each line has an id
    variant = "89ab"[digest[8] >> 4 & 0x3]
    return f"{text[:8]}-{text[8:12]}-8{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"


def _encoded(natural_key: NaturalKey) -> bytes:
    """A tag and length-prefixed parts, so that no two keys share an encoding."""
    parts = (part.encode() for part in (natural_key.kind, *natural_key.parts))
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)
