"""`audit verify` over an export, against a bare tree over the same lines: `make bench-verify`.

Both run in a process of their own, in turns. The peer reads the files, hashes the values into the tree and
compares the last root; it looks at no signature, schema, number or repeat.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from audit.checkpoint_book import CheckpointRecord, told
from audit.checkpoints import Checkpoint, range_headers, sign_checkpoint
from audit.keys import seed_key
from audit.merkle import CompactRange
from audit.templates import expand
from audit.verdict import Batch
from cli.audit_folder import CHECKPOINTS
from cli.audit_writing import Writer

_SEED: Final = bytes(32)
_NAME: Final = "order-records"
_KEY: Final = seed_key(_SEED, _NAME)
_BATCH: Final = 1_000
_APART: Final = 10
_ROUNDS: Final = 3
_DEADLINE_SECONDS: Final = 600
_PEER: Final = """
import pathlib, sys
from audit.merkle import CompactRange
from cli.audit_lines import read_checkpoints
folder, tree = pathlib.Path(sys.argv[1]), CompactRange()
for path in sorted(folder.glob("events-*.txt")):
    with path.open("rb") as opened:
        while lines := opened.readlines(1 << 20):
            tree.extend([line[:-1].split(b" ", 2)[2] for line in lines])
last = read_checkpoints((folder / sys.argv[2]).read_bytes().splitlines()[-1:])[0].value
assert __import__("base64").b64encode(tree.root()) in last
"""


@dataclass(frozen=True)
class Taken:
    """Seconds on the clock and of the processor, start-up included."""

    wall: float
    cpu: float


def entries(events: int) -> Iterator[dict[str, Any]]:
    """Batches of a thousand erasures, as the outbox holds them."""
    now = datetime.now(UTC)
    common = {
        "time": now,
        "template": 1,
        "build": "0.1.0",
        "policyVersion": 3,
        "policyDigest": f"sha256:{'0' * 64}",
    }
    for n in range(1, events // _BATCH + 1):
        items = [[str(uuid.uuid4()), 2, now, []] for _ in range(_BATCH)]
        kind = "anonymized" if n % 2 else "deleted"
        yield {**common, "_id": str(uuid.uuid4()), "kind": kind, "n": n, "items": items}


def make_export(folder: Path, events: int) -> None:
    """As `audit export` would have made it; a checkpoint for every ten batches."""
    folder.mkdir()
    writer, tree, now = Writer(folder), CompactRange(), time.time()
    checkpoints = list[CheckpointRecord]()
    for entry in entries(events):
        values = [record.value for record in expand(entry, _NAME)]
        writer.write_events(Batch(range(tree.size, tree.size + _BATCH), values, [int(now * 1000)] * _BATCH))
        tree.extend(values)
        if entry["n"] % _APART == 0 or tree.size == events:
            note = sign_checkpoint(Checkpoint.of(_NAME, tree), _SEED, int(now))
            checkpoints.append(CheckpointRecord(len(checkpoints), note, range_headers(tree)))
    writer.write_checkpoints(checkpoints)
    whole = {
        "log_name": _NAME,
        "made_at": told(now),
        "build": "0.1.0",
        "period_from": None,
        "period_to": None,
    }
    edges = {"topic_first": 0, "first": 0, "end": events, "open_end": True}
    writer.finish({**whole, **edges, "retention_days": 1460})


def run(command: Sequence[str]) -> Taken:
    """Runs it to its end. Raises CalledProcessError where it does not end well."""
    begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, timeout=_DEADLINE_SECONDS, stdout=subprocess.DEVNULL)  # noqa: S603 - ours
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Taken(time.perf_counter() - begun, cpu)


@click.command()
@click.option("--events", type=click.IntRange(_BATCH), default=1_000_000, show_default=True)
def main(*, events: int) -> None:
    """Print events a second, by the clock and by processor time, and the ratio to the bare tree."""
    events -= events % _BATCH
    with tempfile.TemporaryDirectory(prefix="order-records-verify-") as folder:
        export = Path(folder, "trail")
        print(f"making an export of {events} events", file=sys.stderr)
        make_export(export, events)
        verb = [sys.executable, "-m", "cli.main", "audit", "verify", str(export), "--key", _KEY.text]
        peer = [sys.executable, "-c", _PEER, str(export), CHECKPOINTS]
        rounds = [(run(verb), run(peer)) for _ in range(_ROUNDS)]
    for name, place in (("audit verify", 0), ("bare tree", 1)):
        wall = statistics.median(events / each[place].wall for each in rounds)
        cpu = statistics.median(events / each[place].cpu for each in rounds)
        print(f"{name:<14}{wall:>10.0f} events/s  {cpu:>10.0f} events/s of processor time")
    ratios = sorted(each[1].cpu / each[0].cpu for each in rounds)
    print(f"ratio by CPU  {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    print(f"most memory   {peak} MiB, of {os.cpu_count()} processors")


if __name__ == "__main__":
    main()
