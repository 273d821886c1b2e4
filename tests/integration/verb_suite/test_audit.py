"""The verbs of the trail on real topics, from the first event to an export that convinces without them."""

import asyncio
import base64
import hashlib
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewPartitions

from audit.checkpoint_book import told
from audit.following import LogKeys
from cli.audit_source import NOTHING, Topics
from local.servers.process import free_port
from records.mongo.policies import change_policy
from records.policy import DateRules, GdprPolicy
from records.policy_document import policy_digest, policy_document
from runtime.environment import variable
from runtime.kafka import admin_client
from runtime.kafka_settings import Kafka
from runtime.topics import topic_partitions
from tests.integration.verb_suite.shop import Shop, make_topic, one_line
from tests.parts import apart
from tests.trails import KEY, LOG, SEED, Trail
from tests.unfetchable import publish_unfetchable
from tests.verbs import RunVerb
from worker.notary import Notary, Pace

PATIENCE: Final = 30.0
_QUICK: Final = Pace(apart=0.1)


@pytest.fixture
def audit(run_verb: RunVerb) -> RunVerb:
    return lambda *words: run_verb("audit", *words)


@pytest.fixture
def kafka(real_kafka: str, topic_names: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> Kafka:
    """Both topics of a trail of the test's own, and the variables that lead to them."""
    made = Kafka(
        bootstrap_servers=real_kafka,
        audit_topic=topic_names("audit"),
        checkpoint_topic=topic_names("checkpoints"),
    )
    for topic in (made.audit_topic, made.checkpoint_topic):
        apart(make_topic(real_kafka, topic))
    for name in ("bootstrap_servers", "audit_topic", "checkpoint_topic"):
        monkeypatch.setenv(variable("kafka", name), getattr(made, name))
    monkeypatch.setenv(variable("secrets", "audit_signing_key"), base64.b64encode(SEED).decode())
    return made


async def write(kafka: Kafka, trail: Trail, first: int, age: float) -> None:
    """The trail's events from one on, as if they had been written so many seconds ago."""
    moment = int((time.time() - age) * 1000)
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap_servers) as producer:
        sent = [
            await producer.send(kafka.audit_topic, event.value, partition=0, timestamp_ms=moment)
            for event in trail.events[first:]
        ]
        await asyncio.gather(*sent)


async def signed(kafka: Kafka, until: Callable[[], Awaitable[bool]]) -> None:
    """Lets the real notary work until something is so."""
    stopping, notary = asyncio.Event(), Notary(kafka, SEED, LogKeys.of(SEED, LOG, []), _QUICK)
    task = asyncio.create_task(notary.run(stopping))
    try:
        async with asyncio.timeout(PATIENCE):
            while not await until():  # noqa: ASYNC110 (Kafka tells nobody)
                await asyncio.sleep(0.05)
    finally:
        stopping.set()
        await task


def wait_for_size(path: Path, size: int) -> None:
    """Until the checkpoint in a file covers so many events."""
    until, mark = time.monotonic() + PATIENCE, f"\n{size}\n"
    while not (path.exists() and mark in path.read_text()):
        assert time.monotonic() < until, f"{path.name} does not come to {size}"
        time.sleep(0.05)


def sign_all(kafka: Kafka, size: int) -> None:
    mark = f"\n{size}\n".encode()

    async def covered() -> bool:
        async for records in Topics(kafka).checkpoints(0, NOTHING):
            if any(mark in (record.value or b"") for record in records):
                return True
        return False

    apart(signed(kafka, covered))


def test_a_trail_is_verified_on_its_topics_and_from_what_was_exported_of_them(
    kafka: Kafka, audit: RunVerb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trail, seen = Trail(), tmp_path / "seen.txt"
    for n in range(1, 5):
        begin = len(trail.events)
        trail.erase(n, 100)
        trail.quarantine()
        apart(write(kafka, trail, begin, 5_000 - 1_000 * n))
        sign_all(kafka, len(trail.events))
        if n == 3:
            assert audit("verify", "--keep", str(seen)).code == 0
    facts = audit("verify", "--since", str(seen), "--json").json
    assert (facts["verdict"], facts["proven"], facts["findings"]) == ("SOUND", 412, [])
    assert facts["types"] == {
        "order-records.event.quarantined.v1": 12,
        "order-records.record.anonymized.v1": 200,
        "order-records.record.deleted.v1": 200,
    }

    assert audit("export", str(tmp_path / "whole")).code == 0
    period = ("--from", told(time.time() - 3_500), "--to", told(time.time() - 1_500))
    assert audit("export", str(tmp_path / "part"), *period, "--json").json["first"] == 103
    assert "is not empty" in one_line(audit("export", str(tmp_path / "part")))
    apart(write(kafka, trail, 300, 600))
    late = audit("verify", "--json")
    assert (late.code, [each["kind"] for each in late.json["findings"]]) == (2, ["UNCOVERED"])
    assert late.json["repeats"] == 112

    record = trail.values()[110] or b""
    subject = record.split(b'"subject":"')[1][:36].decode()
    assert audit("show", "--record-id", subject, "--json").json["events"][0]["offset"] == 110

    monkeypatch.setenv(variable("kafka", "bootstrap_servers"), f"127.0.0.1:{free_port()}")
    monkeypatch.delenv(variable("secrets", "audit_signing_key"))
    whole = audit("verify", str(tmp_path / "whole"), "--key", KEY.text, "--since", str(seen), "--json")
    assert (whole.code, whole.json["proven"]) == (0, 412)
    part = audit("verify", str(tmp_path / "part"), "--key", KEY.text, "--json")
    assert (part.code, part.json["events"], part.json["n"]) == (
        0,
        {"from": 103, "until": 309, "notRead": 0},
        {"first": 2, "last": 3},
    )
    assert "Kafka does not give the trail" in one_line(audit("verify", "--key", KEY.text))


def test_a_second_partition_is_told_and_a_missing_topic_is_not_made(
    kafka: Kafka, audit: RunVerb, monkeypatch: pytest.MonkeyPatch, topic_names: Callable[[str], str]
) -> None:
    async def widened() -> None:
        async with admin_client(kafka) as admin:
            await admin.create_partitions({kafka.audit_topic: NewPartitions(2)})

    apart(widened())
    facts = audit("verify", "--json").json
    assert (facts["exitCode"], [each["kind"] for each in facts["findings"]]) == (
        4,
        ["SECOND_PARTITION", "SILENCE"],
    )

    missing = topic_names("missing")
    monkeypatch.setenv(variable("kafka", "audit_topic"), missing)
    assert f"topic {missing} is missing" in one_line(audit("verify"))
    assert apart(topic_partitions(kafka, missing)) is None


def test_what_no_client_can_decode_is_junk_among_checkpoints_and_a_fault_among_events(
    kafka: Kafka, audit: RunVerb
) -> None:
    trail = Trail()
    trail.erase(1, 100)
    apart(write(kafka, trail, 0, 60))
    sign_all(kafka, 100)
    apart(publish_unfetchable(kafka.bootstrap_servers, kafka.checkpoint_topic, 3, after=2, beside=0))
    facts = audit("verify", "--json").json
    assert (facts["exitCode"], facts["findings"], facts["proven"]) == (0, [], 100)
    assert facts["notes"] == ["80 records of the checkpoint topic are no checkpoints of this trail"]

    apart(publish_unfetchable(kafka.bootstrap_servers, kafka.audit_topic, 3, after=2, beside=0))
    facts = audit("verify", "--json").json
    assert facts["exitCode"] == 4
    assert [(each["kind"], each["count"]) for each in facts["findings"] if each["exitCode"] != 2] == [
        ("NOT_AN_EVENT", 80),
        ("EVENT_MISSING", 3),
    ]
    assert ["the events at 103 to 105 are missing"] in [each["texts"] for each in facts["findings"]]


def test_the_policy_of_a_digest_is_printed_to_the_byte(shop: Shop, audit: RunVerb) -> None:
    rules = DateRules()
    printed = audit("policy", policy_digest(GdprPolicy(), rules))
    assert (printed.code, printed.out.encode()) == (0, policy_document(GdprPolicy(), rules))
    digest = hashlib.sha256(printed.out.encode()).hexdigest()
    assert audit("policy", digest.upper()).out == printed.out
    assert "no policy that the database knows has this digest" in one_line(audit("policy", "0" * 64))
    assert audit("policy", "nonsense").code == 64


def test_a_policy_that_was_replaced_is_still_known(shop: Shop, audit: RunVerb) -> None:
    wanted = GdprPolicy(retention_time=7, deletion_time_after_retention=70)
    changed = shop.do(lambda database: change_policy(database, wanted, "a" * 32, "1", DateRules()))
    again = GdprPolicy(retention_time=8, deletion_time_after_retention=70, version=changed.version)
    shop.do(lambda database: change_policy(database, again, "a" * 32, "1", DateRules()))
    for policy in (wanted, again, GdprPolicy()):
        assert audit("policy", policy_digest(policy, DateRules())).out.encode() == policy_document(
            policy, DateRules()
        )


def test_a_witness_follows_the_topics_and_its_word_is_wanted_by_a_verification(
    kafka: Kafka, audit: RunVerb, run_verb: RunVerb, tmp_path: Path
) -> None:
    files = {name: str(tmp_path / name) for name in ("key", "state", "cosigned")}
    witness_key = run_verb("keys", "witness", files["key"], "--name", "compliance").out.strip()
    words = ["--key", KEY.text, "--name", "compliance", "--signing-key-file", files["key"]]
    words += ["--state", files["state"], "--cosigned", files["cosigned"]]
    assert audit("witness", *words, "--once").out == "nothing is signed yet\n"

    trail = Trail()
    trail.erase(1, 100)
    apart(write(kafka, trail, 0, 60))
    sign_all(kafka, 100)
    command = [sys.executable, "-m", "cli.main", "audit", "witness", *words]
    following = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603
    try:
        wait_for_size(tmp_path / "cosigned" / "latest", 100)
        assert "is in use" in one_line(audit("witness", *words, "--once"))
        trail.erase(2, 100)
        apart(write(kafka, trail, 100, 30))
        sign_all(kafka, 200)
        wait_for_size(tmp_path / "cosigned" / "latest", 200)
    finally:
        following.send_signal(signal.SIGINT)
        out, _ = following.communicate(timeout=PATIENCE)
    assert following.returncode == 0
    assert [line for line in out.splitlines() if "200" in line] == ["co-signed  200 events"]

    policy = ("--witness", witness_key, "--cosigned", files["cosigned"])
    facts = audit("verify", *policy, "--json").json
    assert (facts["exitCode"], facts["proven"]) == (0, 200)
    assert audit("verify", "--witness", witness_key).code == 2
