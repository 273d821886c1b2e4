"""The quarantine: each refused event once, sealed, with a pointer that names nobody, and erased when due."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag

from records.mongo.client import Database
from records.mongo.quarantine import quarantine
from records.mongo.sweep import Action, SweepContext, sweep
from records.quarantine import QuarantinedEvent, QuarantineKey, unseal
from records.reasons import Reason
from tests.integration.store_suite.data import (
    DAY,
    KEY,
    LEDGER_TIME,
    NOW,
    STAMP,
    erase,
    outbox_entries,
    raw_event,
    refused,
)

BARE = {
    "_id": "orders/2/7/1700000000000",
    "topic": "orders",
    "partition": 2,
    "offset": 7,
    "timestamp": 1_700_000_000_000,
    "arrived": NOW,
    "reason": "NOT_JSON",
    "pointer": "/lineItems/0/*",
}


async def put(database: Database, *events: QuarantinedEvent) -> int:
    return await quarantine(database, events, KEY, STAMP, NOW, LEDGER_TIME)


async def entries(database: Database) -> list[dict[str, Any]]:
    return await database.quarantine.find().sort("offset", 1).to_list(None)


async def test_an_event_is_kept_sealed_until_it_is_due(database: Database) -> None:
    assert await put(database, refused(raw_event(7))) == 1
    (entry,) = await entries(database)
    assert entry == {**BARE, "sealed": entry["sealed"], "keyId": KEY.key_id, "due": NOW + 30 * DAY}
    assert unseal(KEY, entry["_id"], entry["sealed"]) == {
        "key": b"key",
        "value": b"{broken",
        "headers": [["ce_id", b"7"], ["empty", None]],
    }


async def test_the_entry_knows_its_order_where_that_could_be_made_out(database: Database) -> None:
    await put(database, refused(raw_event(7), record_id="an order"), refused(raw_event(8)))
    assert [entry.get("recordId") for entry in await entries(database)] == ["an order", None]


async def test_nothing_of_the_event_can_be_read_without_the_key(database: Database) -> None:
    await put(database, refused(raw_event(7, b"Erika Mustermann")))
    (entry,) = await entries(database)
    assert b"Mustermann" not in entry["sealed"]
    with pytest.raises(InvalidTag):
        unseal(QuarantineKey.derive(bytes([1] * 32)), entry["_id"], entry["sealed"])


async def test_a_sealed_event_cannot_be_passed_off_as_another(database: Database) -> None:
    await put(database, refused(raw_event(7)))
    (entry,) = await entries(database)
    with pytest.raises(InvalidTag):
        unseal(KEY, raw_event(8).position.entry_id, entry["sealed"])


async def test_an_event_without_key_and_value_is_kept_too(database: Database) -> None:
    await put(database, refused(raw_event(7, value=None, key=None), reason=Reason.EMPTY_BODY))
    (entry,) = await entries(database)
    opened = unseal(KEY, entry["_id"], entry["sealed"])
    assert (opened["key"], opened["value"]) == (None, None)


async def test_a_batch_is_announced_by_one_entry_of_pointers(database: Database) -> None:
    began = datetime.now(UTC)
    await put(database, refused(raw_event(7)), refused(raw_event(8), reason=Reason.CONFLICT))
    (announced,) = await outbox_entries(database)
    items = [
        ["orders", 2, 7, "NOT_JSON", "/lineItems/0/*"],
        ["orders", 2, 8, "CONFLICT", "/lineItems/0/*"],
    ]
    assert announced == {
        "_id": announced["_id"],
        "kind": "quarantined",
        "time": announced["time"],
        "template": 1,
        "build": STAMP.build,
        "policyVersion": STAMP.policy_version,
        "policyDigest": STAMP.policy_digest,
        "items": items,
    }
    assert abs(announced["time"] - began) < timedelta(seconds=10)  # MongoDB's time


async def test_nothing_of_an_erased_order_is_kept(database: Database) -> None:
    await erase(database, "an order")
    events = [refused(raw_event(7), record_id="an order"), refused(raw_event(8), record_id="another one")]
    assert await put(database, *events) == 1
    assert [entry["offset"] for entry in await entries(database)] == [8]
    (announced,) = await outbox_entries(database)
    assert [item[2] for item in announced["items"]] == [8]


async def test_a_redelivery_changes_and_announces_nothing(database: Database) -> None:
    await put(database, refused(raw_event(7)))
    before = await entries(database)
    assert await put(database, refused(raw_event(7), due=None), refused(raw_event(8))) == 1
    assert (await entries(database))[:1] == before
    announced = [item[2] for entry in await outbox_entries(database) for item in entry["items"]]
    assert sorted(announced) == [7, 8]


async def test_an_event_past_its_due_date_leaves_a_bare_entry_at_once(database: Database) -> None:
    await put(database, refused(raw_event(7), due=None))
    assert await entries(database) == [{**BARE, "expiresAt": NOW + LEDGER_TIME}]


async def test_an_event_too_large_to_keep_leaves_a_bare_entry(database: Database) -> None:
    large = raw_event(7, b"x" * (13 * 2**20))
    assert await put(database, refused(large), refused(raw_event(8))) == 2
    assert (await entries(database))[0] == {**BARE, "expiresAt": NOW + LEDGER_TIME}
    assert "sealed" in (await entries(database))[1]


async def test_many_large_events_are_kept_in_several_transactions(database: Database) -> None:
    events = [refused(raw_event(offset, b"x" * 2**20)) for offset in range(30)]
    assert await put(database, *events) == 30
    assert await database.quarantine.count_documents({"sealed": {"$exists": True}}) == 30
    assert sum(len(entry["items"]) for entry in await outbox_entries(database)) == 30


async def test_more_than_five_hundred_events_are_kept(database: Database) -> None:
    assert await put(database, *(refused(raw_event(offset)) for offset in range(501))) == 501
    assert [len(entry["items"]) for entry in await outbox_entries(database)] == [500, 1]


async def test_the_sweep_leaves_the_bare_entry(context: SweepContext) -> None:
    database = context.database
    await put(database, refused(raw_event(7), due=NOW), refused(raw_event(8), due=NOW + DAY))
    assert await sweep(context, Action.ERASE_QUARANTINED, 10) == [BARE["_id"]]
    erased, later = await entries(database)
    assert erased == {**BARE, "expiresAt": erased["expiresAt"]}
    assert erased["expiresAt"] >= NOW + LEDGER_TIME
    assert "sealed" in later
    (announced,) = await database.outbox.find({"kind": "quarantine.erased"}).to_list(None)
    assert (announced["n"], announced["items"]) == (1, [["orders", 2, 7, "NOT_JSON", NOW]])


async def test_a_redelivery_of_an_erased_event_does_not_bring_it_back(context: SweepContext) -> None:
    database = context.database
    await put(database, refused(raw_event(7), due=NOW))
    await sweep(context, Action.ERASE_QUARANTINED, 10)
    before = await entries(database)
    assert await put(database, refused(raw_event(7))) == 0
    assert await entries(database) == before


async def test_a_postponed_entry_keeps_nothing_of_it_after_its_erasure(context: SweepContext) -> None:
    database = context.database
    await put(database, refused(raw_event(7), due=NOW))
    await database.quarantine.update_one({}, {"$set": {"sweepRetryAt": NOW}})
    await sweep(context, Action.ERASE_QUARANTINED, 10)
    (erased,) = await entries(database)
    assert erased == {**BARE, "expiresAt": erased["expiresAt"]}
