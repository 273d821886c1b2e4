"""The API's outer shell runs out of patience: slow heads and bodies, hanging handlers, stops."""

import json
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.raw_http import MIB, Answer, Server, answer, closed_within, request, started, still_answers

GIB = 1024 * MIB


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With limits that a test can wait for."""
    limits = {
        "answer_seconds": 1.5,
        "body_seconds": 1.0,
        "large_wait_seconds": 0.3,
        "large_bodies": 1,
        "requests": 8,
    }
    connections = {"head_seconds": 1.0, "stalled_seconds": 0.5, "connections": 40}
    folder = tmp_path_factory.mktemp("hasty")
    with started(folder, limits=limits, connections=connections) as server:
        yield server


def test_a_body_that_does_not_arrive_is_408(hasty: Server) -> None:
    with hasty.connect() as connection:
        connection.sendall(request("PUT", "/api/items", b"[", {"Content-Length": "2"}))
        late = answer(connection)
    assert (late.status, late.headers["connection"]) == (408, "close")
    assert late.faults


def test_a_body_that_comes_byte_by_byte_is_408_as_well(hasty: Server) -> None:
    with hasty.connect() as connection:
        connection.sendall(request("PUT", "/api/items", b"[", {"Content-Length": "1000"}))
        begun = time.monotonic()
        connection.settimeout(0.1)
        while time.monotonic() - begun < 3:
            connection.sendall(b" ")
            try:
                assert connection.recv(12) == b"HTTP/1.1 408"
                break
            except TimeoutError:
                continue
        assert 0.9 < time.monotonic() - begun < 1.6


def test_a_head_that_comes_byte_by_byte_ends_the_connection(hasty: Server) -> None:
    with hasty.connect() as connection:
        begun = time.monotonic()
        connection.settimeout(0.1)
        connection.sendall(b"GET / HTTP/1.1\r\n")
        while time.monotonic() - begun < 5:
            connection.sendall(b"a")
            try:
                assert connection.recv(12) == b"HTTP/1.1 408"
                break
            except TimeoutError:
                continue
        assert 0.9 < time.monotonic() - begun < 1.6
        assert closed_within(connection, 2)


def test_a_second_head_has_no_more_time_than_the_first(hasty: Server) -> None:
    with hasty.connect() as connection:
        connection.sendall(request("GET", "/api/items/1"))
        assert answer(connection).status == 200
        connection.sendall(b"\r\n")
        assert closed_within(connection, 3)


def test_a_connection_that_says_nothing_is_closed(hasty: Server) -> None:
    with hasty.connect() as connection:
        assert closed_within(connection, 2)


def test_a_handler_that_hangs_is_cancelled(hasty: Server) -> None:
    begun = time.monotonic()
    hung = hasty.ask("GET", "/hang")
    assert (hung.status, hung.headers["retry-after"]) == (503, "2")
    assert 1.4 < time.monotonic() - begun < 3


def test_an_answer_that_nobody_reads_ends_the_connection(hasty: Server) -> None:
    with hasty.connect() as connection:
        connection.sendall(request("GET", "/large"))
        time.sleep(1.5)
        received = 0
        try:
            while part := connection.recv(MIB):
                received += len(part)
        except ConnectionError:
            pass
        assert received < 64 * MIB


def test_more_requests_at_once_than_allowed_are_refused_at_once(hasty: Server) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers: list[Answer] = list(pool.map(lambda _: hasty.ask("GET", "/nap"), range(20)))
    refused = [each for each in answers if each.status == 503]
    assert (len(answers) - len(refused), len(refused)) == (8, 12)
    assert {each.headers["retry-after"] for each in refused} == {"1"}
    assert refused[0].faults == [{"summary": "too many requests at once"}]
    still_answers(hasty)


def test_a_large_body_waits_for_its_turn_and_not_for_ever(hasty: Server) -> None:
    head = {"Content-Length": str(3 * MIB)}
    with hasty.connect() as first, hasty.connect() as second:
        first.sendall(request("PUT", "/api/items", b"[" + b" " * 2 * MIB, head))
        time.sleep(0.2)
        second.sendall(request("PUT", "/api/items", b"[" + b" " * 2 * MIB, head))
        refused = answer(second)
        assert (refused.status, refused.headers["retry-after"]) == (503, "2")
        assert refused.faults == [{"summary": "too many large bodies at once"}]
        first.sendall(b" " * (MIB - 2) + b"]")
        assert answer(first).status == 200
    large = b"[" + b" " * 2 * MIB + b"]"
    assert hasty.ask("PUT", "/api/items", large).status == 200


def test_more_connections_than_allowed_are_closed(hasty: Server) -> None:
    with ExitStack() as stack:
        many = [stack.enter_context(hasty.connect()) for _ in range(60)]
        assert sum(closed_within(each, 0.01) for each in many) >= 20
        time.sleep(1)
    still_answers(hasty)


# Start and stop


def test_a_stop_waits_for_requests_and_ends(tmp_path: Path) -> None:
    with started(tmp_path) as server, server.connect() as idle, server.connect() as busy:
        busy.sendall(request("GET", "/nap"))
        time.sleep(0.3)
        server.process.send_signal(signal.SIGTERM)
        assert json.loads(answer(busy).body) == {"rested": True}
        assert closed_within(idle, 2)
        assert server.process.wait(5) == 0


def test_a_stop_does_not_wait_longer_than_its_grace(tmp_path: Path) -> None:
    with started(tmp_path, grace_seconds=1) as server, server.connect() as connection:
        connection.sendall(request("GET", "/hang"))
        time.sleep(0.3)
        server.process.send_signal(signal.SIGTERM)
        assert answer(connection).faults == [{"summary": "the service is stopping"}]
        assert server.process.wait(5) == 0


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = f"ORDER_RECORDS_API__PORT: cannot listen on 127.0.0.1:{port}"
        with pytest.raises(AssertionError, match=said), started(tmp_path, port=port):
            pass
