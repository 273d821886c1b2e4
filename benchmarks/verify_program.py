"""A program from its start to its end: how long it takes, with how much CPU time, in how much memory."""

import asyncio
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

from benchmarks.meter import Run, cpu_seconds
from local.servers.process import Process
from runtime.errors import UserError

DEADLINE_SECONDS: Final = 900.0
_LOOK_SECONDS: Final = 0.02


async def run_program(
    command: Sequence[str], records: int, folder: Path, environment: Mapping[str, str] | None = None
) -> Run:
    """Measures it, start-up and children included; its work is so many records, its log goes to the folder.

    `memory_begin` is that after a tenth of the time. Raises UserError when it fails.
    """
    process = Process(command, folder / f"log-{secrets.token_hex(4)}", environment)
    begun, looks = time.perf_counter(), list[tuple[float, int]]()
    try:
        while process.exit_code() is None:
            with suppress(psutil.Error):  # it has just ended
                looks.append(_look(process.pid))
            if time.perf_counter() - begun > DEADLINE_SECONDS:
                raise UserError(f"a program has not ended within {DEADLINE_SECONDS:.0f} s")
            await asyncio.sleep(_LOOK_SECONDS)
        seconds = time.perf_counter() - begun
    finally:
        code = await process.end(kill=True)
    if code or not any(used for _, used in looks):
        raise UserError(f"a program ended with exit code {code}: {process.last_lines()}")
    memory = [used for _, used in looks if used]  # none any more of one that was not waited for yet
    return Run(records, seconds, looks[-1][0], 0.0, memory[len(memory) // 10], max(memory), memory[-1])


def _look(pid: int) -> tuple[float, int]:
    """The CPU time so far, in seconds, and the memory in bytes."""
    first = psutil.Process(pid)
    family = [first, *first.children(recursive=True)]
    return sum(map(cpu_seconds, family)), sum(each.memory_info().rss for each in family)
