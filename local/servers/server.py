"""What the embedded servers share: start, wait until ready, stop, restart with the same port and data."""

import asyncio
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from local.servers.process import Process, free_port, is_free
from runtime.errors import UserError

_PROBE_PAUSE_SECONDS = 0.1


class Server(ABC):
    """A server process on 127.0.0.1, its data and log in one folder; it may be used from any event loop."""

    name: ClassVar[str]
    ready_seconds: ClassVar[float]

    def __init__(self, folder: Path, port: int | None) -> None:
        self.folder = folder
        self.port = port or free_port()
        self._process: Process | None = None
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def pid(self) -> int | None:
        """The process id; None while it is stopped."""
        return self._process.pid if self._process else None

    @property
    @abstractmethod
    def source(self) -> str:
        """One sentence for people: what runs, which version, where it comes from."""

    @abstractmethod
    def _command(self) -> list[str]: ...

    @abstractmethod
    async def _is_ready(self) -> bool:
        """One bounded look at the server; raises nothing while the server is not there yet."""

    async def launch(self) -> None:
        """Starts it and waits until it is ready; else raises UserError with the end of its log."""
        if not is_free(self.port):  # else whoever is there would be taken for this one
            raise UserError(f"{self.name} cannot start: port {self.port} is taken")
        self._process = process = Process(self._command(), self.folder / f"{self.name}.log")
        try:
            async with asyncio.timeout(self.ready_seconds):
                while not await self._is_ready():
                    await self._pause(process)
        except TimeoutError:
            reason = f"was not ready within {self.ready_seconds:.0f} s"
            raise await self._failure(process, reason) from None
        except BaseException:
            await self.stop(kill=True)
            raise

    async def stop(self, *, kill: bool = False, grace_seconds: float = 15.0) -> None:
        """Ends it (Process.end); the data stay. Does nothing if it is stopped."""
        if self._process:
            await self._process.end(kill=kill, grace_seconds=grace_seconds)
            self._process = None

    async def restart(self) -> None:
        """Stops it if it runs, then starts it with the same port and data."""
        await self.stop()
        await self.launch()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _pause(self, process: Process) -> None:
        code = process.exit_code()
        if code is not None:
            raise await self._failure(process, f"ended at its start with exit code {code}")
        await asyncio.sleep(_PROBE_PAUSE_SECONDS)

    async def _failure(self, process: Process, reason: str) -> UserError:
        await self.stop(kill=True)
        return UserError(
            f"{self.name} on port {self.port} {reason}; {process.log_file} ends with: {process.last_lines()}"
        )
