"""Records, refused events and sweeps for the store suite."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from pydantic import TypeAdapter

from local.samples.orders import sample_order
from records.identity import NaturalKey
from records.keys import RecordKeys
from records.mongo.client import Database, Document
from records.mongo.ingest import Stored, store
from records.mongo.lease import Lease
from records.mongo.outbox import Stamp
from records.mongo.sweep import SweepContext
from records.payload import OrderPayload
from records.policy import DateRules, GdprPolicy
from records.quarantine import Position, QuarantinedEvent, QuarantineKey, RawEvent
from records.reasons import Reason, Refused
from records.record import PreparedRecord, RecordRules, prepare

NOW: Final = datetime.now(UTC).replace(microsecond=0)
DAY: Final = timedelta(days=1)
LIVE: Final = NOW - DAY
CLEANUP_DUE: Final = NOW - 31 * DAY
DELETION_DUE: Final = NOW - 211 * DAY
"""Times of creation: nothing due yet, anonymization due for a day, deletion due for a day."""

RULES: Final = RecordRules(RecordKeys.derive(bytes(32)), GdprPolicy(version=3), DateRules())
STAMP: Final = Stamp("1.2.3", 3, f"sha256:{'0' * 64}")
LEDGER_TIME: Final = 400 * DAY
KEY: Final = QuarantineKey.derive(bytes(32))
_ORDER: Final = TypeAdapter(OrderPayload)


Failing = Callable[..., AbstractContextManager[None]]
"""While it lasts the application's commands of a name fail: (command, mode of the fail point, how)."""


class MakeLease(Protocol):
    """Makes a worker's claim to lead."""

    async def __call__(self, owner: str, seconds: float = ...) -> Lease: ...


def prepared(number: int, created: datetime = LIVE, **changes: Any) -> PreparedRecord:
    """Sample order `number`, created then; the same number has the same id whatever the changes."""
    order = _ORDER.validate_python(sample_order(1, number, at=CLEANUP_DUE) | changes)
    return prepare(order, NaturalKey.of_order(str(number)), created, RULES)


def other(number: int, created: datetime = LIVE) -> PreparedRecord:
    """The same order with other content."""
    return prepared(number, created, facilityRef="somewhere else")


async def store_all(database: Database, *records: PreparedRecord) -> None:
    outcomes = await store(database, records, NOW)
    assert {outcome.stored for outcome in outcomes} == {Stored.CREATED}


async def empty(database: Database) -> None:
    """Removes every document; indexes stay."""
    for collection in (
        database.records,
        database.outbox,
        database.quarantine,
        database.ledger,
        database.state,
    ):
        await collection.delete_many({})


async def all_records(database: Database) -> dict[str, Document]:
    return {row["_id"]: row async for row in database.records.find()}


async def erase(database: Database, *ids: str) -> None:
    await database.ledger.insert_many([{"_id": i, "expiresAt": NOW + LEDGER_TIME} for i in ids])


async def outbox_entries(database: Database) -> list[Document]:
    return await database.outbox.find().sort("n", 1).to_list(None)


def sweep_context(database: Database, lease: Lease, cutoff: datetime = NOW) -> SweepContext:
    return SweepContext(database, lease, STAMP, LEDGER_TIME, lambda _: cutoff)


def raw_event(offset: int, value: bytes | None = b"{broken", key: bytes | None = b"key") -> RawEvent:
    headers = [("ce_id", b"7"), ("empty", None)]
    return RawEvent(Position("orders", 2, offset, 1_700_000_000_000), key, value, headers)


def refused(
    event: RawEvent,
    due: datetime | None = NOW + 30 * DAY,
    reason: Reason = Reason.NOT_JSON,
    record_id: str | None = None,
) -> QuarantinedEvent:
    return QuarantinedEvent(event, Refused(reason, "/lineItems/0/*"), due, record_id)
