"""A limit on the headers of a record, kept before they are made: each takes two bytes, and forty times that
as an object. 90 MiB of empty headers, packed into 200 bytes, would take 3.4 GB.
"""

from contextlib import suppress
from typing import Final

from aiokafka.errors import KafkaError
from aiokafka.record.util import decode_varint

MAX_HEADERS: Final = 10_000
"""Of one record. An event has ten."""
_FEW_BYTES: Final = 64 * 1024
_SHORTEST_RECORD: Final = 7


class TooManyHeaders(KafkaError):  # type: ignore[misc]  # aiokafka ships no types
    """A record has more than MAX_HEADERS headers."""

    def __init__(self) -> None:
        super().__init__(f"a record has more than {MAX_HEADERS} headers")


def require_few_headers(records: bytes) -> None:
    """Looks at the unpacked records of a batch (format 2). Raises TooManyHeaders.

    A batch of up to 64 KiB has too few to matter. What is no record is left to aiokafka.
    """
    if len(records) <= _FEW_BYTES:
        return
    at, end = 0, len(records) - _SHORTEST_RECORD
    with suppress(ValueError, IndexError):  # no number
        while 0 <= at <= end:
            length, start = decode_varint(records, at)
            if _header_count(records, start) > MAX_HEADERS:
                raise TooManyHeaders
            at = start + length if length > 0 else -1


def _header_count(records: bytes, at: int) -> int:
    for _ in range(3):  # attributes, distances of time and offset
        _, at = decode_varint(records, at)
    for _ in range(2):  # key, value
        length, at = decode_varint(records, at)
        at += max(0, length)
        if at >= len(records):  # it is cut off; the decoder itself looks at no end
            return 0
    count: int = decode_varint(records, at)[0]
    return count
