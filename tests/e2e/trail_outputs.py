"""All that the verbs of the trail print and write of a deployment, to be searched for what may not be in it.

    python -m tests.e2e.trail_outputs < {"export": ["audit", "export", "trail"], ...}

runs verbs one after another in one process: each as it is typed, its output in a file of its name.
"""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from aiokafka import ConsumerRecord

from cli.main import main
from tests.e2e.deployment import Deployment

NAMES_THE_ORDER: Final = "certificate.json"
"""The file that proves what was done to an order of a number: it is made to name it."""
_SECONDS: Final = 60.0
_RECORDS: Final = 2_000
Words = Mapping[str, Sequence[str]]


async def trail_outputs(deployment: Deployment, record: str, number: str, digest: str) -> dict[str, str]:
    """By name: what every verb of the trail prints, each file that it writes, and both topics in full.

    The record and the order of this number have events that are signed; the policy has this digest. Every
    verb must succeed; the export has what is signed on the audit topic, to the byte.
    """
    folder = deployment.folder / "trail-outputs"
    folder.mkdir()
    await _run(deployment, folder, _words(record, number, digest))
    topics = [await deployment.read(topic) for topic in _topics(deployment)]
    outputs = {
        records[0].topic: b"\n".join(map(_whole, records)).decode(errors="replace") for records in topics
    }
    exported = b"".join(path.read_bytes() for path in sorted((folder / "trail").glob("events-*.txt")))
    values = [line.split(b" ", 2)[2] for line in exported.splitlines()]
    there = [each.value for each in topics[0]]
    assert values, "nothing was signed"
    assert values == there[: len(values)], "the export is not what is on the topic"
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and "events-" not in path.name]
    return outputs | {str(path.relative_to(folder)): path.read_text(errors="replace") for path in files}


def _whole(record: "ConsumerRecord[bytes, bytes]") -> bytes:
    headers = [part or b"" for name, value in record.headers for part in (name.encode(), value)]
    return b" ".join([record.key or b"", *headers, record.value or b""])


def _topics(deployment: Deployment) -> tuple[str, str]:
    kafka = deployment.settings.kafka
    return kafka.audit_topic, kafka.checkpoint_topic


def _words(record: str, number: str, digest: str) -> Words:
    """The export comes first: what follows reads it, or the topics."""
    witness = ["--name", "compliance", "--signing-key-file", "witness.key", "--state", "witness.state"]
    by_number = ["--tenant-order-record-id", number]
    return {
        "export": ["audit", "export", "trail"],
        "verify": ["audit", "verify"],
        "verify-json": ["audit", "verify", "--json", "--keep", "seen.txt"],
        "show": ["audit", "show", "trail", "--limit", str(_RECORDS), "--json"],
        "show-one": ["audit", "show", "trail", *by_number],
        "policy": ["audit", "policy", digest],
        "proof": ["audit", "proof", "proof.json", "trail", "--record-id", record],
        "certificate": ["audit", "proof", NAMES_THE_ORDER, "trail", *by_number],
        "verify-proof": ["audit", "verify-proof", "proof.json", "--json"],
        "witness-key": ["keys", "witness", "witness.key", "--name", "compliance"],
        "witness": ["audit", "witness", *witness, "--cosigned", "cosigned", "--once"],
    }


async def _run(deployment: Deployment, folder: Path, words: Words) -> None:
    command = [sys.executable, "-m", "tests.e2e.trail_outputs"]
    environ = {**os.environ, **deployment.variables, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=environ, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        printed, _ = await asyncio.wait_for(process.communicate(json.dumps(words).encode()), _SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    codes = json.loads(printed)
    assert codes == dict.fromkeys(words, 0), codes


def _run_in_turn(words: Words) -> dict[str, int]:
    """The exit codes."""
    codes = {}
    for name, typed in words.items():
        sys.argv[1:] = typed
        with (
            Path(f"{name}.out").open("w", encoding="utf-8") as out,
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(out),
        ):
            try:
                main()
                codes[name] = 0
            except SystemExit as end:
                codes[name] = end.code if isinstance(end.code, int) else 1
    return codes


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_run_in_turn(json.load(sys.stdin))))
