"""While nobody knows whether the database is a backup that was put back, the API writes nothing."""

import asyncio
from typing import Final

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from records.mongo.errors import StoreError
from records.mongo.restored import Pulse, Service
from runtime import metrics
from runtime.process import sleep_unless
from service.api.errors import SUMMARIES, Fault, api_error

log = structlog.get_logger(__name__)

_LOOK_SECONDS: Final = 5.0
_REMIND_SECONDS: Final = 60.0
_HELD: Final = Fault(
    SUMMARIES[503],
    "nothing is stored before the database, out of service until now, is compared with its trail",
)


class HeldWrites:
    """Looks for a verdict every five seconds, and holds writes from the start on until all is well.

    Once it was, a silent heartbeat only says that no worker runs: this process has seen that nothing was
    put back since.
    """

    def __init__(self, pulse: Pulse, service: Service) -> None:
        self._pulse = pulse
        self._held = service.may_be_backup
        self._say_at = 0.0

    def guard(self, app: ASGIApp) -> ASGIApp:
        """The app, but for its writes while they are held."""

        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            if self._held and scope["type"] == "http" and scope["method"] == "PUT":
                await api_error(503, [_HELD])(scope, receive, send)
            else:
                await app(scope, receive, send)

        return guarded

    async def watch(self, stopping: asyncio.Event) -> None:
        """Looks until `stopping`. Raises TrailAhead, WentBack."""
        while not stopping.is_set():
            self._tell()
            await sleep_unless(stopping, _LOOK_SECONDS)
            try:
                service = await self._pulse.look()
            except StoreError as error:
                log.warning("cannot look for a restore", error=str(error))
            else:
                self._held = self._held and service.may_be_backup

    def _tell(self) -> None:
        metrics.TRAIL_NOT_COMPARED.set(self._held)
        now = asyncio.get_running_loop().time()
        if self._held and now >= self._say_at:
            self._say_at = now + _REMIND_SECONDS
            log.warning(
                "nothing is stored: the database was silent for over an hour, so it may be a backup; `work` "
                "or `consume` has to compare it with the audit topic"
            )
