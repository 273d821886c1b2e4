"""How full the erasure ledger is: bare ids, each until no event that could bring it back is accepted."""

from dataclasses import dataclass
from datetime import datetime

from pymongo import ASCENDING

from records.mongo.client import Database
from records.mongo.errors import translated
from records.mongo.indexes import EXPIRY


@dataclass(frozen=True)
class LedgerFacts:
    """How many ids there are, and when the first of them expires."""

    entries: int
    next_expiry: datetime | None


async def ledger_facts(database: Database) -> LedgerFacts:
    """Known at once, however many there are. Raises StoreUnavailable, StoreError."""
    with translated():
        entries = await database.ledger.estimated_document_count()
        oldest = await database.ledger.find_one(
            {}, {"expiresAt": 1}, sort=[("expiresAt", ASCENDING)], hint=EXPIRY
        )
    return LedgerFacts(entries, oldest["expiresAt"] if oldest else None)
