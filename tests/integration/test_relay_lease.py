"""A relay that leads no more sends nothing more: no rest of a batch, and nothing that is buffered."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
import structlog

from records.mongo.client import Database, open_database
from records.mongo.indexes import build_indexes
from records.mongo.outbox import unsent
from runtime.settings import Settings
from tests.integration.test_relay import (
    announce_erasures,
    expected,
    is_empty,
    make_topic,
    running,
    settings_for,
    until,
    until_sent,
    written,
)
from tests.parts import StartKafka
from worker.relay import Relay

SIZE = 1_000
"""Three batches and more on their way to Kafka."""


@pytest.fixture
async def database(mongo_uri: str, fresh_database: str) -> AsyncIterator[Database]:
    async with open_database(mongo_uri, fresh_database) as database:
        await build_indexes(database)
        yield database


@pytest.fixture
def settings(real_kafka: str, topic_names: Callable[[str], str]) -> Settings:
    return settings_for(real_kafka, topic_names("audit"))


class Leading:
    """Whether a worker leads, as its lease says: for so many questions, or for as long as a test wants."""

    def __init__(self, answers: int | None = None) -> None:
        self.answers = answers
        self.asked = 0

    def __call__(self) -> bool:
        self.asked += 1
        return self.answers is None or self.asked <= self.answers


@pytest.fixture
def lines() -> Iterator[list[structlog.typing.EventDict]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


@pytest.mark.parametrize("answers", [1, 3, 5])
async def test_whenever_the_lease_ends_the_rest_of_the_batch_is_not_sent_and_waits_for_who_leads(
    settings: Settings, database: Database, lines: list[structlog.typing.EventDict], answers: int
) -> None:
    await make_topic(settings)
    for n in (1, 2):
        await announce_erasures(database, n, SIZE)
    entries, paused, heir = await unsent(database, 100), Leading(answers), Leading()

    def told() -> bool:
        return any("LeaseLost" in str(line.get("error")) for line in lines)

    async def told_or_done() -> bool:
        return told() or await is_empty(database)

    async with running(Relay(settings, database, paused)):
        await until(told_or_done)
        assert told()
        async with running(Relay(settings, database, heir)):
            await until_sent(database)
        await asyncio.sleep(1.2)  # it tries again after half a second, and after one more
    sent, whole = await written(settings), expected(entries)
    before = len(sent) - len(whole)
    assert 0 <= before < len(whole)
    assert sent == [*whole[:before], *whole]


@pytest.mark.faults
async def test_what_is_buffered_when_the_lease_ends_is_dropped_and_not_sent_when_kafka_is_back(
    own_kafka: StartKafka, database: Database
) -> None:
    broker = await own_kafka()
    settings, leading = settings_for(broker.bootstrap, "audit"), Leading()
    await make_topic(settings)
    async with running(Relay(settings, database, leading)):
        await announce_erasures(database, 1)
        sent = expected(await unsent(database, 100))
        await until_sent(database)
        assert broker.pid
        os.kill(broker.pid, signal.SIGKILL)
        asked = leading.asked
        await announce_erasures(database, 2)
        waiting = await unsent(database, 100)

        async def is_buffered() -> bool:
            return leading.asked > asked + 2

        await until(is_buffered)
        leading.answers = 0
        await broker.restart()
        await asyncio.sleep(3)
        assert await written(settings) == sent
        assert await unsent(database, 100) == waiting
        leading.answers = None
        await until_sent(database)
    assert await written(settings) == sent + expected(waiting)
