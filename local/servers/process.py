"""A child process of ours that is never left behind, and a free port for it."""

import asyncio
import secrets
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from local.servers import guard
from runtime.errors import UserError

HOST: Final = "127.0.0.1"

# Below the ports that systems give to outgoing connections (from 32768 on Linux, 49152 on macOS): there, a
# client could take a stopped server's port, or even connect to itself, and the server could not come back.
_PORTS: Final = range(20_000, 30_000)
_PORT_TRIES: Final = 200
_POLL_SECONDS: Final = 0.05
_KILL_SECONDS: Final = 10.0
_LOG_LINES: Final = 6
_LOG_LINE_CHARACTERS: Final = 300


def free_port() -> int:
    """A TCP port of 127.0.0.1 on which nobody listens at this moment. Raises UserError if none is found."""
    for _ in range(_PORT_TRIES):
        port = _PORTS[secrets.randbelow(len(_PORTS))]
        if is_free(port):
            return port
    raise UserError(f"no free port between {_PORTS.start} and {_PORTS.stop} on {HOST}")


def is_free(port: int) -> bool:
    """Whether a server can be started on that port of 127.0.0.1."""
    with socket.socket() as probe:
        # As servers do: connections that a former server closed do not block its port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


async def listens(host: str, port: int) -> bool:
    """Whether somebody takes connections there; unlike a client library, it logs nothing if nobody does."""
    try:
        _, writer = await asyncio.open_connection(host, port)
        writer.close()
        await writer.wait_closed()
    except OSError:
        return False
    return True


class Process:
    """A child process in a session of its own: a Ctrl-C reaches us only, and we end it in order.

    What it prints is appended to `log_file`. When our process is gone, the child is killed. It is bound to no
    event loop and no thread. Raises OSError when the command cannot be run.
    """

    def __init__(self, command: Sequence[str], log_file: Path, env: Mapping[str, str] | None = None) -> None:
        self.log_file = log_file
        self._log_start = log_file.stat().st_size if log_file.exists() else 0
        with log_file.open("ab") as log:
            self._child = subprocess.Popen(  # noqa: S603 - the command is ours
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, start_new_session=True
            )
        self._guard = _guard(self._child.pid)

    @property
    def pid(self) -> int:
        return self._child.pid

    def exit_code(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self._child.poll()

    def signal(self, number: int) -> None:
        """Sends a signal; does nothing if the process has ended."""
        self._child.send_signal(number)

    async def wait(self, seconds: float) -> bool:
        """Whether it has ended within that time."""
        deadline = asyncio.get_running_loop().time() + seconds
        while self.exit_code() is None:
            if asyncio.get_running_loop().time() >= deadline:
                return False
            await asyncio.sleep(_POLL_SECONDS)
        return True

    async def end(self, *, kill: bool = False, grace_seconds: float = 15.0) -> int:
        """Ends it by SIGTERM, after `grace_seconds` (with `kill` at once) by SIGKILL; returns the code."""
        if not kill:
            self._child.terminate()
        if kill or not await self.wait(grace_seconds):
            self._child.kill()
            await self.wait(_KILL_SECONDS)
        self._dismiss_guard()
        code = self.exit_code()
        if code is None:
            raise UserError(f"process {self.pid} does not end (log: {self.log_file})")
        return code

    def last_lines(self) -> str:
        """The end of what it printed since this start, in one line: enough to see why it ended."""
        with self.log_file.open("rb") as log:
            log.seek(self._log_start)
            return end_of(log.read().decode(errors="replace"))

    def _dismiss_guard(self) -> None:
        self._guard.kill()  # before its pipe closes, which would make it kill
        self._guard.wait()
        if self._guard.stdin:
            self._guard.stdin.close()


def end_of(output: str) -> str:
    """The last lines of a program's output, in one line, without the frames of a Java stack trace."""
    lines = [line.strip()[:_LOG_LINE_CHARACTERS] for line in output.splitlines()]
    telling = [line for line in lines if line and not line.startswith("at ")]
    return " | ".join(telling[-_LOG_LINES:])


def _guard(pid: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - the command is ours
        [sys.executable, "-I", "-S", guard.__file__, str(pid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
