"""The trail's topics refuse what is sent to them: erasing goes on, all waits in order, nothing is lost."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from local.demo.children import Child
from local.servers.kafka_jars import java_and_maven
from records.policy import GdprPolicy
from tests.e2e.deployment import Deployment, until
from tests.e2e.fixtures import Deploy
from tests.e2e.lifecycle_checker import check_lived
from tests.e2e.produced import loaded, with_events
from tests.e2e.trail_checker import check_signed
from tests.faults.refusing_kafka import NoRight, TooFewReplicas, TooSmall

POLICY: Final = GdprPolicy(retention_time=3, deletion_time_after_retention=12, version=1)
EVENTS, CHUNK, MORE = 200, 20, 100
PATIENCE: Final = 60
WAITS_SECONDS: Final = 10
Refusing = NoRight | TooSmall | TooFewReplicas

pytestmark = pytest.mark.faults


@pytest.fixture(params=[NoRight, TooSmall, TooFewReplicas])
async def refusing(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Refusing]:
    if not java_and_maven():
        pytest.skip("needs an Apache Kafka with settings of its own: install Java 17 and Maven")
    async with AsyncExitStack() as stack:
        yield await request.param.start(tmp_path, stack)


async def at_least(worker: Child, name: str, figure: float) -> bool:
    return (await worker.figures()).get(f"order_records_{name}", 0) >= figure


async def erased(deployment: Deployment, more_than: int = 0) -> bool:
    return await deployment.database.ledger.count_documents({}) > more_than


async def said(deployment: Deployment, line: str, topic: str, cause: str) -> bool:
    """Whether a log line says what does not happen, and names the topic and the cause."""
    reason = f"topic {topic} refuses: {cause}"
    return any(line in each and reason in each for each in deployment.logs().splitlines())


async def test_while_its_topics_refuse_work_erases_on_and_afterwards_sends_all_in_order(
    refusing: Refusing, deployed: Deploy, mongo_uri: str
) -> None:
    deployment = await deployed(mongo_uri, refusing.bootstrap, POLICY)
    kafka, database = deployment.settings.kafka, deployment.database
    await refusing.make_topics(deployment.settings)
    produced = await with_events(deployment, EVENTS)
    await deployment.start("consume")
    worker = await deployment.start("work")
    async with loaded(deployment, produced, CHUNK):
        await until(partial(erased, deployment), PATIENCE, "the first orders lived their lives")
        await until(partial(at_least, worker, "audit_events_sent_total", EVENTS), PATIENCE, "it is told")
        async with refusing.refusal(kafka):
            waits = partial(said, deployment, "audit events wait", kafka.audit_topic, refusing.cause)
            await until(waits, PATIENCE, "the log says that events wait, and why")
            sent = (await worker.figures())["order_records_audit_events_sent_total"]
            gone = await database.ledger.count_documents({})
            await until(partial(erased, deployment, gone + MORE), PATIENCE, "erasing goes on")
            oldest = partial(at_least, worker, "outbox_oldest_seconds", WAITS_SECONDS)
            await until(oldest, PATIENCE, "the alarm's figure grows")
            unsigned = partial(said, deployment, "is not signed", kafka.checkpoint_topic, refusing.cause)
            await until(unsigned, PATIENCE, "the log says that nothing is signed, and why")
            assert (await worker.figures())["order_records_audit_events_sent_total"] == sent

    trail = await check_lived(deployment, produced, POLICY)
    assert worker.process.exit_code() is None
    signed = await check_signed(deployment, worker)
    assert len(signed.written) == len(trail.events) + trail.repeats
