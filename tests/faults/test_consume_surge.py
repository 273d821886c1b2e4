"""`consume` while nothing that comes can be stored: by its own fault, or by MongoDB's."""

import signal

import pytest

from tests.e2e.deployment import until
from tests.e2e.fixtures import LONG, Deploy
from tests.e2e.ingest_checker import check_ingested, committed
from tests.e2e.produced import with_events

pytestmark = pytest.mark.faults


async def test_a_thousand_broken_events_in_a_row_are_all_kept_and_stop_no_good_one(
    deployed: Deploy, mongo_uri: str, real_kafka: str
) -> None:
    deployment = await deployed(mongo_uri, real_kafka, LONG)
    produced = await with_events(deployment, 1000, duplicates=0, broken=1)
    assert not produced.orders
    await produced.more(deployment, 100, broken=0)
    await deployment.start("consume")
    await check_ingested(deployment, produced)


async def test_a_stop_in_the_pause_after_failures_comes_at_once_in_order_and_commits_nothing(
    deployed: Deploy, mongo_uri: str, real_kafka: str
) -> None:
    deployment = await deployed(mongo_uri, real_kafka, LONG)
    produced = await with_events(deployment, 100)
    consumer = await deployment.start_faulty("consume", "fetched=raise:1000")

    async def pausing() -> bool:  # the sixth pause is of 8 seconds at least
        return (await consumer.figures()).get("order_records_retries_total", 0) >= 6

    await until(pausing, 30, "long pauses")
    consumer.process.signal(signal.SIGTERM)
    assert await consumer.process.wait(6), "it waited for the end of its pause"
    assert consumer.process.exit_code() == 0, consumer.process.last_lines()
    assert not any((await committed(deployment)).values())
    await deployment.start("consume")
    await check_ingested(deployment, produced)
