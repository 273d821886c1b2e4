"""What is said at the API's port while the API cannot be asked yet."""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.errors import SUMMARIES, Fault, api_error
from service.api.server import shell

_STARTING: Final = Fault(SUMMARIES[503], "the service is starting and waits for its database")


class Door:
    """An app that answers 503 until the one behind it is opened."""

    def __init__(self) -> None:
        self._app: ASGIApp = shell(_starting, admits=_nobody)

    def open(self, app: ASGIApp) -> None:
        """From now on this app answers."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


async def _starting(scope: Scope, receive: Receive, send: Send) -> None:
    await api_error(503, [_STARTING])(scope, receive, send)


def _nobody(_: Scope) -> bool:
    """No body is taken that nobody will read."""
    return False
