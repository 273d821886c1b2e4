"""How much a request may ask of this process before and while it is answered."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.bodies import Bodies, ClientLeft, announces_body, body_fault, declared_bytes
from service.api.errors import Fault, RequestFault, api_error

log = structlog.get_logger(__name__)

KIB: Final = 1024
MIB: Final = 1024 * KIB
_FIELD_BYTES: Final = 4  # colon, space and line end
_OVERLOADED_RETRY_SECONDS: Final = 1
_LINGER_SECONDS: Final = 1.0
_LINGER_BYTES: Final = 16 * MIB
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Sizes in bytes, times in seconds."""

    url_bytes: int = 8 * KIB
    header_bytes: int = 32 * KIB
    header_fields: int = 100
    body_bytes: int = 16 * MIB
    body_seconds: float = 20.0
    large_body_bytes: int = 1 * MIB
    large_bodies: int = 2
    large_wait_seconds: float = 5.0
    nesting: int = 100
    requests: int = 256
    answer_seconds: float = 10.0


class LimitRequests:
    """Reads the head and the whole body within `Limits`, then lets the app answer in time.

    What is too much for the process is refused here, before the app hears of it. What is wrong with the body
    itself (415, 400) is raised as a RequestFault when the app reads it, so that 404, 405 and 401 come first.
    """

    def __init__(self, app: ASGIApp, limits: Limits | None = None) -> None:
        self.app = app
        self.limits = limits or Limits()
        self._bodies = Bodies(
            body_bytes=self.limits.body_bytes,
            seconds=self.limits.body_seconds,
            large_bytes=self.limits.large_body_bytes,
            large_slots=self.limits.large_bodies,
            large_wait_seconds=self.limits.large_wait_seconds,
        )
        self._requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = _Answer(send)
        try:
            await self._within_limits(scope, receive, answer)
        except ClientLeft:
            return
        except RequestFault as fault:
            await answer.refuse(fault, receive if answer.unread else None)
        except asyncio.CancelledError:
            await answer.refuse(_unavailable("the service is stopping"), None)
            raise

    async def _within_limits(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        answer.unread = announces_body(headers)
        self._check_head(scope)
        if self._requests >= self.limits.requests:
            raise _unavailable("too many requests at once", _OVERLOADED_RETRY_SECONDS)
        self._requests += 1
        try:
            if answer.unread or scope["method"] in _WITH_BODY:
                await self._with_body(scope, receive, headers, answer)
            else:
                await self._answer_in_time(scope, receive, answer)
        finally:
            self._requests -= 1

    async def _with_body(
        self, scope: Scope, receive: Receive, headers: Mapping[bytes, bytes], answer: "_Answer"
    ) -> None:
        if declared_bytes(headers) > self.limits.body_bytes:
            raise RequestFault(413)
        async with self._bodies.received(receive if answer.unread else None) as body:
            answer.unread = False
            fault = None
            if scope["method"] in _WITH_BODY:
                fault = await body_fault(scope["headers"], body, self.limits.nesting)
            await self._answer_in_time(scope, _replay(body, fault, receive), answer)

    def _check_head(self, scope: Scope) -> None:
        address = len(scope.get("raw_path") or scope["path"]) + len(scope["query_string"])
        if address > self.limits.url_bytes:
            raise RequestFault(414)
        fields = scope["headers"]
        if len(fields) > self.limits.header_fields:
            raise RequestFault(431)
        if sum(len(name) + len(value) + _FIELD_BYTES for name, value in fields) > self.limits.header_bytes:
            raise RequestFault(431)

    async def _answer_in_time(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        try:
            async with asyncio.timeout(self.limits.answer_seconds):
                await self.app(scope, receive, answer.send)
        except TimeoutError:
            raise _unavailable("the request took too long") from None


class _Answer:
    """The way back to the client: whether an answer was begun, and whether a body is still on its way."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._started = False
        self.unread = False

    async def send(self, message: Message) -> None:
        self._started = True
        await self._send(message)

    async def refuse(self, fault: RequestFault, unread: Receive | None) -> None:
        """Answers and ends the connection. An answer that was begun is cut short: it cannot be taken back.

        What the client is still sending is taken and forgotten for a moment: were the connection closed on
        it at once, the client's system would drop the answer unread.
        """
        if self._started:
            log.warning("answer cut short", status=fault.status_code)
            return
        headers = {**(fault.headers or {}), "Connection": "close"}
        response = api_error(fault.status_code, fault.faults, headers)
        await self.send(
            {"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers}
        )
        await self.send({"type": "http.response.body", "body": response.body, "more_body": True})
        if unread is not None:
            await _discard(unread)
        await self.send({"type": "http.response.body"})


async def _discard(receive: Receive) -> None:
    try:
        async with asyncio.timeout(_LINGER_SECONDS):
            left = _LINGER_BYTES
            while left > 0:
                message = await receive()
                if not message.get("more_body", False):
                    return
                left -= len(message["body"])
    except TimeoutError:
        return


def _replay(body: bytes, fault: RequestFault | None, receive: Receive) -> Receive:
    """A `receive` that gives the whole body or raises what is wrong with it, then waits for the client."""
    waiting = True

    async def replay() -> Message:
        nonlocal waiting
        if fault is not None:
            raise fault
        if not waiting:
            return await receive()
        waiting = False
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _unavailable(why: str, retry_seconds: int = 2) -> RequestFault:
    return RequestFault(503, [Fault(why)], {"Retry-After": str(retry_seconds)})
