"""wrk, the load generator: found, run, and its figures read."""

import asyncio
import secrets
import shutil
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from runtime.errors import UserError

CONNECTIONS: Final = 16
_SCRIPT: Final = Path(__file__).with_name("wrk.lua")
_ANSWER_SECONDS: Final = 10
_SPARE_SECONDS: Final = 15


class Load(BaseModel):
    """What one run of wrk came to, as `wrk.lua` writes it: counts, and times in microseconds."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    requests: int
    microseconds: int
    p50: int
    p99: int
    status: int
    connect: int
    read: int
    write: int
    timeout: int

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.requests * 1e6 / self.microseconds

    def require_good(self) -> None:
        """Raises UserError when a request failed or was refused: refusals are quick, and no result."""
        failed = {name: getattr(self, name) for name in ("status", "connect", "read", "write", "timeout")}
        told = ", ".join(f"{name} {number}" for name, number in failed.items() if number)
        if told:
            raise UserError(f"requests failed: {told}")


def find_wrk() -> str:
    """Where wrk is. Raises UserError with what to install."""
    path = shutil.which("wrk")
    if path is None:
        raise UserError(
            "wrk is not installed: apt-get install wrk (Debian, Ubuntu) or brew install wrk (macOS)"
        )
    return path


async def run_wrk(address: str, requests: Path, token: str, seconds: int) -> Load:
    """Sends the requests of a file (`wrk.lua` says its form) in turn for so long, over 16 connections.

    Raises UserError when wrk fails, hangs, or got anything but good answers.
    """
    mark = secrets.token_hex(6)  # what is put in one run is new in the next
    options = ["-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", f"{_ANSWER_SECONDS}s"]
    command = [find_wrk(), *options, "-s", str(_SCRIPT), address, "--", str(requests), token, mark]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=asyncio.subprocess.STDOUT)
    try:
        async with asyncio.timeout(seconds + _SPARE_SECONDS):
            output, _ = await process.communicate()
    except TimeoutError:
        raise UserError(f"wrk did not end within {seconds + _SPARE_SECONDS} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise UserError(f"wrk ended with {process.returncode}: {output.decode(errors='replace')[-300:]}")
    load = read_load(output.decode())
    load.require_good()
    return load


def read_load(output: str) -> Load:
    """The figures in what wrk printed: its last line. Raises UserError when they are not there."""
    lines = output.strip().splitlines()
    try:
        return Load.model_validate_json(lines[-1])
    except (IndexError, ValueError):
        raise UserError("wrk printed no figures") from None
