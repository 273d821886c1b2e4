"""`order-records quarantine replay`: what was refused is stored once it can be, and nothing is lost."""

import asyncio
import base64
import json
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from local.samples.events import SampleEvent
from records.mongo.client import Database
from records.mongo.policies import change_policy
from records.mongo.quarantine_replay import Became, replay
from records.policy import DateRules, GdprPolicy
from service import replay as replaying
from service.events import Headers, IncomingOrder, Skipped, decode
from tests.integration.verb_suite.shop import (
    HOUR,
    Shop,
    audited,
    broken,
    changed,
    event,
    ids,
    one_line,
    only,
    orders,
    sample_of,
    variables,
)
from tests.verbs import RunVerb

NOTHING_THERE = "order-completed/4/99/1"


def test_a_replay_stores_with_the_dates_of_the_first_delivery(shop: Shop, run: RunVerb) -> None:
    events = orders(3, age=20 * 24 * HOUR)
    shop.refuse(events)
    printed = run("replay", "--all", "--actor", "ann")
    assert (printed.code, printed.out) == (0, "created 3\n")
    created = sorted(int(row["created"].timestamp() * 1000) for row in shop.rows("records"))
    assert created == [each.timestamp for each in events]
    days = {row["gdprCleanupDate"] - row["created"] for row in shop.rows("records")}
    assert days == {timedelta(days=30)}
    assert shop.rows("quarantine") == []
    replayed = audited(shop, "replayed")
    assert {(each.data.outcome, each.data.actor) for each in replayed} == {
        ("CREATED", shop.keys.pseudonym("ann"))
    }
    assert run("replay", "--all").out == "no such entry\n"


def test_an_event_from_the_future_keeps_the_time_at_which_it_arrived(shop: Shop, run: RunVerb) -> None:
    shop.refuse(orders(1, age=-24 * HOUR))
    (entry,) = shop.rows("quarantine")
    assert run("replay", "--all").code == 0
    (record,) = shop.rows("records")
    assert record["created"] == entry["arrived"]


def test_what_is_refused_again_stays_with_the_reason_of_now(shop: Shop, run: RunVerb) -> None:
    good, bad = orders(1), broken()
    shop.refuse([*good, *bad])
    printed = run("replay", "--reason", "UNSTORABLE", "--json").json
    assert printed["complete"]
    assert {k: v for k, v in printed["totals"].items() if v} == {"CREATED": 1, "REFUSED": 2}
    refusals = {entry["id"]: entry["reason"] for entry in printed["entries"]}
    assert refusals == dict(zip(ids(bad), ("WRONG_TYPE", "UNKNOWN_VALUE"), strict=True))
    assert {row["_id"]: row["reason"] for row in shop.rows("quarantine")} == refusals
    assert all(row["sealed"] for row in shop.rows("quarantine"))


def test_a_dry_run_says_the_same_and_writes_nothing(
    shop: Shop, run: RunVerb, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of two entries of one order that come to be in different pages."""
    monkeypatch.setattr(replaying, "_PAGE", 2)
    good = orders(3)
    again = event(90, sample_of(good[0]))
    conflict = event(91, SampleEvent(None, changed(sample_of(good[0]))))
    shop.refuse([*good, again, conflict, *broken()])
    before = shop.rows("quarantine"), shop.rows("outbox")
    said = run("replay", "--all", "--dry-run", "--json").json
    assert (shop.rows("quarantine"), shop.rows("outbox"), shop.rows("records")) == (*before, [])
    assert said["dryRun"]
    assert {k: v for k, v in said["totals"].items() if v} == {"CREATED": 3, "UNCHANGED": 1, "REFUSED": 3}
    assert len(said["entries"]) == 7
    assert run("replay", "--all", "--dry-run").out.splitlines()[-1].startswith("would be: created 3")
    assert run("replay", "--all", "--json").json["totals"] == said["totals"]


def test_the_oldest_of_two_entries_of_an_order_is_stored_whatever_is_named_first(
    shop: Shop, run: RunVerb
) -> None:
    (good,) = orders(1)
    old = event(9, sample_of(good), 2 * HOUR)
    new = event(10, SampleEvent(None, changed(sample_of(good))))
    shop.refuse([new, old])
    assert run("replay", *ids([new, old]), "--json").json["totals"]["REFUSED"] == 1
    assert [row["reason"] for row in shop.rows("quarantine")] == ["CONFLICT"]
    (record,) = shop.rows("records")
    assert record["facilityRef"] != "elsewhere"


def test_a_conflict_is_gone_once_the_order_in_its_way_is_erased(shop: Shop, run: RunVerb) -> None:
    first = orders(1)
    shop.take(first)
    shop.take([event(10, SampleEvent(None, changed(sample_of(first[0]))))])
    assert run("replay", "--all", "--json").json["totals"]["REFUSED"] == 1

    async def erase(database: Database) -> None:
        record = await database.records.find_one_and_delete({})
        assert record is not None
        await database.ledger.insert_one({"_id": record["_id"]})

    shop.do(erase)
    assert run("replay", "--all").out == "erased 1\n"
    assert (shop.rows("records"), shop.rows("quarantine")) == ([], [])


def test_an_event_that_is_too_old_by_now_is_not_stored(shop: Shop, run: RunVerb) -> None:
    async def patient(database: Database) -> None:
        await change_policy(database, GdprPolicy(400, 400), "ann", "1.2.3", DateRules())

    shop.do(patient)
    shop.refuse(orders(1, age=366 * 24 * HOUR))
    assert run("replay", "--all", "--json").json["entries"][0]["reason"] == "TOO_OLD"
    assert shop.rows("records") == []


def test_with_another_quarantine_key_nothing_is_lost(
    shop: Shop, run: RunVerb, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = orders(2)
    shop.refuse(events)
    before = shop.rows("quarantine"), shop.rows("outbox")
    with monkeypatch.context() as patch:
        other = base64.b64encode(bytes(32)).decode()
        patch.setenv("ORDER_RECORDS_SECRETS__QUARANTINE_KEY", other)
        assert "2 entries were sealed with another key" in one_line(run("replay", "--all"))
        shown = run("show", ids(events)[0], "--payload", "--reason", "INCIDENT")
        assert "ORDER_RECORDS_SECRETS__QUARANTINE_KEY" in one_line(shown)
    assert (shop.rows("quarantine"), shop.rows("outbox")) == before
    assert run("replay", "--all").out == "created 2\n"


def test_while_order_records_are_disabled_nothing_is_stored(
    mongo_uri: str, fresh_database: str, run: RunVerb, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(variables(mongo_uri, fresh_database))
    shop.set_variables(monkeypatch)
    shop.prepare(enabled=False)
    shop.refuse(orders(1))
    assert "disabled" in one_line(run("replay", "--all"))
    assert run("replay", "--all", "--dry-run").code == 0
    assert shop.rows("records") == []


@pytest.mark.parametrize("more", [(), ("--rate", "1000"), ("--rate", "1")], ids=str)
def test_an_event_that_fails_alone_stays_and_the_others_are_stored_whatever_the_rate(
    shop: Shop, run: RunVerb, more: tuple[str, ...]
) -> None:
    """It is the oldest, so with a rate of one a second nothing else was tried before."""
    events = orders(3)
    shop.refuse(events)

    bad = json.loads(events[0].value or b"")
    order = bad.get("data") or bad.get("payload") or bad
    rule = {"tenantOrderRecordId": {"$ne": order["tenantOrderRecordId"]}}
    shop.do(lambda database: only(database, rule))
    printed = run("replay", "--all", "--json", *more)
    totals = printed.json["totals"]
    assert {k: v for k, v in totals.items() if v} == {"CREATED": 2, "REFUSED": 1}
    assert order["tenantOrderRecordId"] not in printed.out + printed.err
    assert [(row["_id"], row["reason"]) for row in shop.rows("quarantine")] == [
        (ids(events)[0], "UNSTORABLE")
    ]


def test_when_none_can_be_stored_none_is_to_blame(shop: Shop, run: RunVerb) -> None:
    shop.refuse(orders(3))
    before = shop.rows("quarantine")

    shop.do(lambda database: only(database, {"neverThere": {"$exists": True}}))
    assert "MongoDB does not do what is asked" in run("replay", "--all").err.splitlines()[-1]
    assert shop.rows("quarantine") == before


@pytest.mark.parametrize("by", ["id", "rate"])
def test_when_none_can_be_stored_none_is_to_blame_however_few_are_tried_at_once(
    shop: Shop, run: RunVerb, by: str
) -> None:
    events = orders(3)
    shop.refuse(events)
    before = shop.rows("quarantine"), shop.rows("outbox")

    shop.do(lambda database: only(database, {"neverThere": {"$exists": True}}))
    words = ids(events)[:1] if by == "id" else ["--all", "--rate", "1"]
    printed = run("replay", *words)
    assert (printed.code, "MongoDB does not do what is asked" in printed.err) == (1, True)
    assert (shop.rows("quarantine"), shop.rows("outbox")) == before


def test_of_named_entries_the_one_that_fails_alone_stays_and_the_others_are_stored(
    shop: Shop, run: RunVerb
) -> None:
    events = orders(3)
    shop.refuse(events)
    bad = json.loads(events[2].value or b"")
    order = bad.get("data") or bad.get("payload") or bad
    rule = {"tenantOrderRecordId": {"$ne": order["tenantOrderRecordId"]}}
    shop.do(lambda database: only(database, rule))
    assert run("replay", *ids(events), NOTHING_THERE).out.splitlines()[-1] == "created 2, refused 1, gone 1"
    assert [row["_id"] for row in shop.rows("quarantine")] == ids(events)[2:]


def test_a_named_entry_that_is_refused_again_is_no_success_and_by_filter_it_is_a_result(
    shop: Shop, run: RunVerb
) -> None:
    events = broken()
    shop.take(events)
    for more in ((), ("--dry-run",)):
        printed = run("replay", ids(events)[0], *more)
        assert (printed.code, "still refused" in printed.err) == (1, True)
        assert run("replay", "--all", *more).code == 0


def test_no_more_a_second_than_was_asked_for(
    shop: Shop, run: RunVerb, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.refuse(orders(6))
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(replaying, "sleep", wait)
    assert run("replay", "--all", "--rate", "2").code == 0
    assert len(waits) == 3
    assert all(done - 0.9 < seconds <= done for done, seconds in enumerate(waits, start=1))


def test_an_event_of_another_type_is_left_where_it_is(shop: Shop, run: RunVerb) -> None:
    other = event(1, SampleEvent(None, b'{"event": "ORDER_CANCELLED", "payload": {}}'))
    shop.refuse([other])
    before = shop.rows("quarantine"), shop.rows("outbox")
    assert run("replay", "--all").out.splitlines()[-1] == "skipped 1"
    assert (shop.rows("quarantine"), shop.rows("outbox")) == before


def test_an_event_that_no_decoder_survives_stays_and_the_others_are_stored(
    shop: Shop, run: RunVerb, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = orders(2)
    shop.refuse([first, second])

    def fragile(value: bytes | None, headers: Headers) -> IncomingOrder | Skipped:
        if value == first.value:
            raise RuntimeError(f"cannot decode {value!r}")
        return decode(value, headers)

    monkeypatch.setattr(replaying, "decode", fragile)
    printed = run("replay", "--all")
    assert printed.out.splitlines()[-1] == "created 1, refused 1"
    assert "an event cannot be stored" in printed.err
    assert not [word for word in ("tenantOrderRecordId", "ORD-7") if word in printed.out + printed.err]
    assert [row["_id"] for row in shop.rows("quarantine")] == ids([first])


def test_a_ctrl_c_that_the_driver_swallows_ends_it_before_the_next_page(
    shop: Shop, run: RunVerb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "_PAGE", 2)
    stored = replay

    async def swallowing(*given: Any, **named: Any) -> list[Became]:
        became = await stored(*given, **named)
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0)
        return became

    monkeypatch.setattr(replaying, "replay", swallowing)
    shop.refuse(orders(5))
    printed = run("replay", "--all")
    assert (printed.code, printed.out.splitlines()[-1]) == (130, "created 2")
    assert len(shop.rows("quarantine")) == 3
