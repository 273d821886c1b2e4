"""Records by the hundred thousand: sample orders made ready once, then renumbered and dated anew as bytes."""

import asyncio
import secrets
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient
from pymongo.collection import Collection

from benchmarks.api_data import SEED, prepared_orders
from benchmarks.progress import Steps
from local.samples.orders import order_id
from records.keys import RecordKeys
from records.policy import DateRules, GdprPolicy
from records.record import PreparedRecord, RecordRules
from runtime.secret_keys import KEY_BYTES
from runtime.settings import Retention

CREATED_BEFORE: Final = timedelta(days=245)
"""So long ago the first record was stored; by the default policy it is deleted after 210 days."""
SPREAD: Final = timedelta(days=30)
ANONYMIZE_BEFORE: Final = timedelta(days=100)
"""So long ago every record was past its clean-up date, and none past its deletion date."""
BATCH: Final = 1000
_DIFFERENT: Final = 5_000
"""So many records differ in everything; after them they come again with other ids, numbers and dates."""
_CHUNK: Final = 10_000
_THREADS: Final = 2
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_DATES: Final = ("created", "lastModified", "orderRecordDate", "gdprCleanupDate", "deletionDate")
_INT64: Final = struct.Struct("<q")
_LENGTH_BYTES: Final = 4


@dataclass(frozen=True, repr=False)
class Template:
    """A prepared record, and where in its bytes stands what tells copies apart.

    `dates` holds the place of each date and its distance from `created`, in milliseconds.
    """

    record: PreparedRecord
    id_at: int
    number_at: int
    dates: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, record: PreparedRecord) -> "Template":
        """Raises ValueError when a member is missing."""
        document = record.document
        places = [_after(document, b"\x09", name) for name in _DATES]
        values = [_INT64.unpack_from(document, place)[0] for place in places]
        distances = [value - values[0] for value in values]
        number_at = _after(document, b"\x02", "tenantOrderRecordId") + _LENGTH_BYTES
        id_at = _after(document, b"\x02", "_id") + _LENGTH_BYTES
        return cls(record, id_at, number_at, tuple(zip(places, distances, strict=True)))

    def copy(self, number: int, created: datetime) -> PreparedRecord:
        """The same order under another id and number; all its dates move with `created` (UTC)."""
        document, identifier = bytearray(self.record.document), str(uuid4())
        _put(document, self.id_at, identifier)
        _put(document, self.number_at, order_id(SEED, number))
        milliseconds = (created - _EPOCH) // _MILLISECOND
        for place, distance in self.dates:
            _INT64.pack_into(document, place, milliseconds + distance)
        cleanup = created + GdprPolicy().retention_time * timedelta(days=1)
        return PreparedRecord(identifier, self.record.content_digest, cleanup, bytes(document))


def templates(wanted: int) -> list[Template]:
    """Templates for so many records: one each, up to 5,000."""
    created = datetime.now(UTC).replace(microsecond=0) - CREATED_BEFORE
    keys = RecordKeys.derive(secrets.token_bytes(KEY_BYTES))
    rules = RecordRules(keys, GdprPolicy(), DateRules.of(**Retention().date_numbers()))
    count = min(wanted, _DIFFERENT)
    return list(map(Template.of, prepared_orders(range(count), count, created, rules)))


def copies(
    made: Sequence[Template], numbers: range, first: datetime, step: timedelta
) -> Iterator[PreparedRecord]:
    """A record for each number, each stored one step after the one before; number 0 at `first`."""
    for number in numbers:
        yield made[number % len(made)].copy(number, first + number * step)


async def load(uri: str, database: str, made: Sequence[Template], count: int, steps: Steps) -> None:
    """Stores so many, in the sequence of their dates, as they would have come."""
    first, step = datetime.now(UTC) - CREATED_BEFORE, SPREAD / count
    with MongoClient[dict[str, Any]](uri, w=1, journal=False) as client:
        records = client[database]["records"]
        for start in range(0, count, _CHUNK):
            steps.begin(f"{start:,} of {count:,} records loaded")
            parts = _parts(range(start, min(count, start + _CHUNK)))
            await asyncio.gather(
                *(asyncio.to_thread(_insert, records, made, part, first, step) for part in parts)
            )


def _insert(
    records: Collection[dict[str, Any]],
    made: Sequence[Template],
    numbers: range,
    first: datetime,
    step: timedelta,
) -> None:
    for start in range(0, len(numbers), BATCH):
        batch = copies(made, numbers[start : start + BATCH], first, step)
        records.insert_many([RawBSONDocument(each.document) for each in batch], ordered=False)


def _parts(numbers: range) -> list[range]:
    size = -(-len(numbers) // _THREADS)
    return [numbers[start : start + size] for start in range(0, len(numbers), size)]


def _after(document: bytes, kind: bytes, name: str) -> int:
    tag = kind + name.encode() + b"\x00"
    return document.index(tag) + len(tag)


def _put(document: bytearray, place: int, text: str) -> None:
    """Copies have texts of the same length, so that no length before them changes."""
    document[place : place + len(text)] = text.encode()
