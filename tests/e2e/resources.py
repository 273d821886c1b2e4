"""What a process holds of the machine: it must come back to where it began."""

from dataclasses import asdict, dataclass
from typing import Final

import psutil

from local.demo.children import Child
from tests.e2e.deployment import until
from tests.e2e.faulty_verb import TASKS

_SECONDS: Final = 60.0
_ALLOWED: Final = {"memory_mib": 32, "descriptors": 5, "threads": 3, "tasks": 5}
"""How much more is no growth: buffers, a pool's connections and an idle thread are kept for the next load."""


@dataclass(frozen=True)
class Resources:
    """Resident memory, open descriptors, threads and asyncio tasks of a process."""

    memory_mib: float
    descriptors: int
    threads: int
    tasks: int


async def resources(started: Child) -> Resources:
    """Those of a process started by `start_faulty`, now."""
    process, figures = psutil.Process(started.process.pid), await started.figures()
    memory = process.memory_info().rss / 2**20
    return Resources(memory, process.num_fds(), process.num_threads(), int(figures[TASKS]))


async def check_back(started: Child, before: Resources) -> None:
    """Waits until the process holds no more than before, within what is allowed."""
    most = {name: value + _ALLOWED[name] for name, value in asdict(before).items()}
    now = before

    async def back() -> bool:
        nonlocal now
        now = await resources(started)
        return all(value <= most[name] for name, value in asdict(now).items())

    try:
        await until(back, _SECONDS, "back to where it began")
    except AssertionError as late:
        raise AssertionError(f"`{started.verb}` began with {before}, and ends with {now}") from late
