"""Where a page ends, as clients hold it: encrypted, since a sort key may name a person.

Bound to its query and sort: one that was made up, changed, made by another key or for another query
is a `BadCursor`.
"""

import base64
import binascii
import os
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import bson
from bson.codec_options import CodecOptions
from bson.errors import BSONError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SortValue = str | int | float | datetime | None

MAX_CURSOR_CHARACTERS: Final = 8192
"""More than the longest sort key makes: 1,024 characters of 4 bytes, sealed, in base64."""
_VERSION: Final = b"\x01"
_NONCE_BYTES: Final = 12
_IN_UTC: Final = CodecOptions[dict[str, SortValue]](tz_aware=True)


class BadCursor(Exception):
    """Not a cursor that was given out for this query and sort."""

    def __init__(self) -> None:
        super().__init__("not a cursor of this query and sort")


@dataclass(frozen=True, repr=False)
class SortPosition:
    """A place in a sorted result: the sort value of a row (None where it has none), then its id."""

    value: SortValue
    id: str


def seal_cursor(key: bytes, position: SortPosition, binding: bytes) -> str:
    """The position as URL-safe text without padding (AES-256-GCM); `binding` names query and sort."""
    nonce = os.urandom(_NONCE_BYTES)
    # BSON keeps the types apart: an integer, a float, a date in milliseconds, a text, null.
    plain = bson.encode({"value": position.value, "id": position.id})
    sealed = _VERSION + nonce + AESGCM(key).encrypt(nonce, plain, _VERSION + binding)
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def open_cursor(key: bytes, cursor: str, binding: bytes) -> SortPosition:
    """The position in a cursor of ours. Raises BadCursor."""
    if len(cursor) > MAX_CURSOR_CHARACTERS:
        raise BadCursor
    try:
        sealed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        version, nonce, secret = sealed[:1], sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        if version != _VERSION:
            raise BadCursor
        content = bson.decode(AESGCM(key).decrypt(nonce, secret, version + binding), _IN_UTC)
        return SortPosition(content["value"], str(content["id"]))
    except (ValueError, binascii.Error, InvalidTag, BSONError, KeyError):
        raise BadCursor from None
