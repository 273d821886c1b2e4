"""HTTP/1.1 on one connection, bounded: what uvicorn's own protocol leaves open to a hostile client."""

import asyncio
from dataclasses import dataclass
from typing import Final, Literal

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from runtime.metrics import CONNECTIONS_REFUSED
from service.api.errors import api_error

Reason = Literal["connections", "invalid", "head", "slow", "unread"]

_LINGER_SECONDS: Final = 1.0
_LINGER_BYTES: Final = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """Sizes in bytes, times in seconds."""

    connections: int = 1_024
    head_bytes: int = 32 * 1024
    head_fields: int = 100
    head_seconds: float = 20.0
    pipelined: int = 16
    stalled_seconds: float = 20.0


class TooMuchError(Exception):
    """A head with too many fields, or too many requests sent ahead of their answers."""


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with bounds on what a client may send ahead of its body, and on how slowly.

    llhttp, and with it httptools and uvicorn, takes an address, a field or a trailer of any length and any
    number of fields, and waits for them as long as they take. Here `head_bytes` may come without completing
    a head or bringing a byte of a body, which covers all of these and chunk extensions as well.
    """

    limits = ConnectionLimits()
    _in_head = True
    _pending_bytes = 0
    _refused = False
    _discarded_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None
    _stall_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self._unanswered: list[RequestResponseCycle] = []
        if len(self.connections) > self.limits.connections:
            CONNECTIONS_REFUSED.labels("connections").inc()
            transport.abort()
            return
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._head_timer, self._stall_timer):
            if timer is not None:
                timer.cancel()
        self._forget_requests()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            self._discarded_bytes += len(data)
            if self._discarded_bytes > _LINGER_BYTES:
                self.transport.close()
            return
        self._pending_bytes += len(data)
        super().data_received(data)
        if self._pending_bytes > self.limits.head_bytes:
            self._refuse(431, "head")
        elif self._pending_bytes and self._in_head:
            self._expect_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            return  # a trailer: nothing here reads one, and it must not become a field of the head
        if len(self.headers) >= self.limits.head_fields:
            raise TooMuchError
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head, self._pending_bytes = False, 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        if len(self.pipeline) >= self.limits.pipelined:
            raise TooMuchError
        super().on_headers_complete()
        self._unanswered.append(self.cycle)

    def on_response_complete(self) -> None:
        self._unanswered = [cycle for cycle in self._unanswered if not cycle.response_complete]
        super().on_response_complete()

    def on_body(self, body: bytes) -> None:
        self._pending_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_head, self._pending_bytes = True, 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 (the library's signature)
        """Called for what the parser refuses, and for what our callbacks do."""
        if self._in_head and len(self.headers or ()) >= self.limits.head_fields:
            self._refuse(431, "head")
        else:
            self._refuse(400, "invalid")

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def _forget_requests(self) -> None:
        """Their answers go nowhere. Uvicorn tells only the newest, and the others fail when they write."""
        for cycle in self._unanswered:
            cycle.disconnected = True
            cycle.message_event.set()

    def _expect_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(self.limits.head_seconds, self._head_is_late)

    def _head_is_late(self) -> None:
        if self._pending_bytes:
            self._refuse(408, "slow")
        else:
            self.transport.close()

    def _watch_reader(self) -> None:
        waiting = self.transport.get_write_buffer_size()
        self._stall_timer = self.loop.call_later(self.limits.stalled_seconds, self._check_reader, waiting)

    def _check_reader(self, waited: int) -> None:
        if self.transport.get_write_buffer_size() < waited:
            self._watch_reader()
            return
        CONNECTIONS_REFUSED.labels("unread").inc()
        self.transport.abort()

    def _refuse(self, status: int, reason: Reason) -> None:
        """Answers unless another answer is due before, and takes no more from this client.

        Closing at once while the client is still sending would make its system drop the answer unread.
        """
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        CONNECTIONS_REFUSED.labels(reason).inc()
        due = [cycle.response_started for cycle in self._unanswered]
        self._forget_requests()
        if any(due) or len(due) > 1:
            self.transport.abort()
            return
        self.transport.write(_answer(status))
        self.transport.write_eof()
        self.loop.call_later(_LINGER_SECONDS, self.transport.close)


def _answer(status: int) -> bytes:
    response = api_error(status, headers={"Connection": "close"})
    fields = b"".join(b"%b: %b\r\n" % field for field in response.raw_headers)
    return STATUS_LINE[status] + fields + b"\r\n" + bytes(response.body)
