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

    def __init__(self, *parts: bytes | None, leaves: bool = False, admitted: bool = True) -> None:
        self.leaves = leaves
        self.admitted = admitted
        self.parts = list(parts)
        self.sent: list[Message] = []
        self.reads = 0
        self.read_before_answer = 0
        self.given: list[bytes] = []

    async def receive(self) -> Message:
        self.reads += 1
        self.read_before_answer += not self.sent
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
            shell = LimitRequests(self.app, Limits(**limits), lambda _: self.admitted)
            await shell(scope, self.receive, self.send)
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


async def test_of_whom_is_not_let_in_no_body_is_read_before_the_answer() -> None:
    for path, status in (("/read", 401), ("/other", 418)):
        client = Client(b"[", b"1]", admitted=False)
        assert await client.ask(announced(3), path=path) == status
        assert client.given == []
        assert (b"connection", b"close") in client.sent[0]["headers"]
        assert client.read_before_answer == 0


async def test_whom_is_not_let_in_may_still_ask_without_a_body() -> None:
    client = Client(admitted=False)
    assert await client.ask(method="GET", path="/other") == 418
    assert (b"connection", b"close") not in client.sent[0]["headers"]


async def test_a_body_is_refused_by_its_size_whoever_sends_it() -> None:
    assert await Client(b"x" * 11, admitted=False).ask(announced(11), body_bytes=10) == 413


class Stubborn(Client):
    """Its app holds on to its request when it is cancelled, and then says something after all."""

    def __init__(self) -> None:
        super().__init__()
        self.cancelled, self.released = asyncio.Event(), asyncio.Event()

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            await self.released.wait()
        await super().app(scope, receive, send)


async def test_an_app_that_does_not_let_go_has_no_say_in_when_the_answer_comes() -> None:
    client = Stubborn()
    asking = asyncio.create_task(client.ask(method="GET", path="/", answer_seconds=0.01))
    await asyncio.wait_for(client.cancelled.wait(), 5)
    assert [client.sent[0]["status"], len(client.sent)] == [503, 2]
    assert not asking.done(), "the request counts until it has let go of what it holds"
    client.released.set()
    assert await asking == 503
    assert len(client.sent) == 2, "what is said after the refusal goes nowhere"


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
