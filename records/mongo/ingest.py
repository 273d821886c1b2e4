"""The one way in: a batch of prepared records becomes stored, once each, in one snapshot transaction.

Looking before inserting outside a transaction brings deleted records back: 6 in 15 s when a replay
raced a deletion, none inside a snapshot (docs/decisions/one-snapshot-transaction-for-ingest.md).
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any, Final, NamedTuple

from bson.raw_bson import RawBSONDocument

from records.mongo.client import Database, Session
from records.mongo.parts import parts
from records.mongo.transaction import in_transaction
from records.record import PreparedRecord

MAX_RECORDS: Final = 1000
MAX_BYTES: Final = 15 * 2**20
"""Limits of one transaction (design section 4): 1,000 records and 16 MB, less what wraps them."""


class Stored(StrEnum):
    """What storing a record came to."""

    CREATED = "created"
    UNCHANGED = "unchanged"
    CONFLICT = "conflict"
    ERASED = "erased"


class Outcome(NamedTuple):
    """What storing a record came to, and for a conflict when the record in its way loses its person."""

    stored: Stored
    conflicting_cleanup: datetime | None = None


async def store(database: Database, batch: Sequence[PreparedRecord], now: datetime) -> list[Outcome]:
    """Stores what is new and says what became of each, in the batch's order.

    A batch over the limits is stored in several transactions. Doing it again changes nothing.
    Raises StoreUnavailable, StoreError.
    """
    outcomes: list[Outcome] = []
    for part in _parts(batch):
        body = partial(store_part, database=database, part=part, now=now)
        outcomes += await in_transaction(database, body)
    return outcomes


class _Rehearsed(Exception):
    """Ends the transaction of a rehearsal."""


async def rehearse(database: Database, record: PreparedRecord, now: datetime) -> None:
    """Stores a record and takes it back before anybody can see it.

    Raises what keeps it from being stored: StoreUnavailable, StoreError.
    """

    async def body(session: Session) -> None:
        await store_part(session, database=database, part=[record], now=now)
        raise _Rehearsed

    with suppress(_Rehearsed):
        await in_transaction(database, body)


def _parts(batch: Sequence[PreparedRecord]) -> Iterator[list[PreparedRecord]]:
    return parts(batch, lambda record: len(record.document), MAX_RECORDS, MAX_BYTES)


async def store_part(
    session: Session, *, database: Database, part: Sequence[PreparedRecord], now: datetime, dry: bool = False
) -> list[Outcome]:
    """`store` within the caller's transaction, for a part within its limits; dry, it only looks."""
    first = {record.id: record for record in reversed(part)}
    ids = list(first)
    erased = {row["_id"] async for row in database.ledger.find({"_id": {"$in": ids}}, session=session)}
    projection = dict.fromkeys(("contentDigest", "anonymized", "gdprCleanupDate", "deletionDate"), 1)
    existing = {
        row["_id"]: row
        async for row in database.records.find({"_id": {"$in": ids}}, projection, session=session)
    }
    new = [first[i] for i in ids if i not in erased and i not in existing]
    if new and not dry:
        documents = [RawBSONDocument(record.document) for record in new]
        await database.records.insert_many(documents, ordered=True, session=session)
    created = {record.id: record for record in new}
    return [_outcome(record, erased, existing, created, now) for record in part]


def _outcome(
    record: PreparedRecord,
    erased: set[str],
    existing: dict[str, dict[str, Any]],
    created: dict[str, PreparedRecord],
    now: datetime,
) -> Outcome:
    if record.id in erased:
        return Outcome(Stored.ERASED)
    if record.id in existing:
        return _compared(record, existing[record.id], now)
    first = created[record.id]
    return Outcome(Stored.CREATED) if first is record else after(first, record, now)


def after(first: PreparedRecord, record: PreparedRecord, now: datetime) -> Outcome:
    """What a record comes to when the same order was created just before it."""
    if first.content_digest == record.content_digest or first.gdpr_cleanup_date <= now:
        return Outcome(Stored.UNCHANGED)
    return Outcome(Stored.CONFLICT, first.gdpr_cleanup_date)


def _compared(record: PreparedRecord, stored: dict[str, Any], now: datetime) -> Outcome:
    """A record that is anonymized, or due to be, is unchanged whatever comes (design section 5)."""
    if stored["anonymized"] or min(stored["gdprCleanupDate"], stored["deletionDate"]) <= now:
        return Outcome(Stored.UNCHANGED)
    if stored["contentDigest"] == record.content_digest:
        return Outcome(Stored.UNCHANGED)
    return Outcome(Stored.CONFLICT, stored["gdprCleanupDate"])
