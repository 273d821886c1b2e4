"""The notary that catches up with a trail, in a process of its own: CPU time and memory are its own."""

import asyncio
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

import psutil
import uvloop

from audit.following import LogKeys
from benchmarks.lifecycle_task import Answer, written
from benchmarks.meter import Run, Watched, measured
from benchmarks.verify_trail import LOG, SEED
from runtime import metrics
from runtime.errors import UserError
from runtime.kafka_settings import Kafka
from worker.notary import Notary, Pace

_PACE: Final = Pace(apart=0.5, apart_if_many=0.5, gather=0.0)
"""Ten times as often as `work` while it catches up: else too few checkpoints tell how far it is."""


def main() -> None:
    """Arguments: bootstrap servers, audit topic, checkpoint topic, how many events, file of the answer."""
    servers, audit_topic, checkpoint_topic, events, answer = sys.argv[1:]
    kafka = Kafka(bootstrap_servers=servers, audit_topic=audit_topic, checkpoint_topic=checkpoint_topic)
    began = time.time()
    try:
        run = uvloop.run(_catch_up(kafka, int(events)))
    except UserError as error:
        sys.exit(str(error))
    Path(answer).write_bytes(written(Answer(began, time.time(), run)))


async def _catch_up(kafka: Kafka, events: int) -> Run:
    """Until so many are signed. Raises UserError."""
    stopping, process = asyncio.Event(), psutil.Process()
    notary = asyncio.create_task(Notary(kafka, SEED, LogKeys.of(SEED, LOG, []), _PACE).run(stopping))

    async def signed() -> int:
        return sum(
            int(sample.value) for family in metrics.AUDIT_SIGNED_SIZE.collect() for sample in family.samples
        )

    async def fault() -> str | None:
        return f"the notary ended after {await signed():,} of {events:,}" if notary.done() else None

    try:
        run = await measured(Watched([process], process, signed, fault), events)
        return replace(run, mongod_cpu_seconds=0.0)  # there is no MongoDB
    finally:
        stopping.set()
        await notary


if __name__ == "__main__":
    main()
