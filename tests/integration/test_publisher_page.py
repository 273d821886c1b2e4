"""The producers of the publishers' page are run against a real Kafka, and what they sent is decoded."""

import asyncio
import os
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from audit.templates import expand
from local.servers.kafka_jars import java_and_maven, kafka_class_path
from runtime.topics import ORDER_MESSAGE_BYTES
from service.events import IncomingOrder, decode
from tests.integration.store_suite.data import NOW

PAGE: Final = (Path(__file__).parents[2] / "docs" / "publisher.md").read_text(encoding="utf-8")
MISSING: Final = [name for name in ("bash", "kcat", "jq") if shutil.which(name) is None]
NODE: Final = shutil.which("node")
SECONDS: Final = 90.0


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
async def topic(real_kafka: str, topic_names: Callable[[str], str]) -> str:
    """A topic for orders as the page wants it, with one partition; beside it one for audit events."""
    topic, audit = topic_names("orders"), topic_names("audit")
    admin = AIOKafkaAdminClient(bootstrap_servers=real_kafka)
    await admin.start()
    try:
        config = {"max.message.bytes": str(ORDER_MESSAGE_BYTES)}
        await admin.create_topics([NewTopic(topic, 1, 1, topic_configs=config), NewTopic(audit, 1, 1)])
    finally:
        await admin.close()
    return topic


async def events_of(bootstrap: str, topic: str, count: int) -> list["ConsumerRecord[bytes, bytes]"]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        async with asyncio.timeout(SECONDS):
            return [await consumer.getone() for _ in range(count)]
    finally:
        await consumer.stop()


async def orders_of(bootstrap: str, topic: str, count: int) -> list[Any]:
    """The numbers of the orders; each event has to be one that the consumer takes as it is."""
    numbers = []
    for event in await events_of(bootstrap, topic, count):
        incoming = decode(event.value, event.headers)
        assert isinstance(incoming, IncomingOrder)
        assert incoming.unknown_members == 0
        assert event.key is None or event.key.decode() == incoming.order["tenantOrderRecordId"]
        numbers.append(incoming.order["tenantOrderRecordId"])
    return numbers


def run(command: list[str], folder: Path, bootstrap: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(  # noqa: S603 (the commands are those of the page)
        command,
        cwd=folder,
        env={**os.environ, "KAFKA": bootstrap, "PATH": path},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def save_examples(folder: Path) -> None:
    """The page's three examples under the names that its commands use."""
    structured, binary, envelope = (block.encode() for block in blocks("json"))
    (folder / "structured.json").write_bytes(structured)
    (folder / "binary.json").write_bytes(binary)
    (folder / "envelopes.jsonl").write_bytes(orjson.dumps(orjson.loads(envelope)) + b"\n")


@pytest.mark.skipif(bool(MISSING), reason=f"not on this machine: {', '.join(MISSING)}")
async def test_the_commands_of_the_page_do_what_the_page_says(
    real_kafka: str, topic: str, topic_names: Callable[[str], str], tmp_path: Path
) -> None:
    save_examples(tmp_path)
    audit = topic_names("audit")
    await announce(real_kafka, audit, topic)
    script = "set -eo pipefail\n" + "\n".join(blocks("sh"))
    real = {"-t order-completed ": f"-t {topic} ", "-t order-records.audit ": f"-t {audit} "}
    for on_the_page, here in (real | {"-p 4 -o 18273": "-p 0 -o 0"}).items():
        assert on_the_page in script
        script = script.replace(on_the_page, here)

    done = await asyncio.to_thread(run, ["bash", "-c", script], tmp_path, real_kafka)

    assert done.returncode == 0, done.stdout + done.stderr
    said = [line for line in done.stdout.splitlines() if not line.startswith("note ")]
    assert said[:3] == ["accepted", "accepted", "accepted 1, skipped 0, refused 0"]
    assert said[3:] == [
        f"{topic}\t0\t0\t\tWRONG_TYPE\t/data/facilityRef",
        f"{topic}\t0\t7\t9\tUNREADABLE\t",
        f"{topic}\t0\t0\t7\tRETENTION\t",
        "accepted",
    ]
    assert await orders_of(real_kafka, topic, 3) == ["ORD-2026-000123"] * 3


async def announce(bootstrap: str, audit: str, topic: str) -> None:
    """One pointer of each kind on the audit topic, and what is none, in the words of the relay."""
    actor = "5f1e578d1ca982d2a636924b631770b9"
    items = {
        "quarantined": [topic, 0, 0, "WRONG_TYPE", "/data/facilityRef"],
        "quarantine.dropped": [topic, 0, 0, "WRONG_TYPE", "SENT_AGAIN", actor],
        "quarantine.skipped": [topic, 0, 7, "UNREADABLE", 9, "DAMAGED", actor],
        "offsets.lost": [topic, 0, 0, 7, "RETENTION"],
    }
    entry = {
        "_id": "6d40a11e-d170-54b9-91ae-f3b22be7cdca",
        "template": 1,
        "time": NOW,
        "policyDigest": f"sha256:{'0' * 64}",
        "policyVersion": 0,
        "build": "1.2.3",
    }
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        for kind, item in items.items():
            for record in expand({**entry, "kind": kind, "items": [item]}, "order-records"):
                await producer.send_and_wait(audit, record.value, key=record.key)


async def test_the_python_of_the_page_does_what_the_page_says(
    real_kafka: str, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA", real_kafka)
    (code,) = blocks("python")
    script = tmp_path / "page.py"
    script.write_text(code.replace('"order-completed"', f'"{topic}"'), encoding="utf-8")

    done: dict[str, Any] = await asyncio.to_thread(runpy.run_path, str(script))

    assert (done["sent"], done["failed"]) == ([(topic, 0, 0)], [])
    assert await orders_of(real_kafka, topic, 1) == ["PYTHON-1"]


@pytest.mark.skipif(not java_and_maven(), reason="needs Java 17, and Maven for Kafka's client")
async def test_the_java_of_the_page_does_what_the_page_says(
    real_kafka: str, topic: str, tmp_path: Path
) -> None:
    if not shutil.which("javac"):
        pytest.skip("needs a Java compiler: only the runtime is here")
    (code,) = blocks("java")
    source = tmp_path / "OrderProducer.java"
    source.write_text(code.replace('"order-completed"', f'"{topic}"'), encoding="utf-8")
    # Started from its source, which java compiles in memory.
    command = ["java", "-cp", await kafka_class_path(), str(source)]

    done = await asyncio.to_thread(run, command, tmp_path, real_kafka)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "partition 0, offset 0" in done.stdout
    assert await orders_of(real_kafka, topic, 1) == ["JAVA-1"]


@pytest.mark.skipif(NODE is None, reason="not on this machine: node")
async def test_the_javascript_of_the_page_is_sound(tmp_path: Path) -> None:
    (code,) = blocks("js")
    module = tmp_path / "producer.mjs"
    module.write_text(code, encoding="utf-8")

    done = await asyncio.to_thread(run, ["node", "--check", str(module)], tmp_path, "")

    assert done.returncode == 0, done.stderr
