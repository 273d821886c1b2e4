"""`order-records trace` through the life of an order, with a real database and a real audit topic."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from cli.audit_scan import Scan, scan
from local.samples.events import SampleEvent
from local.samples.forms import envelope, structured
from local.samples.orders import sample_order
from local.servers.process import free_port
from records.mongo.client import Database
from records.mongo.lease import Lease
from records.mongo.sweep import Action, SweepContext, sweep
from runtime.settings import load_settings
from tests.integration.store_suite.data import STAMP
from tests.integration.verb_suite.shop import (
    HOUR,
    Shop,
    broken,
    broken_order,
    event,
    make_topic,
    one_line,
)
from tests.parts import apart
from tests.verbs import RunVerb
from worker.relay import Relay

DAY = timedelta(days=1)
PATIENCE = 30.0
NUMBER = "ORD-Mustermann"
CONTENT = ("Nygård", "zoe@example.com")


@pytest.fixture
def trail(
    shop: Shop, real_kafka: str, topic_names: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """The variables that lead to an audit topic of the test's own."""
    given = {
        "ORDER_RECORDS_KAFKA__BOOTSTRAP_SERVERS": real_kafka,
        "ORDER_RECORDS_KAFKA__AUDIT_TOPIC": topic_names("audit"),
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    apart(make_topic(real_kafka, given["ORDER_RECORDS_KAFKA__AUDIT_TOPIC"]))
    return shop.variables | given


@pytest.fixture
def trace(run_verb: RunVerb) -> RunVerb:
    return lambda *words: run_verb("trace", *words)


def sale(number: str | None = NUMBER, *, envelope_id: str | None = None, **changes: str) -> SampleEvent:
    """An order with a person in it; without a number it is named by its event."""
    order = sample_order(1, 1, at=datetime.now(UTC) - 2 * HOUR)
    order |= {"consumer": {"email": CONTENT[1], "addresses": [{"lastName": CONTENT[0]}]}, **changes}
    del order["tenantOrderRecordId"]
    if number is not None:
        order["tenantOrderRecordId"] = number
    if number is not None or envelope_id is not None:
        return envelope(order, event=envelope_id)
    return structured(order, event="event-7", at=datetime.now(UTC), source="/shop/1")


def swept(shop: Shop, trail: dict[str, str], action: Action, *, past: timedelta = HOUR) -> None:
    """Makes every record due, does what is due, and sends what is to be announced."""
    dates = {"gdprCleanupDate": datetime.now(UTC) - past, "deletionDate": datetime.now(UTC) + DAY - past}
    if action is Action.DELETE:
        dates = dict.fromkeys(dates, datetime.now(UTC) - past)

    async def work(database: Database) -> None:
        await database.records.update_many({}, {"$set": dates})
        async with database.session() as session:
            lease = Lease(database, session, "leader", 60)
            assert await lease.acquire()
            context = SweepContext(database, lease, STAMP, 400 * DAY, lambda now: now)
            assert len(await sweep(context, action, 10)) == 1
            await lease.release()
        await sent(database, trail)

    shop.do(work)


async def sent(database: Database, trail: dict[str, str]) -> None:
    stopping = asyncio.Event()
    relaying = asyncio.create_task(Relay(load_settings(trail), database).run(stopping))
    async with asyncio.timeout(PATIENCE):
        while await database.outbox.count_documents({}):  # noqa: ASYNC110 - MongoDB does not tell
            await asyncio.sleep(0.02)
    stopping.set()
    await relaying


def test_an_order_is_followed_from_its_storing_to_after_its_deletion(
    shop: Shop, trail: dict[str, str], trace: RunVerb
) -> None:
    asked = ("--tenant-order-record-id", NUMBER, "--json")
    assert trace(*asked).json["state"] == "unknown"
    first = event(1, sale())
    shop.take([first])
    stored = trace(*asked).json
    assert (stored["state"], stored["version"], stored["datesBy"]) == ("stored", 1, "policy")
    assert int(datetime.fromisoformat(stored["created"]).timestamp() * 1000) == first.timestamp
    assert (
        datetime.fromisoformat(stored["deletionDate"]) - datetime.fromisoformat(stored["created"])
        == 210 * DAY
    )
    assert stored["auditEvents"] == stored["notes"] == stored["quarantine"] == []

    swept(shop, trail, Action.ANONYMIZE)
    anonymized = trace("--record-id", stored["recordId"].upper(), "--json").json
    assert (anonymized["state"], anonymized["notes"]) == ("anonymized", [])
    (announced,) = anonymized["auditEvents"]
    assert announced["type"] == "order-records.record.anonymized.v1"
    assert anonymized["anonymizedAt"] == announced["time"]

    swept(shop, trail, Action.DELETE)
    deleted = trace(*asked).json
    assert (deleted["state"], deleted["created"]) == ("deleted", None)
    assert deleted["anonymizedAt"] == announced["time"] < deleted["deletedAt"]
    assert deleted["rememberedUntil"] > "20"

    shop.do(lambda database: database.ledger.delete_many({}))
    forgotten = trace(*asked).json
    assert (forgotten["state"], forgotten["rememberedUntil"]) == ("deleted", None)
    assert forgotten["deletedAt"] == deleted["deletedAt"]


def test_an_order_without_a_number_is_found_by_its_event(shop: Shop, trace: RunVerb) -> None:
    shop.take([event(1, sale(None)), event(2, sale(None, envelope_id="event-8"))])

    def state(*words: str) -> str:
        found: str = trace(*words, "--no-audit", "--json").json["state"]
        return found

    assert state("--source", "/shop/1", "--event-id", "event-7") == "stored"
    assert state("--event-id", "event-7") == "unknown"
    assert state("--event-id", "event-8") == "stored"
    assert state("--source", "/shop/1", "--event-id", "event-8") == "unknown"


def test_an_order_in_quarantine_is_found_with_what_was_announced_of_it(
    shop: Shop, trail: dict[str, str], trace: RunVerb
) -> None:
    shop.refuse([event(1, sale())])
    shop.do(lambda database: sent(database, trail))
    found = trace("--tenant-order-record-id", NUMBER, "--json").json
    assert found["state"] == "quarantined"
    assert [(each["reason"], each["offset"]) for each in found["quarantine"]] == [("UNSTORABLE", 1)]
    assert [each["type"] for each in found["auditEvents"]] == ["order-records.event.quarantined.v1"]


def test_an_order_that_the_decoder_refused_is_found_by_its_number(shop: Shop, trace: RunVerb) -> None:
    shop.take([event(1, broken_order(NUMBER))])
    found = trace("--tenant-order-record-id", NUMBER, "--no-audit", "--json").json
    assert (found["state"], found["quarantine"][0]["reason"]) == ("quarantined", "WRONG_TYPE")
    assert len(found["notes"]) == 1


def test_a_topic_that_was_made_anew_lends_no_event_to_an_order(
    shop: Shop, trail: dict[str, str], trace: RunVerb
) -> None:
    """The order before it had the same place, and so the same subject."""
    shop.take([event(1, broken_order("another order"))])

    async def long_ago(database: Database) -> None:
        await database.outbox.update_many({}, {"$set": {"time": datetime.now(UTC) - DAY}})
        await sent(database, trail)

    shop.do(long_ago)
    shop.take([event(1, broken_order(NUMBER), age=2 * HOUR)])
    shop.do(lambda database: sent(database, trail))
    (announced,) = trace("--tenant-order-record-id", NUMBER, "--json").json["auditEvents"]
    assert announced["time"] > (datetime.now(UTC) - HOUR).isoformat()


def test_what_happened_before_a_broken_repeat_is_found(
    shop: Shop, trail: dict[str, str], trace: RunVerb
) -> None:
    """The repeat came long after the deletion: the audit topic is not read from there on."""
    shop.take([event(1, sale())])
    swept(shop, trail, Action.DELETE)
    shop.do(lambda database: database.ledger.delete_many({}))
    shop.take([event(2, broken_order(NUMBER))])

    async def later(database: Database) -> None:
        await database.quarantine.update_many({}, {"$set": {"arrived": datetime.now(UTC) + 3 * DAY}})

    shop.do(later)
    found = trace("--tenant-order-record-id", NUMBER, "--json").json
    assert found["deletedAt"] is not None


def test_what_cannot_be_searched_is_said(shop: Shop, trace: RunVerb) -> None:
    shop.take(broken(("not-json",)))
    printed = trace("--tenant-order-record-id", NUMBER, "--no-audit")
    assert printed.code == 0
    assert "they are not searched" in printed.out
    assert "was not read" in printed.out


def test_a_stored_order_and_its_refused_other_content_are_both_told(shop: Shop, trace: RunVerb) -> None:
    shop.take([event(1, sale())])
    shop.take([event(2, sale(facilityRef="elsewhere"))])
    found = trace("--tenant-order-record-id", NUMBER, "--no-audit", "--json").json
    assert (found["state"], found["quarantine"][0]["reason"]) == ("stored", "CONFLICT")


def test_while_kafka_is_away_mongodb_answers(
    shop: Shop, trace: RunVerb, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.take([event(1, sale())])
    monkeypatch.setenv("ORDER_RECORDS_KAFKA__BOOTSTRAP_SERVERS", f"127.0.0.1:{free_port()}")
    printed = trace("--tenant-order-record-id", NUMBER, "--json")
    assert (printed.code, printed.err, printed.json["state"]) == (0, "", "stored")
    assert printed.json["audit"]["unavailable"] == "KafkaConnectionError"
    assert "MongoDB's answer alone" in printed.json["notes"][0]


def test_a_missing_audit_topic_is_named_and_not_made(
    shop: Shop, trail: dict[str, str], trace: RunVerb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORDER_RECORDS_KAFKA__AUDIT_TOPIC", "never-made")
    for _ in range(2):
        found = trace("--tenant-order-record-id", NUMBER, "--json").json
        assert found["audit"]["unavailable"] == "TopicMissing: topic never-made is missing"


def test_the_audit_topic_is_read_from_where_the_order_can_be_and_no_longer_than_asked(
    shop: Shop, trail: dict[str, str]
) -> None:
    shop.refuse([event(number, sale(str(number))) for number in range(5)])
    shop.do(lambda database: sent(database, trail))
    subjects, told = ["quarantine/order-completed/4/3"], list[tuple[int, int]]()

    def read(since: datetime | None, seconds: float) -> Scan:
        kafka = load_settings(trail).kafka
        return apart(scan(kafka, subjects, since, seconds, lambda done, total: told.append((done, total))))

    whole = read(None, PATIENCE)
    assert (whole.complete, whole.first, whole.read_to) == (True, 0, 5)
    assert [each["subject"] for each in whole.events.values()] == subjects
    assert told[-1] == (5, 5)
    assert read(datetime.now(UTC), PATIENCE).first == 0
    later = read(datetime.now(UTC) + 2 * DAY, PATIENCE)
    assert (later.complete, later.first, later.events) == (True, 5, {})
    hasty = read(None, 0)
    assert (hasty.complete, hasty.read_to, hasty.away) == (False, 0, None)


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--source", "/shop/1"),
        ("--tenant-order-record-id", "1", "--event-id", "2"),
        ("--tenant-order-record-id", "1", "--source", "2"),
        ("--tenant-order-record-id", ""),
        ("--tenant-order-record-id", "\udcff"),
        ("--record-id", "ORD-1"),
        ("--tenant-order-record-id", "1", "--audit-seconds", "0"),
    ],
)
def test_a_wrong_call_is_64(trace: RunVerb, words: tuple[str, ...]) -> None:
    assert trace(*words).code == 64


def test_with_another_id_key_nothing_wrong_is_said(
    shop: Shop, trace: RunVerb, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "ORDER_RECORDS_SECRETS__ID_KEY"
    monkeypatch.setenv(name, "A" * 43 + "=")
    assert name in one_line(trace("--tenant-order-record-id", NUMBER, "--no-audit"))
    monkeypatch.delenv(name)
    assert name in one_line(trace("--tenant-order-record-id", NUMBER, "--no-audit"))
    unknown = trace("--record-id", "6f1c0b0e-7a51-8c3e-9d41-2b7f6a0c9e55", "--no-audit", "--json")
    assert unknown.json["state"] == "unknown"


def test_nothing_of_an_order_is_printed(shop: Shop, trail: dict[str, str], trace: RunVerb) -> None:
    shop.take([event(1, sale())])
    shop.take([event(2, sale(facilityRef="elsewhere"))])
    shop.do(lambda database: sent(database, trail))
    said = [trace("--tenant-order-record-id", NUMBER, *more) for more in ((), ("--json",), ("--no-audit",))]
    texts = "".join(printed.out + printed.err for printed in said)
    assert texts.count("stored") >= 3
    assert not [word for word in (NUMBER, "elsewhere", *CONTENT) if word in texts]


def test_the_help_has_examples(trace: RunVerb) -> None:
    assert "Example:\n    order-records trace --tenant-order-record-id" in trace("--help").out
