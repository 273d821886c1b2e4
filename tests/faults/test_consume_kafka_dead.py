"""`consume` while its broker is dead, not merely silent: whatever it is told to do, it does."""

import time

import pytest

from records.mongo.configuration import change_configuration, configuration
from tests.e2e.deployment import Deployment, until
from tests.e2e.fixtures import LONG, Deploy
from tests.e2e.ingest_checker import all_read, check_stored
from tests.e2e.produced import with_events
from tests.parts import StartKafka

pytestmark = pytest.mark.faults

SWITCH_SECONDS = 15.0
END_SECONDS = 15.0


async def switch(deployment: Deployment, *, enabled: bool) -> None:
    version = (await configuration(deployment.database)).version
    await change_configuration(deployment.database, version=version, enabled=enabled)


async def test_while_the_broker_is_dead_consume_is_disabled_enabled_and_ended(
    deployed: Deploy, mongo_uri: str, own_kafka: StartKafka
) -> None:
    kafka = await own_kafka()
    deployment = await deployed(mongo_uri, kafka.bootstrap, LONG)
    produced = await with_events(deployment, 50)
    consumer = await deployment.start("consume")
    await all_read(deployment, produced)
    await kafka.stop(kill=True)

    async def reads_nothing() -> bool:
        assert consumer.process.exit_code() is None, consumer.process.last_lines()
        figures = await consumer.figures()
        names = ("order_records_consumer_enabled", "order_records_consumer_assigned_partitions")
        return [figures.get(name) for name in names] == [0, 0]

    await switch(deployment, enabled=False)
    await until(reads_nothing, SWITCH_SECONDS, "disabled")
    await switch(deployment, enabled=True)
    await kafka.launch()
    await produced.more(deployment, 50)
    await all_read(deployment, produced)
    await check_stored(deployment, produced)

    await kafka.stop(kill=True)
    began = time.monotonic()
    code = await consumer.process.end(grace_seconds=25)
    assert (code, time.monotonic() - began < END_SECONDS) == (0, True), consumer.process.last_lines()
