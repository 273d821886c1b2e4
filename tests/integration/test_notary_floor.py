"""Whoever owns both topics has nothing signed that does not contain what was signed before."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import pytest
import structlog

from audit.checkpoints import Checkpoint, sign_checkpoint
from audit.following import LogKeys
from audit.keys import verifier_key
from audit.merkle import CompactRange
from records.mongo.client import Database, open_database
from records.mongo.errors import StoreUnavailable
from records.mongo.signed import raise_signed, signed_so_far
from tests.integration.test_notary import (
    LOG,
    RETIRED_SEED,
    SEED,
    Topics,
    events,
    kafka_of,
    notary,
    root,
    running,
    until,
    until_fault,
)
from worker.checkpoint_writer import CheckpointWriter
from worker.floor import StoredFloor
from worker.notary import Notary

ROTATED: Final = LogKeys.of(SEED, LOG, [verifier_key(RETIRED_SEED, LOG)])


@pytest.fixture
async def database(mongo_uri: str, fresh_database: str) -> AsyncIterator[Database]:
    async with open_database(mongo_uri, fresh_database) as database:
        yield database


@pytest.fixture
async def topics(real_kafka: str, topic_names: Callable[[str], str]) -> Topics:
    made = Topics(kafka_of(real_kafka, topic_names("audit"), topic_names("checkpoints")))
    await made.make(made.kafka.audit_topic, made.kafka.checkpoint_topic)
    return made


def above(database: Database, topics: Topics, **options: Any) -> Notary:
    return notary(topics, floor=StoredFloor(database, LOG), **options)


async def replayed(old: Topics, new: Topics, most: int) -> None:
    """Both topics made anew, as whoever owns them can: the checkpoints up to a size, to the byte."""
    writer = CheckpointWriter(new.kafka)
    for opened, tree in await old.signed():
        if opened.checkpoint.size <= most:
            records = await old.read(old.checkpoints)
            note = next(each.value for each in records if f"\n{tree.size}\n".encode() in (each.value or b""))
            await writer.write(LOG, note or b"", tree)
    await writer.close()


@pytest.fixture
async def remade(real_kafka: str, topic_names: Callable[[str], str]) -> Topics:
    made = Topics(kafka_of(real_kafka, topic_names("audit-2"), topic_names("checkpoints-2")))
    await made.make(made.kafka.audit_topic, made.kafka.checkpoint_topic)
    return made


async def signed_up_to(topics: Topics, database: Database, *sizes: int) -> None:
    """By a notary that knows the floor."""
    written = 0
    async with running(above(database, topics)):
        for size in sizes:
            await topics.write(events(written, size))
            await topics.until_signed(size)
            written = size


async def test_topics_that_were_cut_at_an_old_checkpoint_are_shorter_and_then_different(
    topics: Topics, remade: Topics, database: Database
) -> None:
    await signed_up_to(topics, database, 10, 20, 30)
    await replayed(topics, remade, most=20)
    before = len(await remade.signed())
    await remade.write([*events(0, 20), *events(20, 25, "1")])
    async with running(above(database, remade)):
        await until_fault("shorter")
    await remade.write(events(25, 60, "1"))
    async with running(above(database, remade)):
        await until_fault("different")
    assert len(await remade.signed()) == before > 0
    assert await signed_so_far(database, LOG) == (30, root(events(0, 30)))


async def test_a_lower_floor_is_harmless_and_is_raised_again(topics: Topics, database: Database) -> None:
    await signed_up_to(topics, database, 10)
    restored = await database.state.find_one({"_id": "signed"})
    assert restored is not None
    await topics.write(events(10, 30))
    async with running(above(database, topics)):
        await topics.until_signed(30)
    await database.state.replace_one({"_id": "signed"}, restored)
    await topics.write(events(30, 40))
    async with running(above(database, topics)):
        signed = await topics.until_signed(40)
    assert signed[-1][0].checkpoint.root == root(events(0, 40))
    assert await signed_so_far(database, LOG) == (40, root(events(0, 40)))


class Killed(BaseException):
    """The process ends here."""


async def test_a_notary_that_was_killed_between_the_floor_and_its_checkpoint_is_followed_by_another(
    topics: Topics, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await signed_up_to(topics, database, 10)
    await topics.write(events(10, 20))

    async def killed(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(CheckpointWriter, "write", killed)
        with pytest.raises(Killed):
            await asyncio.wait_for(above(database, topics).run(asyncio.Event()), 30)
    assert await signed_so_far(database, LOG) == (20, root(events(0, 20)))
    async with running(above(database, topics)):
        await topics.until_signed(20)


async def test_two_notaries_at_once_raise_one_floor_and_sign_one_history(
    topics: Topics, database: Database
) -> None:
    async with running(above(database, topics), above(database, topics)):
        for first in range(0, 200, 20):
            await topics.write(events(first, first + 20))
        signed = await topics.until_signed(200)
    for opened, _ in signed:
        assert opened.checkpoint.root == root(events(0, opened.checkpoint.size))
    assert await signed_so_far(database, LOG) == (200, root(events(0, 200)))


async def test_while_mongodb_is_away_what_was_signed_is_signed_on_and_nothing_more(
    topics: Topics, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed, away = [0.0], [False]

    async def raised(*arguments: Any) -> bool:
        if away[0]:
            raise StoreUnavailable("away")
        return await raise_signed(*arguments)

    monkeypatch.setattr("worker.floor.raise_signed", raised)
    await topics.write(events(0, 10))
    async with running(above(database, topics, monotonic=lambda: time.monotonic() + passed[0])):
        await topics.until_signed(10)
        away[0] = True
        count = len(await topics.signed())
        passed[0] += 3_600.0
        await topics.until_signed(10, more_than=count)
        await topics.write(events(10, 20))
        passed[0] += 60.0
        await asyncio.sleep(2)
        assert {opened.checkpoint.size for opened, _ in await topics.signed()} <= {0, 10}
        away[0] = False
        await topics.until_signed(20)


async def test_a_retired_key_that_lies_stops_nothing_and_is_told(topics: Topics, database: Database) -> None:
    await topics.write(events(0, 12))
    lie = CompactRange()
    lie.extend(events(0, 11, " of a thief"))
    writer = CheckpointWriter(topics.kafka)
    async with running(above(database, topics, keys=ROTATED)):
        await topics.until_signed(12)
    note = sign_checkpoint(Checkpoint.of(LOG, lie), RETIRED_SEED, 1)
    await writer.write(LOG, note, lie)
    await writer.close()
    await topics.write(events(12, 20))
    with structlog.testing.capture_logs() as lines:
        async with running(above(database, topics, keys=ROTATED)):
            await until(lambda: covers(topics, 20))
    assert "a retired key has signed another trail" in {line["event"] for line in lines}


async def covers(topics: Topics, size: int) -> bool:
    signed = await topics.signed(ROTATED)
    return any(each.checkpoint.size == size and each.key == ROTATED.current for each, _ in signed)
