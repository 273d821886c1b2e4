"""The HTTP side of the health port, on the standard library alone."""

import socket
import socketserver
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from runtime.environment import variable
from runtime.errors import UserError
from runtime.metrics import REGISTRY

SLOW_CLIENT_SECONDS = 5.0

Verdict = tuple[bool, str]
Answer = tuple[HTTPStatus, str, bytes]

TEXT = "text/plain; charset=utf-8"


class HealthServer(ThreadingHTTPServer):
    """Listens as soon as it is made; raises UserError when it cannot."""

    daemon_threads = True

    def __init__(
        self, host: str, port: int, *, live: Callable[[], Verdict], ready: Callable[[], Verdict]
    ) -> None:
        self.live, self.ready = live, ready
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            super().__init__((host, port), _Handler)
        except OSError as error:
            raise UserError(
                f"{variable('health', 'port')}: cannot listen on {host}:{port} ({error.strerror}); "
                f"another process may use it"
            ) from error

    def server_bind(self) -> None:
        # HTTPServer would look its own name up in the DNS here, which can take long and serves nothing.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away or sent nonsense is no news."""


class _Handler(BaseHTTPRequestHandler):
    timeout = SLOW_CLIENT_SECONDS
    server_version = "order-records"
    sys_version = ""

    def do_GET(self) -> None:
        self._send(*self._answer())

    do_HEAD = do_GET  # noqa: N815 (the library's naming)

    def _answer(self) -> Answer:
        server = cast("HealthServer", self.server)
        match self.path.partition("?")[0]:
            case "/livez":
                return _verdict(server.live())
            case "/readyz":
                return _verdict(server.ready())
            case "/metrics":
                return HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(REGISTRY)
            case _:
                return HTTPStatus.NOT_FOUND, TEXT, b"not found\n"

    def _send(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Probes come every few seconds; their lines would bury all others."""


def _verdict(verdict: Verdict) -> Answer:
    good, reason = verdict
    return HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE, TEXT, f"{reason}\n".encode()
