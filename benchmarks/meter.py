"""A run of one side while it reads the topic: how fast, with how much CPU time, in how much memory."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import psutil

from runtime.errors import UserError

_LOOK_SECONDS: Final = 0.1
_SHORT_LOOK_SECONDS: Final = 0.02
_SHORT: Final = 20_000
_STILL_SECONDS: Final = 60.0
"""So long without a record more is a failure."""
_SETTLED_SHARE: Final = 0.1
"""Buffers have their size once so much is read: growth counts from there."""


@dataclass(frozen=True)
class Run:
    """What was measured from the first records that were seen stored to the last; memory in bytes."""

    records: int
    seconds: float
    client_cpu_seconds: float
    mongod_cpu_seconds: float
    memory_begin: int
    memory_peak: int
    memory_end: int

    @property
    def rate(self) -> float:
        """Records a second."""
        return self.records / self.seconds

    @property
    def client_cpu(self) -> float:
        """CPU time of the client's processes in microseconds a record."""
        return self.client_cpu_seconds * 1e6 / self.records

    @property
    def mongod_cpu(self) -> float:
        """CPU time of MongoDB in microseconds a record."""
        return self.mongod_cpu_seconds * 1e6 / self.records


@dataclass(frozen=True)
class Watched:
    """A side at work: its processes, how many records it has stored, and what ended it (None: nothing)."""

    clients: Sequence[psutil.Process]
    mongod: psutil.Process
    stored: Callable[[], Awaitable[int]]
    fault: Callable[[], Awaitable[str | None]]


@dataclass(frozen=True)
class _Look:
    """How things stand at a moment."""

    at: float
    stored: int
    client_cpu: float
    mongod_cpu: float
    memory: int


async def measured(watched: Watched, total: int) -> Run:
    """Watches until so many records are stored. Raises UserError when the side fails or stands still."""
    pause = _LOOK_SECONDS if total >= _SHORT else _SHORT_LOOK_SECONDS
    looks = [await _look(watched)]
    moved_at = time.monotonic()
    while looks[-1].stored < total:  # bounded: standing still ends it
        await asyncio.sleep(pause)
        looks.append(await _look(watched))
        if looks[-1].stored > looks[-2].stored:
            moved_at = time.monotonic()
        elif fault := await watched.fault():
            raise UserError(fault)
        elif time.monotonic() - moved_at > _STILL_SECONDS:
            there = f"{looks[-1].stored:,} of {total:,} records are stored"
            raise UserError(f"{there}, and no more for {_STILL_SECONDS:.0f} s")
    return _run(looks, total)


async def _look(watched: Watched) -> _Look:
    stored = await watched.stored()
    try:
        client = sum(cpu_seconds(each) for each in watched.clients)
        memory = sum(each.memory_info().rss for each in watched.clients)
        return _Look(time.perf_counter(), stored, client, cpu_seconds(watched.mongod), memory)
    except psutil.Error as error:
        raise UserError(f"a process ended while it was measured: {type(error).__name__}") from None


def cpu_seconds(process: psutil.Process) -> float:
    """The CPU time that it has used so far, in user and in kernel mode."""
    times = process.cpu_times()
    return float(times.user + times.system)


def _run(looks: Sequence[_Look], total: int) -> Run:
    """From the first look that saw a record; where that saw all of them, from the look before."""
    first = next(n for n, look in enumerate(looks) if look.stored > 0)
    if looks[first].stored >= total and first > 0:
        first -= 1
    start, end = looks[first], looks[-1]
    if end.stored == start.stored:
        raise UserError("all was stored before it could be measured: let there be more records (--records)")
    settled = next(look for look in looks if look.stored >= total * _SETTLED_SHARE)
    return Run(
        records=end.stored - start.stored,
        seconds=end.at - start.at,
        client_cpu_seconds=end.client_cpu - start.client_cpu,
        mongod_cpu_seconds=end.mongod_cpu - start.mongod_cpu,
        memory_begin=settled.memory,
        memory_peak=max(look.memory for look in looks),
        memory_end=end.memory,
    )
