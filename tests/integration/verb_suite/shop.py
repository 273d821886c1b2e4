"""A deployment's database with events in its quarantine, for tests of verbs."""

import base64
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar, cast

import pytest
from aiokafka import ConsumerRecord
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from pydantic import TypeAdapter

from audit.events import AuditEvent
from audit.templates import expand
from local.samples.broken import broken_event
from local.samples.events import SampleEvent, sample_events
from local.samples.forms import envelope
from records.keys import RecordKeys
from records.mongo.client import Database, open_database
from records.mongo.indexes import build_indexes
from records.mongo.startup import start_up
from records.policy import DateRules
from records.quarantine import Position, QuarantineKey
from runtime.settings import load_settings
from service.ingest import Event, Ingest
from tests.integration.store_suite.data import empty
from tests.parts import apart
from tests.verbs import Printed

Result = TypeVar("Result")
SECRET: Final = bytes(range(32))
TOPIC: Final = "order-completed"
HOUR: Final = timedelta(hours=1)
KINDS: Final = ("type-quantity-string", "currency-unknown")
_SCHEMA: Final = TypeAdapter[Any](AuditEvent)


def variables(uri: str, name: str) -> dict[str, str]:
    secret = base64.b64encode(SECRET).decode()
    return {
        "ORDER_RECORDS_MONGO__URI": uri,
        "ORDER_RECORDS_MONGO__DATABASE": name,
        "ORDER_RECORDS_SECRETS__ID_KEY": secret,
        "ORDER_RECORDS_SECRETS__QUARANTINE_KEY": secret,
    }


class Shop:
    """The database that the variables lead to; every call has a connection of its own."""

    def __init__(self, given: dict[str, str]) -> None:
        self.variables = given
        self.settings = load_settings(given)
        self.keys = RecordKeys.derive(SECRET)

    def set_variables(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in self.variables.items():
            monkeypatch.setenv(name, value)

    def database(self) -> AbstractAsyncContextManager[Database]:
        mongo = self.settings.mongo
        return open_database(mongo.uri.get_secret_value(), mongo.database)

    def do(self, work: Callable[[Database], Awaitable[Result]]) -> Result:
        async def connected() -> Result:
            async with self.database() as database:
                return await work(database)

        return apart(connected())

    def prepare(self, *, enabled: bool = True) -> None:
        async def prepared(database: Database) -> None:
            await build_indexes(database, search=False)
            await start_up(database, self.settings.bound(self.keys.fingerprint), enabled=enabled)

        self.do(prepared)

    def ingest(self, database: Database) -> Ingest:
        key = QuarantineKey.derive(SECRET)
        return Ingest(database, self.keys, key, DateRules(), timedelta(days=400), "1.2.3")

    def refuse(self, events: Sequence[Event]) -> None:
        """As the consumer does with events that fail alone: they are kept, whatever is in them."""

        async def refused(database: Database) -> None:
            ingest = self.ingest(database)
            for event in events:
                await ingest.set_aside(event)

        self.do(refused)

    def take(self, events: Sequence[Event]) -> None:
        self.do(lambda database: self.ingest(database).take(events))

    def rows(self, collection: str) -> list[dict[str, Any]]:
        async def found(database: Database) -> list[dict[str, Any]]:
            return await database.state.database[collection].find().sort("_id", 1).to_list(None)

        return self.do(found)

    def audit_events(self) -> list[bytes]:
        """What the relay would send."""
        return [record.value for entry in self.rows("outbox") for record in expand(entry, "order-records")]


def event(offset: int, sample: SampleEvent, age: timedelta = HOUR) -> Event:
    """The sample as it comes from the topic, published so long ago."""
    time = int((datetime.now(UTC) - age).timestamp() * 1000)
    record = ConsumerRecord(TOPIC, 4, offset, time, 0, sample.key, sample.value, None, 1, 0, sample.headers)
    return cast("Event", record)


def entry_id(event: Event) -> str:
    return Position(event.topic, event.partition, event.offset, event.timestamp).entry_id


def orders(count: int, first: int = 0, age: timedelta = HOUR) -> list[Event]:
    """Events that are good, now."""
    samples = sample_events(7, count, at=datetime.now(UTC), start=first)
    return [event(first + n, each.event, age - timedelta(seconds=n)) for n, each in enumerate(samples)]


def broken(kinds: tuple[str, ...] = KINDS, first: int = 50) -> list[Event]:
    """Events with a canary in each."""
    now = datetime.now(UTC)
    return [event(first + n, broken_event(kind, 1, n, at=now)) for n, kind in enumerate(kinds)]


def broken_order(number: str) -> SampleEvent:
    """Of this number, and with a quantity of a wrong type."""
    line = {"quantity": "two", "article": {"tenantArticleId": "A-1", "attributes": []}}
    order = {
        "tenantOrderRecordId": number,
        "orderRecordDate": "2026-11-23T10:00:00Z",
        "facilityRef": "store-7",
        "lineItems": [line],
    }
    return envelope(order, event="event-9")


def ids(events: list[Event]) -> list[str]:
    return [entry_id(each) for each in events]


def audited(shop: Shop, kind: str) -> list[Any]:
    found = [_SCHEMA.validate_json(value) for value in shop.audit_events()]
    return [each for each in found if each.type == f"order-records.quarantine.{kind}.v1"]


def one_line(printed: Printed) -> str:
    assert printed.code == 1
    assert printed.err.startswith("Error: ")
    assert printed.err.count("\n") == 1
    return printed.err


async def make_topic(bootstrap: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()


async def restored(database: Database) -> None:
    await empty(database)
    await only(database, {})


async def only(database: Database, rule: dict[str, Any]) -> None:
    """MongoDB itself refuses every other record, for a reason that no decoder can know."""
    await database.state.database.command({"collMod": "records", "validator": rule})


def sample_of(found: Event) -> SampleEvent:
    return SampleEvent(found.key, found.value, tuple(found.headers))


def changed(sample: SampleEvent) -> bytes:
    """The same order in an envelope, with other content."""
    body = json.loads(sample.value or b"")
    order = body.get("data") or body.get("payload") or body
    return json.dumps({"event": "ORDER_COMPLETED", "payload": {**order, "facilityRef": "elsewhere"}}).encode()
