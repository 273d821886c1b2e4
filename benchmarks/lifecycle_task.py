"""What is asked of a program that is measured, and what it answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import orjson
from pydantic import TypeAdapter

from benchmarks.meter import Run
from runtime.errors import UserError

Act = Literal["anonymize", "delete", "relay", "ingest", "bare_update", "bare_delete", "naive_loop"]


@dataclass(frozen=True)
class Task:
    """An act on so many records (a relay: events) of a database, due at `cutoff` (UTC).

    `mongod` is the server's process id, `answer` the file that takes what was measured. Without `trail`
    a sweep writes no outbox entry.
    """

    act: Act
    uri: str
    database: str
    mongod: int
    records: int
    cutoff: datetime
    answer: str
    trail: bool = True
    kafka: str = ""
    audit_topic: str = "order-records.audit"


@dataclass(frozen=True)
class Beat:
    """How far an act was at a moment (seconds since 1970), with the CPU time that it had used by then."""

    at: float
    records: int
    cpu_seconds: float
    memory: int


@dataclass(frozen=True)
class Answer:
    """When an act began and ended (seconds since 1970), and either its run, or how far it was when."""

    began: float
    ended: float
    run: Run | None = None
    beats: tuple[Beat, ...] = ()


_TASK: Final = TypeAdapter(Task)
_ANSWER: Final = TypeAdapter(Answer)


def written(value: Task | Answer) -> bytes:
    """The value as JSON, to be read by `read_task` or `read_answer`."""
    return orjson.dumps(value)


def read_task(text: str | bytes) -> Task:
    """Raises ValidationError."""
    return _TASK.validate_json(text)


def read_answer(text: str | bytes) -> Answer:
    """Raises ValidationError."""
    return _ANSWER.validate_json(text)


def run_between(beats: Sequence[Beat], began: float, ended: float) -> Run:
    """The run within these two moments; of MongoDB's CPU time nobody knows whose it was.

    Raises UserError when fewer than two beats were heard.
    """
    heard = [beat for beat in beats if began <= beat.at <= ended]
    if not heard or heard[-1].records == heard[0].records:
        raise UserError("too little was stored to be measured: let there be more records (--records)")
    first, last = heard[0], heard[-1]
    memory = [beat.memory for beat in heard]
    return Run(
        records=last.records - first.records,
        seconds=last.at - first.at,
        client_cpu_seconds=last.cpu_seconds - first.cpu_seconds,
        mongod_cpu_seconds=0.0,
        memory_begin=memory[len(memory) // 10],
        memory_peak=max(memory),
        memory_end=memory[-1],
    )


def together(first: Run, second: Run) -> Run:
    """Two acts on the same records, one after the other, as one."""
    return Run(
        records=min(first.records, second.records),
        seconds=first.seconds + second.seconds,
        client_cpu_seconds=first.client_cpu_seconds + second.client_cpu_seconds,
        mongod_cpu_seconds=first.mongod_cpu_seconds + second.mongod_cpu_seconds,
        memory_begin=first.memory_begin,
        memory_peak=max(first.memory_peak, second.memory_peak),
        memory_end=second.memory_end,
    )
