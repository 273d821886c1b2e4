"""The orders that the API is measured on, stored through the one way in."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
from pydantic import TypeAdapter

from benchmarks.progress import Steps
from local.samples.orders import sample_order
from records.identity import NaturalKey
from records.keys import RecordKeys
from records.mongo.client import Database
from records.mongo.indexes import build_indexes
from records.mongo.ingest import MAX_RECORDS, store
from records.payload import OrderPayload
from records.policy import DateRules, GdprPolicy
from records.record import PreparedRecord, RecordRules, prepare
from runtime.settings import Retention

SEED: Final = 7
_SPREAD: Final = timedelta(days=30)
_ORDER: Final = TypeAdapter(OrderPayload)


async def store_orders(database: Database, keys: RecordKeys, number: int, steps: Steps) -> None:
    """Builds the indexes and stores so many orders of the last 30 days."""
    await build_indexes(database)
    now = datetime.now(UTC).replace(microsecond=0)
    rules = RecordRules(keys, GdprPolicy(), DateRules.of(**Retention().date_numbers()))
    for start in range(0, number, MAX_RECORDS):
        batch = list(prepared_orders(range(start, min(number, start + MAX_RECORDS)), number, now, rules))
        await store(database, batch, now)
        steps.begin(f"{start + len(batch):,} of {number:,} orders stored")


def prepared_orders(numbers: range, of: int, now: datetime, rules: RecordRules) -> Iterator[PreparedRecord]:
    """The orders of these numbers, ready to be stored now; all `of` them come from the 30 days before."""
    for number in numbers:
        text = orjson.dumps(_order(number, now - _SPREAD * (number / of)))
        order = _ORDER.validate_json(text)
        yield prepare(order, NaturalKey.of_order(order["tenantOrderRecordId"]), now, rules)


def new_orders(count: int) -> list[dict[str, Any]]:
    """Orders that were not stored yet, named so that `wrk.lua` makes each of them new at every PUT."""
    now = datetime.now(UTC)
    return [_order(n, now) | {"tenantOrderRecordId": f"put-@@-{n}"} for n in range(count)]


def _order(number: int, at: datetime) -> dict[str, Any]:
    return sample_order(SEED, number, at=at)
