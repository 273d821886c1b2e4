"""Bodies of requests: taken whole, in bounded memory and time, and looked at before any parser is."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from starlette.types import Receive

from service.api.errors import Fault, RequestFault, invalid
from service.api.nesting import nests_deeper

_JSON: Final = re.compile(
    rb"application/(json|[a-z0-9.!#$&^_-]+\+json) *(; *charset *= *(utf-8|\"utf-8\") *)?", re.IGNORECASE
)


class ClientLeft(Exception):
    """The connection ended before the body did: there is nobody to answer."""


class Bodies:
    """Takes bodies of up to `body_bytes`, each within `seconds`.

    A body of more than `large_bytes` needs one of `large_slots`: it waits for one up to `large_wait_seconds`
    when so much of it is there, and keeps it until its request is done.
    """

    def __init__(
        self,
        *,
        body_bytes: int,
        seconds: float,
        large_bytes: int,
        large_slots: int,
        large_wait_seconds: float,
    ) -> None:
        self._most = body_bytes
        self._seconds = seconds
        self._large = large_bytes
        self._wait = large_wait_seconds
        self._slots = asyncio.Semaphore(large_slots)

    @asynccontextmanager
    async def received(self, receive: Receive | None) -> AsyncIterator[bytes]:
        """The whole body (empty without `receive`). Raises RequestFault 408, 413 or 503, and ClientLeft."""
        async with AsyncExitStack() as held:
            yield b"" if receive is None else await self._read(receive, held)

    async def _read(self, receive: Receive, held: AsyncExitStack) -> bytes:
        try:
            async with asyncio.timeout(self._seconds) as deadline:
                return await self._collect(receive, held, deadline)
        except TimeoutError:
            raise RequestFault(408) from None

    async def _collect(self, receive: Receive, held: AsyncExitStack, deadline: asyncio.Timeout) -> bytes:
        body, large = bytearray(), False
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientLeft
            body += message.get("body", b"")
            if len(body) > self._most:
                raise RequestFault(413)
            if len(body) > self._large and not large:
                large = True
                await self._take_slot(held, deadline)
            if not message.get("more_body", False):
                return bytes(body)

    async def _take_slot(self, held: AsyncExitStack, deadline: asyncio.Timeout) -> None:
        """The time that we let the client wait is not the client's."""
        loop = asyncio.get_running_loop()
        end, begun = deadline.when(), loop.time()
        deadline.reschedule(None)
        try:
            async with asyncio.timeout(self._wait):
                await held.enter_async_context(self._slots)
        except TimeoutError:
            raise RequestFault(503, [Fault("too many large bodies at once")]) from None
        if end is not None:
            deadline.reschedule(end + loop.time() - begun)


def announces_body(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a body follows the head (RFC 9112, section 6.3)."""
    return b"transfer-encoding" in headers or declared_bytes(headers) > 0


def declared_bytes(headers: Mapping[bytes, bytes]) -> int:
    """The Content-Length; 0 without one. The server has refused what is no number."""
    return int(headers.get(b"content-length", b"0"))


async def body_fault(fields: Sequence[tuple[bytes, bytes]], body: bytes, nesting: int) -> RequestFault | None:
    """What is wrong with a body that should be JSON, as far as can be said without parsing it."""
    if any(name == b"content-encoding" and value.lower() != b"identity" for name, value in fields):
        return RequestFault(415, [Fault("The body should be sent without content encoding")])
    if not body:
        return RequestFault(400, [invalid("the body is missing")])
    types = [value for name, value in fields if name == b"content-type"]
    if len(types) != 1 or not _JSON.fullmatch(types[0].strip()):
        return RequestFault(415)
    if b"\x00" in body:  # no JSON in UTF-8 has it, and all in UTF-16 or UTF-32 does
        return RequestFault(400, [invalid("the body is not JSON in UTF-8")])
    if await nests_deeper(body, nesting):
        return RequestFault(400, [invalid(f"arrays and objects nest to more than {nesting} levels")])
    return None
