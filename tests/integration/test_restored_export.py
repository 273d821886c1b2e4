"""A database that was put back is mended by exports, where the audit topic has not all of its trail."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import NewTopic
from aiokafka.admin.records_to_delete import RecordsToDelete

from audit.checkpoint_book import told
from audit.checkpoints import Checkpoint, sign_checkpoint
from audit.keys import seed_key
from audit.merkle import CompactRange
from audit.types import LEDGER_REAPPLIED, RECORD_DELETED
from cli.lifecycle_reapply import reapplied
from cli.reapply_exports import verified_exports
from cli.reapply_vouching import live_trail
from records.mongo.lease import Lease
from records.mongo.restored import Pulse
from records.mongo.sweep import Action, sweep
from runtime.errors import UserError
from runtime.trail import read_range
from tests.e2e.checker import check_sequence, read_trail
from tests.e2e.deployment import until
from tests.integration.store_suite.data import DAY, LIVE, NOW, all_records, prepared, store_all, sweep_context
from tests.running_consumer import PATIENCE, SECRET, Topic
from tests.running_restore import audited_topic_of, bind, copied, put_back, settled, trail_values, working
from tests.verbs import RunVerb, verb_runner
from worker.checkpoint_writer import CheckpointWriter
from worker.relay import Relay

AGO: Final = NOW - DAY
MASKED, FIRST, SECOND, THIRD, KEPT = (prepared(number, LIVE).id for number in range(5))


@pytest.fixture
async def topic(
    mongo_uri: str, fresh_database: str, real_kafka: str, topic_names: Callable[[str], str]
) -> AsyncIterator[Topic]:
    """Five records, of which none is due, in a database that agrees with its trail."""
    often = {"ORDER_RECORDS_WORKER__SWEEP_INTERVAL_SECONDS": "0.2"}
    async with audited_topic_of(mongo_uri, fresh_database, real_kafka, topic_names, **often) as made:
        await made.admin.create_topics([NewTopic(made.settings.kafka.checkpoint_topic, 1, 1)])
        await bind(made)
        await Pulse(made.database).renew(compared=True)
        await store_all(made.database, *(prepared(number, LIVE) for number in range(5)))
        yield made


async def announced(topic: Topic) -> None:
    """The relay, until the outbox is empty."""
    stopping = asyncio.Event()
    running = asyncio.create_task(Relay(topic.settings, topic.database).run(stopping))

    async def empty() -> bool:
        return not await topic.database.outbox.count_documents({})

    try:
        await until(empty, PATIENCE, "everything announced")
    finally:
        stopping.set()
        await running


async def erase(topic: Topic, date: str, identifier: str) -> None:
    """Makes a record due, as a shorter policy does, and erases it: a batch of its own."""
    database = topic.database
    await database.records.update_one({"_id": identifier}, {"$set": {date: AGO}})
    async with database.session() as session:
        lease = Lease(database, session, "leader", 60)
        assert await lease.acquire()
        action = Action.DELETE if date == "deletionDate" else Action.ANONYMIZE
        assert await sweep(sweep_context(database, lease), action, 10) == [identifier]
        await lease.release()
    await announced(topic)


async def sign(topic: Topic, seed: bytes | None = None) -> int:
    """A checkpoint of all that is on the topic, by today's key or another one; how much that is."""
    values, tree = await trail_values(topic.settings), CompactRange()
    tree.extend(values)
    name, today = topic.settings.audit.log_name, topic.settings.secrets.require("audit_signing_key")
    writer = CheckpointWriter(topic.settings.kafka)
    try:
        note = sign_checkpoint(Checkpoint.of(name, tree), seed or today, int(time.time()))
        await writer.write(name, note, tree)
    finally:
        await writer.close()
    return len(values)


@pytest.fixture
def run(topic: Topic, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RunVerb:
    """`order-records` as somebody types it who works on this trail; to be run in a thread of its own."""
    kafka = topic.settings.kafka
    variables = {
        **topic.variables,
        "ORDER_RECORDS_KAFKA__AUDIT_TOPIC": kafka.audit_topic,
        "ORDER_RECORDS_KAFKA__CHECKPOINT_TOPIC": kafka.checkpoint_topic,
        "ORDER_RECORDS_SECRETS__AUDIT_SIGNING_KEY": SECRET,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return verb_runner(monkeypatch, capsys)


async def exported(run: RunVerb, folder: Path, since: datetime | None = None) -> Path:
    """What is signed, from a time on or all of it."""
    period = () if since is None else ("--from", told(since.timestamp()))
    printed = await asyncio.to_thread(run, "audit", "export", str(folder), *period)
    assert printed.code == 0, printed.err
    return folder


async def reapply(
    topic: Topic, *folders: Path, dry: bool = False, accept: bool = False, retired: bytes | None = None
) -> dict[str, Any]:
    """What the verb prints."""
    settings = topic.settings
    seeds = [settings.secrets.require("audit_signing_key"), *([] if retired is None else [retired])]
    keys = [seed_key(seed, settings.audit.log_name) for seed in seeds]
    exports = await verified_exports(
        folders, keys, lambda *_: None, accept_gaps=accept, live=lambda: live_trail(settings.kafka)
    )
    return (await reapplied(settings, exports, accept_gaps=accept, dry=dry, actor="test")).facts()


async def stand(topic: Topic) -> dict[str, Any]:
    """All that must stay as it is: everything but the heartbeat and the lease's time."""
    whole = await copied(topic.database)
    whole["state"] = [row for row in whole["state"] if row["_id"] not in {"heartbeat", "lease"}]
    lease = await topic.database.state.find_one({"_id": "lease"}) or {}
    return {**whole, "n": lease.get("n", 0)}


async def assert_refused(topic: Topic, words: str, *folders: Path) -> None:
    before = await stand(topic)
    with pytest.raises(UserError, match=f"nothing was changed.*{words}"):
        await reapply(topic, *folders)
    assert await stand(topic) == before


async def lose(topic: Topic) -> None:
    """The audit topic is gone."""
    name = topic.settings.kafka.audit_topic

    async def gone() -> bool:
        return name not in await topic.admin.list_topics()

    await topic.admin.delete_topics([name])
    await until(gone, PATIENCE, "the audit topic is gone")


async def values_from(topic: Topic, offset: int) -> Sequence[bytes]:
    kafka = topic.settings.kafka
    return [
        record.value or b""
        async for batch in read_range(kafka, kafka.audit_topic, offset)
        for record in batch
    ]


async def test_exports_tell_what_the_topic_has_lost_and_the_topic_what_came_after_them(
    topic: Topic, run: RunVerb, tmp_path: Path
) -> None:
    database, audit = topic.database, topic.settings.kafka.audit_topic
    backup = await copied(database)
    await erase(topic, "gdprCleanupDate", MASKED)
    await erase(topic, "deletionDate", FIRST)
    await sign(topic)
    first = await exported(run, tmp_path / "first")
    since = datetime.now(UTC)
    await erase(topic, "deletionDate", SECOND)
    end = await sign(topic)
    second = await exported(run, tmp_path / "second", since)
    await erase(topic, "deletionDate", THIRD)
    trail = await trail_values(topic.settings)
    await topic.admin.delete_records({TopicPartition(audit, 0): RecordsToDelete(end - 1)})

    await put_back(database, backup)
    await assert_refused(
        topic, "batches of erasures 1 to 2 are older than all that is there: it begins with event 2"
    )
    await assert_refused(topic, "batches of erasures 1 to 2 are older than all that is there", second)
    await topic.admin.delete_records({TopicPartition(audit, 0): RecordsToDelete(end)})
    await assert_refused(topic, "event 2 is in no export, and not on the topic", first)

    dry = await reapply(topic, second, first, dry=True)
    done = await reapply(topic, second, first)
    assert {**dry, "dryRun": False} == done
    assert (done["ids"], done["dates"], done["lastN"], done["notCovered"]) == (3, 4, 4, [])
    after = await stand(topic)
    for again in ((second, first), (first, second), ()):
        assert (await reapply(topic, *again))["changed"] is False
    assert await stand(topic) == after

    async with working(topic.settings):
        await settled(topic)
    left = await all_records(database)
    assert {i: row["anonymized"] for i, row in left.items()} == {MASKED: True, KEPT: False}
    assert {row["_id"] async for row in database.ledger.find()} == {FIRST, SECOND, THIRD}
    whole = read_trail([*trail, *await values_from(topic, len(trail))])
    check_sequence(whole)
    assert whole.subjects(RECORD_DELETED) == {FIRST: 2, SECOND: 2, THIRD: 2}
    assert len(whole.of(LEDGER_REAPPLIED)) == 1


async def test_where_the_topic_is_gone_nothing_is_done_before_somebody_accepts_what_is_not_known(
    topic: Topic, run: RunVerb, tmp_path: Path
) -> None:
    database, kafka = topic.database, topic.settings.kafka
    backup = await copied(database)
    await erase(topic, "gdprCleanupDate", MASKED)
    await erase(topic, "deletionDate", FIRST)
    await sign(topic)
    await erase(topic, "deletionDate", SECOND)  # nobody has signed that yet
    folder = await exported(run, tmp_path / "trail")
    await lose(topic)
    await put_back(database, backup)
    await topic.admin.create_topics([NewTopic(kafka.audit_topic, 1, 1)])
    for _ in range(3):  # nothing, then too little, then as much as the export has, and other events
        await assert_refused(topic, "does not go on where the exports end, after event 1", folder)
        await topic.producer.send_and_wait(kafka.audit_topic, b"{}", partition=0)
    await lose(topic)

    await assert_refused(topic, f"audit topic {kafka.audit_topic} is not there.*after event 1, the", folder)
    before = await stand(topic)
    assert len((await reapply(topic, folder, dry=True))["notCovered"]) == 1
    with pytest.raises(UserError, match="name the folders that `order-records audit export` made"):
        await reapply(topic)
    await check_damage(run, folder, tmp_path)
    assert await stand(topic) == before

    done = await reapply(topic, folder, accept=True)
    assert (done["ids"], done["dates"], done["lastN"], len(done["notCovered"])) == (1, 2, 2, 1)
    after = await stand(topic)
    assert (await reapply(topic, folder, accept=True))["changed"] is False
    assert await stand(topic) == after

    async def erased() -> bool:
        left = await all_records(database)
        return {i: row["anonymized"] for i, row in left.items()} == {
            MASKED: True,
            SECOND: False,
            THIRD: False,
            KEPT: False,
        }

    async with working(topic.settings):
        await until(erased, PATIENCE, "what is signed is erased again, though nothing can be announced")


async def check_damage(run: RunVerb, folder: Path, tmp_path: Path) -> None:
    """The erasure of another record is written into a copy."""
    damaged = tmp_path / "damaged"
    shutil.copytree(folder, damaged)
    [events] = damaged.glob("events-*.txt")
    events.write_bytes(events.read_bytes().replace(FIRST.encode(), KEPT.encode()))
    printed = await asyncio.to_thread(run, "lifecycle", "reapply", str(damaged), "--accept-gaps")
    assert (printed.code, "INVALID ALTERED: events were changed" in printed.out) == (4, True)
    refusal = (
        f"Error: nothing was changed: export {damaged} is not sound (see above); take a copy that is whole"
    )
    assert printed.err.startswith(refusal)


async def test_where_only_the_live_topic_has_what_todays_key_has_signed_it_speaks_for_the_export_before_it(
    topic: Topic, run: RunVerb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, audit, retired = topic.database, topic.settings.kafka.audit_topic, bytes([7]) * 32
    name = topic.settings.audit.log_name
    monkeypatch.setenv("ORDER_RECORDS_AUDIT__PUBLIC_KEYS", seed_key(retired, name).text)
    backup = await copied(database)
    await erase(topic, "deletionDate", FIRST)
    signed = await sign(topic, retired)
    folder = await exported(run, tmp_path / "before")
    await erase(topic, "deletionDate", SECOND)

    refused = await asyncio.to_thread(run, "lifecycle", "reapply", str(folder))
    assert (refused.code, "GAP RETIRED_KEY: " in refused.out) == (2, True)
    assert "name the exports that go on from it as well, up to one that today's key has signed" in refused.err
    await sign(topic)
    await topic.admin.delete_records({TopicPartition(audit, 0): RecordsToDelete(signed)})
    await put_back(database, backup)
    done = await reapply(topic, folder, retired=retired)
    assert (done["ids"], done["lastN"], done["notCovered"]) == (2, 2, [])
