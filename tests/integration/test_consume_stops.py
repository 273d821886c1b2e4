"""`consume` ends in order, within 15 seconds, although Kafka hangs."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any

from local.demo.children import Child
from local.samples.events import sample_events
from records.mongo.indexes import build_indexes
from records.policy import GdprPolicy
from tests.e2e.deployment import Deployment, until
from tests.e2e.fixtures import Deploy, deployed
from tests.parts import StartKafka

__all__ = ["deployed"]

END_SECONDS = 15


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def ended_in_order(consumer: Child) -> None:
    began = time.monotonic()
    code = await consumer.process.end(grace_seconds=25)
    assert (code, time.monotonic() - began < END_SECONDS) == (0, True), consumer.process.last_lines()


async def test_a_stop_ends_in_order_though_kafka_hangs(
    deployed: Deploy, mongo_uri: str, own_kafka: StartKafka
) -> None:
    kafka = await own_kafka()
    deployment = await deployed(mongo_uri, kafka.bootstrap, GdprPolicy(3000, 3000, version=1))
    await build_indexes(deployment.database)
    working = await deployment.start("consume")
    await stored(deployment)
    assert kafka.pid is not None
    with frozen(working.process.pid):  # so that its group waits for it, and lets nobody join
        joining = await deployment.start("consume", wait=False)
        await until(lambda: says(joining, b"readyz", b"has not joined"), 30, "about to join")
        await asyncio.sleep(1)
        assert await says(joining, b"readyz", b"has not joined")
        stack = ExitStack()
        stack.enter_context(frozen(kafka.pid))
    with stack:
        starting = await deployment.start("consume", wait=False)
        await until(lambda: says(starting, b"livez", b"ok"), 30, "about to start")
        await asyncio.sleep(2)
        await asyncio.gather(*(ended_in_order(each) for each in (working, joining, starting)))


async def stored(deployment: Deployment) -> None:
    events = sample_events(3, 50, at=datetime.now(UTC))
    await deployment.publish(labelled.event for labelled in events)

    async def there() -> Any:
        return await deployment.database.records.count_documents({}) >= 50

    await until(there, 30, "orders stored")


async def says(consumer: Child, path: bytes, text: bytes) -> bool:
    """Whether its health port says so; False while it says nothing."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", consumer.port)
    except OSError:
        return False
    writer.write(b"GET /" + path + b" HTTP/1.0\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return text in answer
