"""Whether any order can be stored just now: asked before and after the search for one that is to blame."""

from datetime import datetime
from typing import Final
from uuid import uuid4

import orjson

from records.mongo.client import Database
from records.mongo.ingest import rehearse
from records.record import RecordRules, prepare
from service.events import decode
from service.example_orders import ORDER

_NAMELESS: Final = {name: value for name, value in ORDER.items() if name != "tenantOrderRecordId"}
"""So its record has an id that no other has."""


async def rehearse_order(database: Database, now: datetime, rules: RecordRules) -> None:
    """Does all that is done to an event with one that is good, and leaves nothing behind.

    Raises what keeps any order from being stored: StoreUnavailable, StoreError.
    """
    event = {"event": "ORDER_COMPLETED", "eventId": str(uuid4()), "payload": _NAMELESS}
    incoming = decode(orjson.dumps(event), ())
    assert incoming != "skipped"  # noqa: S101 - for the type checker
    await rehearse(database, prepare(incoming.order, incoming.natural_key, now, rules), now)
