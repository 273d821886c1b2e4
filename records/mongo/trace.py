"""Where an order is, by its id: dates and states, never what is in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from records.lifecycle import Decision, decide
from records.mongo.client import Database
from records.mongo.errors import translated
from records.mongo.quarantine_reads import (
    MAX_OF_RECORD,
    Entry,
    entries_of_record,
    some_are_of_unknown_orders,
)

_DATES: Final = (
    "version",
    "created",
    "lastModified",
    "anonymized",
    "gdprCleanupDate",
    "deletionDate",
    "datesBy",
    "policyVersion",
)


@dataclass(frozen=True)
class Whereabouts:
    """What MongoDB knows of one order at one time."""

    record: Mapping[str, Any] | None
    """The dates of the stored record, as they are stored."""
    decision: Decision | None
    """What is due for it, whether or not the sweep came by."""
    remembered_until: datetime | None
    """Until when the erasure ledger knows that it was deleted."""
    entries: list[Entry]
    """The quarantined events of which it is known that they hold it, at most 100."""
    others_unknown: bool
    """Whether there are quarantined events of which nobody knows which order they hold."""
    more_entries: bool = False
    """Whether there are more than those 100."""

    @property
    def known_since(self) -> datetime | None:
        """The earliest time at which anything of the order was here; None where that is not known.

        It is not without the record: that may have been here, and erased, long before an entry came.
        """
        if self.record is None:
            return None
        created: datetime = self.record["created"]
        return min([created, *(entry.arrived for entry in self.entries if entry.arrived is not None)])


async def whereabouts(database: Database, record_id: str, now: datetime) -> Whereabouts:
    """Looks the order up wherever it may be. Raises StoreUnavailable, StoreError."""
    with translated():
        record = await database.records.find_one({"_id": record_id}, {"_id": 0, **dict.fromkeys(_DATES, 1)})
        remembered = await database.ledger.find_one({"_id": record_id})
    entries = await entries_of_record(database, record_id, now)
    return Whereabouts(
        record=record,
        decision=None if record is None else decide(record, now),
        remembered_until=None if remembered is None else remembered.get("expiresAt"),
        entries=entries[:MAX_OF_RECORD],
        others_unknown=await some_are_of_unknown_orders(database, now),
        more_entries=len(entries) > MAX_OF_RECORD,
    )
