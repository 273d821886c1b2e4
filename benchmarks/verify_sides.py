"""What is measured of the trail: its verification against a bare tree, a proof, and the notary."""

import os
import secrets
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.lifecycle_task import read_answer
from benchmarks.meter import Run
from benchmarks.rounds import Runs
from benchmarks.verify_program import run_program
from benchmarks.verify_report import CHECK, NOTARY, PROOF, TENTH, TOPICS, TREE, VERIFY
from benchmarks.verify_trail import KEY, Export
from cli.audit_folder import CHECKPOINTS
from runtime.environment import variable
from runtime.kafka_settings import Kafka
from runtime.settings import Settings
from runtime.topics import ensure_topics

SIDES: Final = ("verify", "tree", "proof", "notary")
_AUDIT: Final = (sys.executable, "-m", "cli.main", "audit")
_TREE: Final = """
import base64, pathlib, sys
from audit.merkle import CompactRange
from cli.audit_lines import read_checkpoints
folder, tree = pathlib.Path(sys.argv[1]), CompactRange()
for path in sorted(folder.glob("events-*.txt")):
    with path.open("rb") as opened:
        while lines := opened.readlines(1 << 20):
            tree.extend([line[:-1].split(b" ", 2)[2] for line in lines])
last = read_checkpoints((folder / sys.argv[2]).read_bytes())[-1].value
assert base64.b64encode(tree.root()) in last
"""


@dataclass(frozen=True)
class Sides:
    """An export, a short one, and as many events as the first has on a topic, where there is a Kafka."""

    folder: Path
    export: Export
    short: Export
    kafka: Kafka | None

    async def measure(self, name: str) -> Runs:
        """One side. Raises UserError when it fails."""
        return await _MEASURE[name](self)

    async def run(self, *words: str, records: int, environment: Mapping[str, str] | None = None) -> Run:
        """A verb of `audit`."""
        command = [*_AUDIT, *words, "--key", KEY.text]
        return await run_program(command, records, self.folder, environment)


async def _verify(sides: Sides) -> Runs:
    found = Runs()
    for name, export in ((TENTH, sides.short), (VERIFY, sides.export)):
        found[name] = await sides.run("verify", str(export.folder), records=export.events)
    return found


async def _tree(sides: Sides) -> Runs:
    command = [sys.executable, "-c", _TREE, str(sides.export.folder), CHECKPOINTS]
    return {TREE: await run_program(command, sides.export.events, sides.folder)}


async def _proof(sides: Sides) -> Runs:
    """Made from the export, and verified with nothing but the file and the key."""
    export, file = sides.export, str(sides.folder / "proof.json")
    words = ("proof", file, str(export.folder), "--record-id", export.record)
    made = await sides.run(*words, records=export.events)
    return {PROOF: made, CHECK: await sides.run("verify-proof", file, records=1)}


async def _notary(sides: Sides) -> Runs:
    """From the trail's first event, since nothing is signed yet; then both topics are verified."""
    assert sides.kafka is not None  # noqa: S101 - for the type checker: else it is not among the sides
    kafka = sides.kafka.model_copy(update={"checkpoint_topic": f"checkpoints-{secrets.token_hex(4)}"})
    await ensure_topics(Settings(kafka=kafka))
    answer = sides.folder / f"answer-{secrets.token_hex(4)}"
    topics = (kafka.bootstrap_servers, kafka.audit_topic, kafka.checkpoint_topic)
    command = [
        sys.executable,
        "-m",
        "benchmarks.notary_program",
        *topics,
        str(sides.export.events),
        str(answer),
    ]
    await run_program(command, sides.export.events, sides.folder)
    signed = read_answer(answer.read_bytes()).run
    assert signed is not None  # noqa: S101 - for the type checker: it answers with its run
    names = ("bootstrap_servers", "audit_topic", "checkpoint_topic")
    environment = {
        **os.environ,
        **{variable("kafka", name): value for name, value in zip(names, topics, strict=True)},
    }
    return {
        NOTARY: signed,
        TOPICS: await sides.run("verify", records=sides.export.events, environment=environment),
    }


_MEASURE: Final[Mapping[str, Callable[[Sides], Awaitable[Runs]]]] = {
    "verify": _verify,
    "tree": _tree,
    "proof": _proof,
    "notary": _notary,
}
