"""What is told about requests: figures and one log line each, by route template and never by address."""

import time
from typing import Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runtime.metrics import REQUEST_SECONDS
from service.api.errors import request_id

log = structlog.get_logger(__name__)

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNMATCHED: Final = "unmatched"


class Observe:
    """The outermost layer: names, times and records every request; X-Request-Id tells the name."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 0
        name = request_id(scope)

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", name.encode())]
            await send(message)

        begun = time.perf_counter()
        try:
            await self.app(scope, receive, watch)
        finally:
            _record(scope, status, time.perf_counter() - begun)


def _record(scope: Scope, status: int, seconds: float) -> None:
    method = scope["method"] if scope["method"] in METHODS else "other"
    route = route_template(scope)
    status_class = f"{status // 100}xx" if status else "none"
    REQUEST_SECONDS.labels(method, route, status_class).observe(seconds)
    log.info(
        "request",
        method=method,
        route=route,
        status=status,
        milliseconds=round(seconds * 1000, 1),
        request_id=request_id(scope),
    )


def route_template(scope: Scope) -> str:
    """The template of the route that was found (`/api/orderrecords/{orderRecordId}`), with its prefixes."""
    # A route of an included router knows its own part only; FastAPI keeps the whole beside it.
    included = scope.get("fastapi", {}).get("effective_route_context")
    template = getattr(included or scope.get("route"), "path_format", None)
    return template if isinstance(template, str) else UNMATCHED
