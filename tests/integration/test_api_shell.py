"""The API's outer shell as a process of its own, attacked over raw sockets."""

import json
import re
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.raw_http import (
    MIB,
    Server,
    answer,
    closed_within,
    request,
    send_until_refused,
    started,
    still_answers,
)
from tests.shell_app import CANARY

GIB = 1024 * MIB
ANSWER_SECONDS = 5.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With the limits that it has in service."""
    with started(tmp_path_factory.mktemp("shell")) as server:
        server.ask("PUT", "/api/items", b"[%s1]" % (b"1," * 2 * MIB))  # what a first large body costs once
        yield server


# Sizes


def test_an_announced_body_of_1_gib_is_refused_at_once(server: Server) -> None:
    with server.growing_less_than(50), server.connect() as connection:
        connection.sendall(request("PUT", "/api/items", b"", {"Content-Length": str(GIB)}))
        refused = answer(connection)
        assert (refused.status, refused.headers["connection"]) == (413, "close")
        assert refused.faults == [{"summary": "The body is too large"}]
        assert send_until_refused(connection, bytes(MIB), GIB) < GIB
    still_answers(server)


def test_a_chunked_body_of_1_gib_is_refused_when_it_passes_the_limit(server: Server) -> None:
    with server.growing_less_than(50), server.connect() as connection:
        head = {"Transfer-Encoding": "chunked", "Content-Type": "application/json"}
        connection.sendall(request("PUT", "/api/items", None, head))
        chunk = b"%x\r\n" % MIB + bytes(MIB) + b"\r\n"
        assert send_until_refused(connection, chunk, GIB) < GIB
        assert answer(connection).status == 413
    still_answers(server)


def test_many_slow_bodies_take_no_more_than_has_arrived_of_them(server: Server) -> None:
    head = {"Content-Length": str(16 * MIB)}
    with server.growing_less_than(50), ExitStack() as stack:
        for _ in range(150):
            connection = stack.enter_context(server.connect())
            connection.sendall(request("PUT", "/api/items", b"[" + b" " * (100 * 1024), head))
        for _ in range(20):
            still_answers(server)
    still_answers(server)


@pytest.mark.parametrize(
    "endless",
    [
        pytest.param(b"a" * MIB, id="method"),
        pytest.param(b"GET /" + b"a" * MIB, id="address"),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"a" * MIB, id="field name"),
        pytest.param(b"GET / HTTP/1.1\r\na: " + b"a" * MIB, id="field value"),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"a:b\r\n" * 200_000, id="fields"),
        pytest.param(b"\r\n" * MIB, id="empty lines"),
        pytest.param(
            b"PUT /api/items HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\na: " + b"a" * MIB,
            id="trailer",
        ),
        pytest.param(
            b"PUT /api/items HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"a:b\r\n" * 200_000,
            id="trailers",
        ),
        pytest.param(
            b"PUT /api/items HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;a=" + b"a" * MIB,
            id="chunk extension",
        ),
    ],
)
def test_a_head_or_trailer_without_an_end_is_refused_and_forgotten(server: Server, endless: bytes) -> None:
    rest = b"a:b\r\n" * 200_000 if endless.endswith(b"\r\n") else b"a" * MIB
    with server.growing_less_than(10), server.connect() as connection:
        try:
            connection.sendall(endless)
            assert send_until_refused(connection, rest, 100 * MIB) < 100 * MIB
        except ConnectionError:
            pass
        assert answer(connection).status in (400, 431)
    still_answers(server)


def test_10_000_header_fields_are_refused(server: Server) -> None:
    with server.growing_less_than(10), server.connect() as connection:
        connection.sendall(request("GET", "/api/items/1", headers={f"x-{n}": "1" for n in range(10_000)}))
        refused = answer(connection)
    assert (refused.status, refused.headers["connection"]) == (431, "close")
    assert refused.faults


def test_the_largest_allowed_head_is_served_and_one_more_field_or_byte_is_not(server: Server) -> None:
    fields = {f"x-{n}": "1" for n in range(99)}  # and Host
    assert server.ask("GET", "/api/items/1", headers=fields).status == 200
    assert server.ask("GET", "/api/items/1", headers=fields | {"y": "1"}).status == 431
    assert server.ask("GET", "/api/items/1", headers={"x": "1" * 30_000}).status == 200
    assert server.ask("GET", "/api/items/1", headers={"x": "1" * 33_000}).status == 431
    assert server.ask("GET", "/api/items/" + "1" * 8_000).status == 200
    assert server.ask("GET", "/api/items/" + "1" * 8_200).status == 414


def test_many_requests_ahead_of_their_answers_are_refused(server: Server) -> None:
    with server.growing_less_than(20), server.connect() as connection:
        send_until_refused(connection, request("GET", "/nap") * 10_000, MIB)
        assert closed_within(connection, 5)
    still_answers(server)
    time.sleep(1)  # until what was begun has ended
    assert not [line for line in server.lines() if line["event"] == "request failed"]


def test_a_few_requests_ahead_of_their_answers_are_answered_in_order(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(b"".join(request("GET", f"/api/items/{n}") for n in range(3)))
        received = b""
        while received.count(b'{"id":') < 3:
            received += connection.recv(65_536)
    assert re.findall(rb'"id":"(\d)"', received) == [b"0", b"1", b"2"]


# Contents


def test_json_of_a_depth_of_100_000_is_refused_before_it_is_parsed(server: Server) -> None:
    for deep in (b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 100_000 + b"1" + b"}" * 100_000):
        with server.growing_less_than(20):
            refused = server.ask("PUT", "/api/items", deep)
        assert refused.status == 400
        assert refused.faults[0]["description"] == "arrays and objects nest to more than 100 levels"


def test_a_depth_of_100_is_taken(server: Server) -> None:
    assert server.ask("PUT", "/api/items", b"[" * 100 + b"]" * 100).status == 200
    assert server.ask("PUT", "/api/items", b"[" * 101 + b"]" * 101).status == 400


def test_others_are_answered_while_a_million_keys_are_read(server: Server) -> None:
    members = b"{" + b",".join(b'"key%07d":{}' % n for n in range(1_000_000)) + b"}"
    assert 13 * MIB < len(members) < 16 * MIB
    with ThreadPoolExecutor(2) as pool:
        heavy = [pool.submit(server.ask, "PUT", "/api/items", members) for _ in range(2)]
        asked = 0
        while asked < 20 or not all(each.done() for each in heavy):
            with server.connect(ANSWER_SECONDS) as connection:
                connection.sendall(request("GET", f"/api/items/{asked}"))
                assert answer(connection).status == 200
            asked += 1
        assert [json.loads(each.result().body) for each in heavy] == [{"members": 1_000_000}] * 2


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ('application/json; charset="UTF-8"', 200),
        ("application/merge-patch+json;charset=utf-8", 200),
        ("application/json; charset=utf-16", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/jsonp", 415),
        ("", 415),
    ],
)
def test_only_json_in_utf_8_is_taken(server: Server, content_type: str, status: int) -> None:
    given = server.ask("PUT", "/api/items", b"[]", {"Content-Type": content_type})
    assert given.status == status
    assert status == 200 or given.faults == [{"summary": "The body should be application/json in UTF-8"}]


def test_a_compressed_body_is_refused(server: Server) -> None:
    assert server.ask("PUT", "/api/items", b"[]", {"Content-Encoding": "gzip"}).status == 415


def test_a_missing_body_and_utf_16_are_refused(server: Server) -> None:
    missing, empty = server.ask("PUT", "/api/items"), server.ask("PUT", "/api/items", b"")
    assert missing.faults == empty.faults
    assert missing.faults[0]["description"] == "the body is missing"
    assert server.ask("PUT", "/api/items", "[]".encode("utf-16")).status == 400


def test_every_fault_of_a_body_is_named_by_its_path_without_its_value(server: Server) -> None:
    refused = server.ask("POST", "/api/people", json.dumps({"age": CANARY}).encode())
    assert refused.status == 400
    assert [fault["summary"] for fault in refused.faults] == ["Invalid input. See response for details."] * 2
    assert [fault["description"].split(":")[0] for fault in refused.faults] == ["/body/age", "/body/name"]
    assert CANARY.encode() not in refused.body
    broken = server.ask("POST", "/api/people", b'{"age": ' + CANARY.encode())
    assert broken.faults[0]["description"] == "the body is not valid JSON"
    assert CANARY.encode() not in broken.body


@pytest.mark.parametrize(
    "address", [b"/api/items/%ff", b"/api/items/\xff", b"/api/items/1?q=%C0%AF", b"/api/items/1?q=\xc3\xa9"]
)
def test_an_address_that_is_no_text_is_refused_instead_of_read_as_some_other(
    server: Server, address: bytes
) -> None:
    with server.connect() as connection:
        connection.sendall(b"GET " + address + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        assert answer(connection).status == 400


# Statuses


def test_an_unknown_address_is_404_and_an_unknown_method_405_whatever_the_body(server: Server) -> None:
    for body in (None, b"[]"):
        assert server.ask("POST", "/nowhere", body).faults == [
            {"summary": "The requested entity was not found"}
        ]
        wrong = server.ask("POST", "/api/items/1", body)
        assert (wrong.status, wrong.headers["allow"]) == (405, "GET")
        assert wrong.faults == [{"summary": "This address does not know this method"}]


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "OPTIONS", "PROPFIND", "NONSENSE"])
def test_methods_that_nobody_uses_are_refused_with_the_contracts_error(server: Server, method: str) -> None:
    refused = server.ask(method, "/api/items/1")
    assert refused.status in (400, 405)
    assert refused.faults


def test_what_is_not_http_is_refused_with_the_contracts_error(server: Server) -> None:
    for nonsense in (b"\x16\x03\x01\x02\x00", b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n"):
        with server.connect() as connection:
            connection.sendall(nonsense)
            refused = answer(connection)
        assert (refused.status, refused.headers["connection"]) == (400, "close")
        assert refused.faults


def test_an_upgrade_is_ignored(server: Server) -> None:
    asked = {"Connection": "Upgrade", "Upgrade": "websocket"}
    assert server.ask("GET", "/api/items/1", headers=asked).status == 200


def test_a_trailer_does_not_become_a_header_field(server: Server) -> None:
    chunked = {"Transfer-Encoding": "chunked", "Content-Type": "text/plain"}
    with server.connect() as connection:
        sent = (
            request("PUT", "/api/items", None, chunked)
            + b"2\r\n[]\r\n0\r\nContent-Type: application/json\r\n\r\n"
        )
        connection.sendall(sent)
        assert answer(connection).status == 415


def test_an_unexpected_error_tells_a_reference_and_nothing_else(server: Server) -> None:
    failed = server.ask("GET", "/fail")
    assert failed.status == 500
    reference = failed.faults[0]["description"].removeprefix("reference ")
    logged = [line for line in server.lines() if line.get("reference") == reference]
    assert [line["errors"][0]["type"] for line in logged] == ["ValueError"]
    assert CANARY not in server.log.read_text()
    assert CANARY.encode() not in failed.body


def test_a_store_or_a_call_that_does_not_answer_is_503(server: Server) -> None:
    for path in ("/away", "/late"):
        failed = server.ask("GET", path)
        assert (failed.status, failed.headers["retry-after"]) == (503, "2")
        assert failed.faults


def test_a_fault_is_told_with_its_versions(server: Server) -> None:
    told = server.ask("GET", "/conflict")
    assert told.status == 409
    assert told.faults == [
        {"summary": "stale", "description": "you are late", "requestVersion": 41, "version": 42}
    ]


# Log and figures


def test_log_and_figures_know_routes_and_no_addresses(server: Server) -> None:
    asked = server.ask("GET", f"/api/items/{CANARY}?q={CANARY}", headers={"x": CANARY})
    server.ask("GET", f"/{CANARY}")
    server.ask("PROPFIND", f"/{CANARY}")
    [line] = [each for each in server.lines() if each.get("request_id") == asked.headers["x-request-id"]]
    assert (line["method"], line["route"], line["status"]) == ("GET", "/api/items/{item_id}", 200)
    assert line["milliseconds"] >= 0
    with urllib.request.urlopen(f"http://127.0.0.1:{server.health_port}/metrics", timeout=5) as response:
        figures = response.read().decode()
    assert CANARY not in figures + server.log.read_text()
    for method, route, status in [("GET", "/api/items/{item_id}", "2xx"), ("other", "unmatched", "4xx")]:
        labels = f'method="{method}",route="{route}",status="{status}"'
        assert f"order_records_requests_seconds_count{{{labels}}}" in figures


# Time and number
