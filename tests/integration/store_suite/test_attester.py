"""The worker's side of the daily attestation: what is not to be had is left out, and nothing blocks it."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import orjson
import pytest
from aiokafka.admin import NewTopic

from audit.templates import expand
from local.servers.process import HOST, free_port
from records.mongo.attestation import ATTESTED, last_attestation, oplog_hours
from records.mongo.client import Database
from records.mongo.errors import StoreForbidden
from records.mongo.quarantine import quarantine
from runtime.kafka import admin_client
from runtime.metrics import REGISTRY
from runtime.settings import Settings, load_settings
from tests.e2e.deployment import until
from tests.integration.store_suite.data import (
    CLEANUP_DUE,
    KEY,
    LEDGER_TIME,
    NOW,
    STAMP,
    Failing,
    prepared,
    raw_event,
    refused,
    store_all,
)
from worker.attestation import Attester

PATIENCE: Final = 30.0
UNAUTHORIZED: Final = 13


def settings_for(bootstrap: str, topic: str = "orders") -> Settings:
    kafka = {"BOOTSTRAP_SERVERS": bootstrap, "ORDER_TOPIC": topic}
    return load_settings({f"ORDER_RECORDS_KAFKA__{name}": value for name, value in kafka.items()})


@pytest.fixture
def without_kafka() -> Settings:
    return settings_for(f"{HOST}:{free_port()}")


async def told(database: Database) -> dict[str, Any]:
    """The data of the one attestation that waits to be sent."""
    (entry,) = await database.outbox.find({"kind": ATTESTED}).to_list(None)
    (record,) = expand(entry, "order-records")
    data: dict[str, Any] = orjson.loads(record.value)["data"]
    return data


async def test_what_is_overdue_and_in_quarantine_is_counted_without_kafka(
    database: Database, without_kafka: Settings
) -> None:
    await store_all(database, *(prepared(number, CLEANUP_DUE) for number in range(4)))
    await quarantine(database, [refused(raw_event(1), due=NOW)], KEY, STAMP, NOW, LEDGER_TIME)
    assert await Attester(without_kafka, database).attest_if_due()
    data = await told(database)
    assert data["overdue"] == {"anonymize": 4, "delete": 0, "eraseQuarantined": 1}
    assert data["oldestOverdue"].keys() == {"anonymize", "eraseQuarantined"}
    assert data["quarantine"] == {"entries": 1, "sealed": 1}
    assert data["residual"].keys() == {"ledgerDays", "oplogHours"}
    assert data["auditRetentionDays"] == 1460
    time = await last_attestation(database)
    assert time is not None
    figure = REGISTRY.get_sample_value("order_records_last_attestation_timestamp_seconds")
    assert figure == time.timestamp()


async def test_a_worker_that_starts_anew_on_the_same_day_writes_no_second_one(
    database: Database, without_kafka: Settings
) -> None:
    assert await Attester(without_kafka, database).attest_if_due()
    assert not await Attester(without_kafka, database).attest_if_due()
    assert (await told(database))["n"] == 0


async def test_two_workers_that_lead_at_once_write_one(database: Database, without_kafka: Settings) -> None:
    both = [Attester(without_kafka, database).attest_if_due() for _ in range(2)]
    assert sorted(await asyncio.gather(*both)) == [False, True]
    await told(database)


async def test_an_oplog_that_may_not_be_read_is_left_out(
    breakable: Database, failing: Failing, without_kafka: Settings
) -> None:
    with failing("find", "alwaysOn", errorCode=UNAUTHORIZED, namespace="local.oplog.rs"):
        with pytest.raises(StoreForbidden):
            await oplog_hours(breakable)
        assert await Attester(without_kafka, breakable).attest_if_due()
    assert (await told(breakable))["residual"] == {"ledgerDays": 400}


async def test_figures_that_cannot_be_counted_are_left_out(
    breakable: Database, failing: Failing, without_kafka: Settings
) -> None:
    with failing("aggregate", "alwaysOn", errorCode=UNAUTHORIZED):
        assert await Attester(without_kafka, breakable).attest_if_due()
    data = await told(breakable)
    assert data["overdue"] == data["quarantine"] == {}
    assert data["done"] == {"anonymize": 0, "delete": 0, "eraseQuarantined": 0}


@pytest.mark.parametrize(("retention_ms", "seconds"), [("604800000", 604_800), ("-1", -1), ("1", 1)])
async def test_the_retention_of_the_order_topic_is_stated_and_minus_one_is_no_limit(
    database: Database,
    real_kafka: str,
    topic_names: Callable[[str], str],
    retention_ms: str,
    seconds: int,
) -> None:
    settings = settings_for(real_kafka, topic_names("orders"))
    topic = NewTopic(settings.kafka.order_topic, 1, 1, topic_configs={"retention.ms": retention_ms})
    async with admin_client(settings.kafka) as admin:
        await admin.create_topics([topic])
    assert await Attester(settings, database).attest_if_due()
    assert (await told(database))["residual"]["orderTopicSeconds"] == seconds


async def test_an_order_topic_that_is_missing_is_left_out_and_not_created(
    database: Database, real_kafka: str, topic_names: Callable[[str], str]
) -> None:
    settings = settings_for(real_kafka, topic_names("orders"))
    assert await Attester(settings, database).attest_if_due()
    assert "orderTopicSeconds" not in (await told(database))["residual"]
    async with admin_client(settings.kafka) as admin:
        assert settings.kafka.order_topic not in {each["topic"] for each in await admin.describe_topics()}


async def test_while_it_leads_it_attests_and_it_ends_when_it_is_to_stop(
    database: Database, without_kafka: Settings
) -> None:
    stepping_down = asyncio.Event()
    running = asyncio.create_task(Attester(without_kafka, database).run(stepping_down))

    async def there() -> bool:
        return await last_attestation(database) is not None

    await until(there, PATIENCE, "an attestation")
    stepping_down.set()
    await asyncio.wait_for(running, PATIENCE)
    await told(database)
