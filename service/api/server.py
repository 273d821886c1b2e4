"""uvicorn inside our process: our signals, our log, our bounds."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from runtime.environment import variable
from runtime.errors import UserError
from service.api.errors import CatchAll
from service.api.limits import Admits, LimitRequests, Limits, anyone
from service.api.observe import Observe
from service.api.protocol import BoundedProtocol, ConnectionLimits

GRACE_SECONDS: Final = 12
KEEP_ALIVE_SECONDS: Final = 30
_LAST_ANSWER_SECONDS: Final = 1.0
_BACKLOG: Final = 2_048


def shell(app: ASGIApp, limits: Limits | None = None, admits: Admits = anyone) -> ASGIApp:
    """The app within everything that every request passes, whatever its route."""
    return Observe(CatchAll(LimitRequests(app, limits, admits)))


async def serve_app(
    app: ASGIApp,
    host: str,
    port: int,
    stopping: asyncio.Event,
    *,
    listening: Callable[[int], None] | None = None,
    connections: ConnectionLimits | None = None,
    grace_seconds: int = GRACE_SECONDS,
) -> None:
    """Serves until `stopping`, then takes no new requests and gives the others up to `grace_seconds`.

    Calls `listening` with the bound port (port 0 takes a free one) once requests are answered. Raises
    UserError when the port cannot be had. The app's lifespan is not run: the process owns what it uses.
    """
    listener = _listen(host, port)
    server = _Server(_config(app, connections or ConnectionLimits(), grace_seconds))
    if listening is not None:
        server.when_started = partial(listening, listener.getsockname()[1])
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="api")
    asked = asyncio.create_task(stopping.wait(), name="api stop")
    try:
        await asyncio.wait((serving, asked), return_when=asyncio.FIRST_COMPLETED)
    finally:
        asked.cancel()
        server.should_exit = True
        await serving
        await server.last_answers()


class _Server(uvicorn.Server):
    when_started: Callable[[], None] | None = None

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The process has its own handlers, and one stop for all its parts."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.when_started is not None:
            self.when_started()

    async def last_answers(self) -> None:
        """What outlasts its grace was cancelled by uvicorn, which does not wait for the answer to that."""
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=_LAST_ANSWER_SECONDS)
        for connection in list(self.server_state.connections):
            with suppress(RuntimeError):
                connection.transport.close()


def _config(app: ASGIApp, connections: ConnectionLimits, grace_seconds: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=type("Protocol", (BoundedProtocol,), {"limits": connections}),
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=grace_seconds,
        backlog=_BACKLOG,
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise UserError(
            f"{variable('api', 'port')}: cannot listen on {host}:{port} ({error.strerror}); "
            f"another process may use it"
        ) from error
