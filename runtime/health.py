"""The health port: is the process alive, is it ready, what are its figures."""

import asyncio
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from runtime.health_server import HealthServer, Verdict
from runtime.log_privacy import type_name

BEAT_SECONDS = 1.0

Check = Callable[[], bool | str]
"""True: well. False, or a text that says why: not. The text is public: no personal data, no secret."""


class Health:
    """Serves `/livez`, `/readyz` and `/metrics` from a thread, so that it answers when the loop is blocked.

    `async with Health(host, port):` listens until the block ends (port 0 takes a free one, `.port` says
    which) and raises UserError when the port is taken. Live: the event loop has moved within `stall_seconds`
    and every live check holds. Ready: at least one reason was named and all of them are true.
    """

    def __init__(self, host: str, port: int, *, stall_seconds: float = 30.0) -> None:
        self.host = host
        self.port = port
        self.stall_seconds = stall_seconds
        self._beaten = time.monotonic()
        self._checks: dict[str, Check] = {}
        self._readiness: dict[str, bool | str] = {}

    def beat(self) -> None:
        """The event loop makes progress; the context manager's own task says so every second."""
        self._beaten = time.monotonic()

    @property
    def beaten(self) -> float:
        """When the event loop last made progress (monotonic seconds)."""
        return self._beaten

    def live_check(self, name: str, check: Check) -> None:
        """One more condition of being alive; `check` runs in the server's thread and must not wait."""
        self._checks[name] = check

    def ready(self, name: str, state: bool | str, /) -> None:  # noqa: FBT001 (a fact and its truth)
        """Names a condition of being ready: True, or False, or the reason why not (public text)."""
        self._readiness[name] = state

    def live(self) -> Verdict:
        """Whether the process makes progress, and why not."""
        silent = time.monotonic() - self._beaten
        if silent > self.stall_seconds:
            return False, f"event loop: no progress for {silent:.0f} s"
        return _all_hold({name: _outcome(check) for name, check in list(self._checks.items())})

    def readiness(self) -> Verdict:
        """Whether the process can do its work, and why not."""
        if not self._readiness:
            return False, "starting"
        return _all_hold(dict(self._readiness))

    async def __aenter__(self) -> Self:
        self._server = HealthServer(self.host, self.port, live=self.live, ready=self.readiness)
        self.port = self._server.server_port
        serve = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="health", daemon=True)
        serve.start()
        self._beats = asyncio.create_task(self._keep_beating(), name="health beat")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._beats.cancel()
        await asyncio.wait([self._beats])
        await asyncio.to_thread(self._server.shutdown)
        self._server.server_close()

    async def _keep_beating(self) -> None:
        while True:
            self.beat()
            await asyncio.sleep(BEAT_SECONDS)


def _outcome(check: Check) -> bool | str:
    try:
        return check()
    except Exception as error:  # noqa: BLE001 (a check that cannot tell is a check that does not hold)
        return f"failed with {type_name(type(error))}"


def _all_hold(states: dict[str, bool | str]) -> Verdict:
    broken = [f"{name}: {state or 'no'}" for name, state in states.items() if state is not True]
    return (False, "; ".join(broken)) if broken else (True, "ok")
