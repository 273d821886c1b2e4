"""Events that cost much to judge: they hold up nothing else, and are judged as all others are."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import orjson
from aiokafka import ConsumerRecord

from local.samples.forms import envelope
from local.samples.orders import sample_order
from records.keys import RecordKeys
from records.policy import DateRules, GdprPolicy
from records.quarantine import QuarantineKey
from records.reasons import Reason, Refused
from service.events import IncomingOrder, decode
from service.ingest import Event, Ingest

AT = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
MANY = 50_000
LONGEST_PAUSE = 0.5


def order(**members: Any) -> dict[str, Any]:
    return {**sample_order(1, 1, at=AT), **members}


def with_unknown(count: int, **members: Any) -> bytes:
    value = envelope(order(**{f"x{n}": 1 for n in range(count)}, **members), event="e-1").value
    assert value is not None
    return value


def judged(value: bytes) -> IncomingOrder | Refused:
    try:
        incoming = decode(value, ())
    except Refused as refused:
        return refused
    assert incoming != "skipped"
    return incoming


def test_unknown_members_are_dropped_and_counted_however_many_there_are() -> None:
    for count in (999, 1000, 1001, MANY):
        incoming = judged(with_unknown(count))
        assert isinstance(incoming, IncomingOrder)
        assert incoming.unknown_members == count
        assert "x0" not in incoming.order


def test_a_fault_among_thousands_of_unknown_members_is_still_the_one_that_is_named() -> None:
    refused = judged(with_unknown(MANY, facilityRef=7))
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.pointer) == (Reason.WRONG_TYPE, "/payload/facilityRef")


def test_depth_is_limited_among_thousands_of_unknown_members() -> None:
    deep = orjson.loads(b"[" * 110 + b"]" * 110)
    refused = judged(with_unknown(MANY, deep=deep))
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.TOO_DEEP


def event(offset: int, value: bytes) -> Event:
    stamp = int(AT.timestamp() * 1000)
    record = ConsumerRecord("orders", 0, offset, stamp, 0, b"", value, None, 0, len(value), ())
    return cast("Event", record)


async def test_heartbeats_go_on_while_costly_events_are_judged() -> None:
    keys, quarantine_key = RecordKeys.derive(bytes(32)), QuarantineKey.derive(bytes(32))
    ingest = Ingest(cast("Any", None), keys, quarantine_key, DateRules(), timedelta(days=400), "1")
    value = with_unknown(MANY)
    longest = 0.0

    async def beat() -> None:
        nonlocal longest
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.01)
            longest = max(longest, time.monotonic() - before)

    beating = asyncio.create_task(beat())
    batch = await ingest._prepare([event(n, value) for n in range(30)], AT, GdprPolicy())
    beating.cancel()

    assert len(batch.prepared) == 30
    assert batch.unknown_members == 30 * MANY
    assert longest < LONGEST_PAUSE
