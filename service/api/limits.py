"""How much a request may ask of this process before and while it is answered."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.bodies import Bodies, ClientLeft, announces_body, body_fault, declared_bytes
from service.api.deadline import Deadline
from service.api.errors import Fault, RequestFault, api_error, invalid

log = structlog.get_logger(__name__)

KIB: Final = 1024
MIB: Final = 1024 * KIB
_FIELD_BYTES: Final = 4  # colon, space and line end
_OVERLOADED_RETRY_SECONDS: Final = 1
_LINGER_SECONDS: Final = 1.0
_LINGER_BYTES: Final = 16 * MIB
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})

Admits = Callable[[Scope], bool]
"""Whether a request may send a body, judged by its head alone."""


def anyone(_: Scope) -> bool:
    """Lets every body in."""
    return True


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
    large_wait_seconds: float = 2.0
    nesting: int = 100
    requests: int = 256
    answer_seconds: float = 4.5


class LimitRequests:
    """Reads the head and the whole body within `Limits`, then lets the app answer in time.

    The sequence of refusals:
    1. What is too much before the app hears of it: 414, 431, 503 (too many requests), 413 (as announced);
       and 400 for an address that is no text.
    2. Whom `admits` does not let in has no body taken: the app answers by the head alone (404, 405, 401).
    3. A body that is too large, too slow or one too many: 413, 408, 503.
    4. Whatever the app says. What is wrong with the body itself (415, 400) is raised as a RequestFault when
       the app reads it, so that 404, 405, 401 and 403 come first.
    5. 503 when the app has not answered after `answer_seconds`.
    """

    def __init__(self, app: ASGIApp, limits: Limits | None = None, admits: Admits = anyone) -> None:
        self.app = app
        self.limits = limits or Limits()
        self._admits = admits
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
        answer = _Answer(send, receive)
        try:
            await self._within_limits(scope, receive, answer)
        except ClientLeft:
            return
        except RequestFault as fault:
            await answer.refuse(fault)
        except asyncio.CancelledError:
            answer.unread = False  # there is no time to linger
            await answer.refuse(_unavailable("the service is stopping"))
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
        if answer.unread and not self._admits(scope):
            await self._answer_in_time(scope, _replay(b"", RequestFault(401), receive), answer)
            return
        async with self._bodies.received(receive if answer.unread else None) as body:
            answer.unread = False
            fault = None
            if scope["method"] in _WITH_BODY:
                fault = await body_fault(scope["headers"], body, self.limits.nesting)
            await self._answer_in_time(scope, _replay(body, fault, receive), answer)

    def _check_head(self, scope: Scope) -> None:
        path, query = scope.get("raw_path") or scope["path"].encode(), scope["query_string"]
        if len(path) + len(query) > self.limits.url_bytes:
            raise RequestFault(414)
        if not (_is_text(path) and _is_text(query)):
            raise RequestFault(400, [invalid("the address should be UTF-8, percent-encoded")])
        fields = scope["headers"]
        if len(fields) > self.limits.header_fields:
            raise RequestFault(431)
        if sum(len(name) + len(value) + _FIELD_BYTES for name, value in fields) > self.limits.header_bytes:
            raise RequestFault(431)

    async def _answer_in_time(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        """The answer is there in time even if the app takes longer to let go of what it holds."""
        async with Deadline(self.limits.answer_seconds, answer.refuse_late):
            await self.app(scope, receive, answer.send)


def _is_text(encoded: bytes) -> bool:
    """Whether it is percent-encoded UTF-8; all else would be read as some text that nobody sent."""
    try:
        unquote_to_bytes(encoded).decode()
    except UnicodeDecodeError:
        return False
    return encoded.isascii()


class _Answer:
    """The way back to the client: whether an answer was begun, and whether a body is still on its way.

    An answer that comes before the end of the body ends the connection. What the client is still sending is
    taken and forgotten for a moment: were the connection closed on it at once, the client's system would
    drop the answer unread.
    """

    def __init__(self, send: Send, receive: Receive) -> None:
        self._send = send
        self._receive = receive
        self._started = False
        self._refused = False
        self.unread = False

    async def send(self, message: Message) -> None:
        """For the app; what it says after a refusal goes nowhere."""
        if not self._refused:
            await self._pass_on(message, closing=self.unread)

    async def refuse(self, fault: RequestFault) -> None:
        """Answers in the app's place and ends the connection. An answer that was begun is cut short: it
        cannot be taken back.
        """
        if self._refused:
            return
        self._refused = True
        if self._started:
            log.warning("answer cut short", status=fault.status_code)
            return
        response = api_error(fault.status_code, fault.faults, fault.headers)
        start = {"status": response.status_code, "headers": response.raw_headers}
        await self._pass_on({"type": "http.response.start", **start}, closing=True)
        await self._pass_on({"type": "http.response.body", "body": response.body}, closing=True)

    async def refuse_late(self) -> None:
        """Refuses because the app has not answered in time."""
        await self.refuse(_unavailable("the request took too long"))

    async def _pass_on(self, message: Message, *, closing: bool) -> None:
        self._started = True
        if closing and message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
        elif self.unread and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await _discard(self._receive)
            message = {"type": "http.response.body"}
        await self._send(message)


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
