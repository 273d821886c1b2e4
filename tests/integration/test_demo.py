"""The demo as whoever types it sees it: it checks itself, notices what is gone, and leaves nothing behind."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from pymongo import AsyncMongoClient

COMMAND = [sys.executable, "-m", "cli.main"]
Demo = subprocess.Popen[str]


@contextmanager
def running(*arguments: str, **variables: str) -> Iterator[Demo]:
    """The demo with these words, ended with the block."""
    command = [*COMMAND, "dev", "--kafka", "in-process", *arguments]
    env = {**os.environ, "ORDER_RECORDS_MONGO__URI": "", **variables}
    with subprocess.Popen(  # noqa: S603 - the command is ours
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env, start_new_session=True
    ) as demo:
        try:
            yield demo
        finally:
            demo.kill()


def family(demo: Demo) -> list[psutil.Process]:
    return psutil.Process(demo.pid).children(recursive=True)


def child_named(demo: Demo, word: str) -> psutil.Process:
    found = [p for p in family(demo) if word in " ".join(p.cmdline()) and "guard.py" not in p.cmdline()[-2]]
    return found[0]


def until_line(demo: Demo, start: str) -> list[str]:
    """What it printed up to the line that starts so."""
    assert demo.stdout is not None
    lines = []
    for line in demo.stdout:
        lines.append(line)
        if line.startswith(start):
            return lines
    raise AssertionError(f"no line starts with {start!r}: {''.join(lines)}")


def interrupted(demo: Demo) -> tuple[str, float]:
    """The rest of what it printed after a Ctrl-C, and how long it took; nothing of it is left."""
    children, start = family(demo), time.monotonic()
    demo.send_signal(signal.SIGINT)
    output, _ = demo.communicate(timeout=30)
    seconds = time.monotonic() - start
    _, left = psutil.wait_procs(children, timeout=1)
    assert not left
    return output, seconds


@pytest.mark.parametrize("reached", ["", "MongoDB", "confluent-kafka"])
def test_a_ctrl_c_while_it_starts_ends_it_with_130_and_without_a_traceback(reached: str) -> None:
    with running() as demo:
        if reached:
            until_line(demo, reached)
        else:
            time.sleep(0.8)

        output, took = interrupted(demo)

    assert demo.returncode in {130, -signal.SIGINT}
    assert took < 10
    assert "Traceback" not in output
    assert "claim" not in output


def test_a_ctrl_c_while_maven_fetches_kafka_ends_maven(tmp_path: Path) -> None:
    maven = tmp_path / "mvn"
    maven.write_text("#!/bin/sh\nexec sleep 300\n")
    maven.chmod(0o755)
    variables = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "XDG_CACHE_HOME": str(tmp_path)}
    with running("--kafka", "apache", **variables) as demo:
        until_line(demo, "MongoDB")
        time.sleep(1)
        assert child_named(demo, "sleep 300").is_running()

        output, took = interrupted(demo)

    assert demo.returncode == 130
    assert took < 10
    assert output == "Interrupted: nothing was checked.\n"
    assert not list((tmp_path / "order-records").iterdir())


def test_it_ends_with_1_and_says_so_when_consume_ended() -> None:
    with running("--orders", "1000") as demo:
        until_line(demo, "Logs and data")
        child_named(demo, "consume").kill()

        output, _ = demo.communicate(timeout=30)

    assert demo.returncode == 1
    assert "Error: the demo ends: `consume` ended (-9)" in output


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not on this machine")
def test_the_call_that_it_prints_lists_orders_and_a_ctrl_c_ends_it_with_its_claims() -> None:
    with running() as demo:
        call = until_line(demo, "  curl ")[-1].strip()
        until_line(demo, "    0 s")
        listed = until_listed(call)

        output, took = interrupted(demo)

    assert listed["orderRecords"][0]["lineItems"]
    assert demo.returncode == 0, output
    assert took < 10
    assert "the API shows orders as MongoDB has them │ yes" in output


def until_listed(call: str) -> Any:
    """What the call says once there is an order."""
    end = time.monotonic() + 15
    while time.monotonic() < end:
        run = subprocess.run(  # noqa: S602 - the line is what a user would paste into a shell
            f"{call} --silent --fail --max-time 5", shell=True, capture_output=True, text=True, check=True
        )
        listed = json.loads(run.stdout)
        if listed["total"]:
            return listed
        time.sleep(0.2)
    raise AssertionError("no order is listed")


async def test_on_servers_of_others_it_drops_what_it_made_and_takes_no_secret_from_a_file(
    mongo_uri: str, real_kafka: str, tmp_path: Path
) -> None:
    variables = {
        "ORDER_RECORDS_MONGO__URI": mongo_uri,
        "ORDER_RECORDS_KAFKA__BOOTSTRAP_SERVERS": real_kafka,
        "ORDER_RECORDS_SECRETS__ID_KEY_FILE": str(tmp_path / "key"),
    }
    with running("--for", "4", **variables) as demo:
        output, _ = demo.communicate(timeout=60)

    assert demo.returncode == 0, output
    assert "Dropped database order_records_demo_" in output
    assert "Deleted topics order_topic-demo-" in output
    async with AsyncMongoClient[dict[str, Any]](mongo_uri) as client:
        assert not [name for name in await client.list_database_names() if name in output]
    admin = AIOKafkaAdminClient(bootstrap_servers=real_kafka)
    await admin.start()
    try:
        assert not [name for name in await admin.list_topics() if name in output]
    finally:
        await admin.close()


def sample(kafka: str, topic: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    variables = {"ORDER_RECORDS_KAFKA__BOOTSTRAP_SERVERS": kafka, "ORDER_RECORDS_KAFKA__ORDER_TOPIC": topic}
    command = [*COMMAND, "sample", *arguments]
    return subprocess.run(  # noqa: S603 - the command is ours
        command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **variables}
    )


def test_sample_says_in_one_line_that_the_topic_is_missing(
    real_kafka: str, topic_names: Callable[[str], str]
) -> None:
    run = sample(real_kafka, topic_names("absent"), "5")

    assert run.returncode == 1
    assert run.stderr.startswith(f"Error: Kafka has no topic {topic_names('absent')}")
    assert run.stderr.count("\n") == 1


async def test_sample_fails_when_the_broker_refuses_its_events(
    real_kafka: str, topic_names: Callable[[str], str]
) -> None:
    await create_topic(real_kafka, topic_names("small"), {"max.message.bytes": "10000"})

    run = sample(real_kafka, topic_names("small"), "3", "--kind", "too-large")

    assert run.returncode == 1
    assert run.stdout == ""
    assert run.stderr == "Error: Kafka does not take the events: MessageSizeTooLargeError\n"


async def test_sample_breaks_events_in_the_asked_ways_only(
    real_kafka: str, topic_names: Callable[[str], str]
) -> None:
    await create_topic(real_kafka, topic_names("orders"), {})

    run = sample(real_kafka, topic_names("orders"), "4", "--kind", "empty-body", "--seed", "7", "--json")

    assert (run.returncode, run.stdout) == (0, '{"events":4,"broken":4,"seed":7}\n')


async def create_topic(kafka: str, name: str, config: dict[str, str]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, 1, 1, topic_configs=config)])
    finally:
        await admin.close()
