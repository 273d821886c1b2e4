"""The API's limits, one by one and without a server."""

import asyncio
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from service.api import nesting
from service.api.errors import Fault, RequestFault, api_error, invalid
from service.api.limits import LimitRequests, Limits
from service.api.nesting import nests_deeper
from service.api.observe import UNMATCHED, route_template

JSON = [(b"content-type", b"application/json")]
Fields = list[tuple[bytes, bytes]]

texts = st.text('[]{}"\\ab\n\u00e9', max_size=6)
values: st.SearchStrategy[Any] = st.recursive(
    texts | st.integers(0, 9) | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=40,
)


def depth_of(value: Any) -> int:
    if not isinstance(value, list | dict):
        return 0
    return 1 + max(map(depth_of, value.values() if isinstance(value, dict) else value), default=0)


@contextmanager
def pieces_of(size: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nesting, "_PIECE_BYTES", size)
        yield


@given(values, st.integers(1, 30), st.sampled_from(["ascii", "utf-8"]), st.integers(0, 8))
def test_nesting_is_told_as_a_parser_would_find_it(value: Any, piece: int, coding: str, limit: int) -> None:
    text = json.dumps(value, ensure_ascii=coding == "ascii").encode()
    with pieces_of(piece):
        assert asyncio.run(nests_deeper(text, limit)) is (depth_of(value) > limit)


@pytest.mark.parametrize("piece", [1, 7, 2**14])
async def test_contrived_nesting_is_told_at_the_limit_and_one_above(piece: int) -> None:
    with pieces_of(piece):
        for inner in (b"", b"[]," * 99 + b"[]", b'"[[["', b'"\\\\"', b'"\\"[[["', b"{}" * 50):
            deep = 99 if b"[]" in inner or b"{}" in inner else 100
            for extra in (0, 1):
                levels = deep + extra
                text = (b"[" * levels + inner + b"]" * levels + b",") * 30
                assert await nests_deeper(text, 100) is bool(extra)


async def test_an_unclosed_string_hides_what_follows_as_it_does_from_a_parser() -> None:
    assert not await nests_deeper(b'"' + b"[" * 1000, 100)
    assert await nests_deeper(b"[" * 1000 + b'"', 100)


class Client:
    """Sends a request to the app within limits, and keeps what comes back."""

    def __init__(self, *parts: bytes | None, leaves: bool = False) -> None:
        self.leaves = leaves
        self.parts = list(parts)
        self.sent: list[Message] = []
        self.reads = 0
        self.given: list[bytes] = []

    async def receive(self) -> Message:
        self.reads += 1
        if not self.parts:
            return {"type": "http.disconnect"}
        part = self.parts.pop(0)
        if part is None:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": part, "more_body": self.leaves or bool(self.parts)}

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/read":
            self.given.append((await receive())["body"])
        await api_error(418)(scope, receive, send)

    async def ask(
        self,
        fields: Iterable[tuple[bytes, bytes]] = (),
        *,
        method: str = "PUT",
        path: str = "/read",
        **limits: Any,
    ) -> int:
        """The status; 0 when there was no answer."""
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": b"",
            "headers": list(fields),
        }
        try:
            await LimitRequests(self.app, Limits(**limits))(scope, self.receive, self.send)
        except RequestFault as fault:  # what the routes' error handlers would answer
            return fault.status_code
        return int(self.sent[0]["status"]) if self.sent else 0


def announced(size: int) -> Fields:
    return [*JSON, (b"content-length", str(size).encode())]


async def test_a_body_is_given_to_the_app_whole_and_unchanged() -> None:
    client = Client(b"[1", b",", b"2]")
    assert await client.ask(announced(5)) == 418
    assert client.given == [b"[1,2]"]


async def test_a_request_without_a_body_is_not_read() -> None:
    client = Client()
    assert await client.ask(method="GET", path="/") == 418
    assert client.reads == 0


async def test_an_announced_body_over_the_limit_is_refused_before_it_is_read() -> None:
    client = Client(b"x" * 11)
    assert await client.ask(announced(11), body_bytes=10) == 413
    assert client.sent[1]["body"], "the answer went out whole"
    assert not client.given


async def test_a_body_is_counted_when_it_announces_no_size() -> None:
    chunked = [*JSON, (b"transfer-encoding", b"chunked")]
    assert await Client(b"[", b" " * 8, b"]").ask(chunked, body_bytes=10) == 418
    assert await Client(b"[", b" " * 9, b"]").ask(chunked, body_bytes=10) == 413


async def test_a_body_that_ends_with_its_connection_gets_no_answer() -> None:
    assert await Client(b"[", leaves=True).ask(announced(2)) == 0


async def test_what_is_wrong_with_a_body_is_said_when_it_is_read_and_not_before() -> None:
    faulty: list[tuple[bytes, Fields, int]] = [
        (b"", JSON, 400),
        (b"[]", [], 415),
        (b"[]", [(b"content-type", b"text/plain")], 415),
        (b"[]", JSON * 2, 415),
        (b"[\x00]", JSON, 400),
        (b"[[[]]]", JSON, 400),
    ]
    for body, fields, status in faulty:
        headers = [*fields, (b"content-length", str(len(body)).encode())]
        assert await Client(body).ask(headers, nesting=2) == status
        assert await Client(body).ask(headers, nesting=2, path="/other") == 418


async def test_a_body_that_nobody_asked_for_is_bounded_too() -> None:
    assert await Client(b"anything").ask([(b"content-length", b"8")], method="GET") == 418
    assert await Client(b"anything").ask([(b"content-length", b"8")], method="GET", body_bytes=7) == 413


async def test_a_body_has_its_time() -> None:
    assert await Client(b"[", None).ask(announced(2), body_seconds=0.01) == 408


def test_a_fault_has_only_the_members_that_say_something() -> None:
    assert json.loads(bytes(api_error(409, [Fault("s", request_version=0, version=1)]).body)) == [
        {"summary": "s", "requestVersion": 0, "version": 1}
    ]
    assert invalid("should be short", "/a/0") == Fault(
        "Invalid input. See response for details.", "/a/0: should be short"
    )


def test_an_answer_without_faults_says_what_its_status_means() -> None:
    refused = api_error(401)
    assert json.loads(bytes(refused.body)) == [
        {"summary": "Your user is not allowed to operate against this API instance"}
    ]
    assert refused.headers["www-authenticate"] == "Bearer"
    assert api_error(503, headers={"Retry-After": "9"}).headers["retry-after"] == "9"


def test_a_request_without_a_route_has_a_label_of_its_own() -> None:
    assert route_template({"type": "http", "path": "/x"}) == UNMATCHED
