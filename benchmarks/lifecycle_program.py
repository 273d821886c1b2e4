"""A process of its own for each act that is measured, so that its CPU time and memory are its own."""

import sys
import time
from pathlib import Path

import uvloop

from benchmarks.lifecycle_acts import run_ingest, run_relay, run_sweep
from benchmarks.lifecycle_peers import PEERS, run_peer
from benchmarks.lifecycle_task import Answer, Task, read_task, written
from records.mongo.client import open_database
from runtime.errors import UserError


def main() -> None:
    """Argument: the task, as JSON."""
    task = read_task(sys.argv[1])
    try:
        answer = _peer(task) if task.act in PEERS else uvloop.run(_ours(task))
    except UserError as error:
        sys.exit(str(error))
    Path(task.answer).write_bytes(written(answer))


def _peer(task: Task) -> Answer:
    began = time.time()
    run = run_peer(task)
    return Answer(began, time.time(), run)


async def _ours(task: Task) -> Answer:
    async with open_database(task.uri, task.database) as database:
        if task.act == "ingest":
            return await run_ingest(task, database)
        began = time.time()
        run = await (run_relay if task.act == "relay" else run_sweep)(task, database)
        return Answer(began, time.time(), run)


if __name__ == "__main__":
    main()
