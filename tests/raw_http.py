"""HTTP by hand, for what no client would send; and a server process to send it to."""

import contextlib
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parent.parent
MIB = 2**20


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def faults(self) -> list[dict[str, Any]]:
        assert self.headers["content-type"] == "application/json"
        faults: list[dict[str, Any]] = json.loads(self.body)
        assert faults
        assert all(fault["summary"] for fault in faults)
        return faults


@dataclass(frozen=True)
class Server:
    process: subprocess.Popen[bytes]
    port: int
    health_port: int
    log: Path

    def connect(self, seconds: float = 30.0) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=seconds)

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        with self.connect() as connection:
            connection.sendall(request(method, path, body, headers))
            return answer(connection)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def growing_less_than(self, mebibytes: int) -> contextlib.AbstractContextManager[None]:
        """As below, for this server's process."""
        return growing_less_than(mebibytes, self.process.pid)


@contextlib.contextmanager
def growing_less_than(mebibytes: int, pid: int) -> Iterator[None]:
    """Fails when the process's memory was so much higher at any moment within the block."""
    process = psutil.Process(pid)
    before = highest = process.memory_info().rss
    done = threading.Event()

    def watch() -> None:
        nonlocal highest
        while not done.wait(0.005):
            highest = max(highest, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
    grown = (highest - before) / MIB
    print(f"grown by {grown:.1f} MiB")  # noqa: T201 (pytest shows it with -s)
    assert grown < mebibytes


@contextlib.contextmanager
def started(folder: Path, **options: Any) -> Iterator[Server]:
    """A server of tests.shell_app with these limits, ended with the block."""
    log = folder / "log"
    command = [sys.executable, "-m", "tests.shell_app", json.dumps(options)]
    with log.open("wb") as stderr:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=stderr)  # noqa: S603
    assert process.stdout
    try:
        port, health_port = (int(process.stdout.readline() or 0) for _ in range(2))
        assert port, log.read_text()
        yield Server(process, port, health_port, log)
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


def request(
    method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> bytes:
    fields = {"Host": "localhost"}
    if body is not None:
        fields |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    fields |= headers or {}
    head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return head.encode() + b"\r\n" + (body or b"")


def answer(connection: socket.socket) -> Answer:
    """Reads one answer, to its declared length."""
    received = b""
    while b"\r\n\r\n" not in received:
        part = connection.recv(65_536)
        assert part, f"closed after {received!r}"
        received += part
    head, body = received.split(b"\r\n\r\n", 1)
    first, *fields = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (field.split(": ", 1) for field in fields)}
    while len(body) < int(headers["content-length"]):
        part = connection.recv(65_536)
        assert part, "closed within the body"
        body += part
    return Answer(int(first.split()[1]), headers, body)


def send_until_refused(connection: socket.socket, piece: bytes, total: int) -> int:
    """Sends the piece again and again, until so many bytes or until the other side hangs up."""
    sent = 0
    with contextlib.suppress(ConnectionError, TimeoutError):
        while sent < total:
            connection.sendall(piece)
            sent += len(piece)
    return sent


def closed_within(connection: socket.socket, seconds: float) -> bool:
    """Whether the other side ends the connection in time; what it still sends is thrown away."""
    end = time.monotonic() + seconds
    with contextlib.suppress(ConnectionError):
        while (left := end - time.monotonic()) > 0:
            connection.settimeout(left)
            try:
                if not connection.recv(65_536):
                    return True
            except TimeoutError:
                return False
        return False
    return True


def still_answers(server: Server) -> None:
    assert server.ask("GET", "/api/items/1").status == 200
