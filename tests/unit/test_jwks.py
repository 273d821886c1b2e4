"""An issuer's key set: which keys are taken, how they change, and what an issuer's failures may not do."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import RSAAlgorithm
from structlog.testing import capture_logs

from runtime.errors import UserError
from runtime.settings import Auth
from service.api.auth import Authenticator, Unauthenticated
from service.api.jwk_set import KeysUnusable, TokenHeader, read_jwks
from service.api.jwks import Jwks, fetch, new_client, read_file
from service.api.keys import SharedSecret, open_keys
from tests.tokens import (
    AUDIENCE,
    ISSUER,
    SECRET,
    Issuer,
    ec_key,
    ed_key,
    issuer_server,
    jwk,
    jwks,
    rsa_key,
    signed,
)

SETTINGS = Auth(issuer=ISSUER, audience=(AUDIENCE,))
OLD, NEW = TokenHeader("RS256", "old"), TokenHeader("RS256", "new")
OLD_KEYS, NEW_KEYS = jwks(jwk(rsa_key(), "old")), jwks(jwk(rsa_key("second"), "new"))


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuer_server() as server:
        server.body = OLD_KEYS
        yield server


@asynccontextmanager
async def key_set(issuer: Issuer, **times: float) -> AsyncIterator[Jwks]:
    async with new_client() as client, Jwks(partial(fetch, client, issuer.address + "/k"), **times) as keys:
        yield keys


async def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 (what is waited for is outside this loop)
            await asyncio.sleep(0.005)


PRIVATE = RSAAlgorithm.to_jwk(rsa_key(), as_dict=True)
SMALL = rsa_key("small", 1_024)
OTHER_CURVE = ec.generate_private_key(ec.SECP384R1())

NOT_TAKEN: dict[str, Any] = {
    "small RSA key": jwk(SMALL),
    "huge RSA modulus": jwk(rsa_key()) | {"n": "_" * 1_401},
    "another curve": jwk(OTHER_CURVE),
    "Ed448": {"kty": "OKP", "crv": "Ed448", "x": "A" * 76},
    "X25519": {"kty": "OKP", "crv": "X25519", "x": "A" * 43},
    "point off the curve": jwk(ec_key()) | {"x": "A" * 43},
    "secret": {"kty": "oct", "k": "A" * 43},
    "private key": PRIVATE | {"key_ops": ["sign", "verify"]},
    "for encryption": jwk(rsa_key(), use="enc"),
    "use an array": jwk(rsa_key(), use=["sig"]),
    "for signing only": jwk(rsa_key(), key_ops=["sign"]),
    "another algorithm": jwk(rsa_key(), alg="RS512"),
    "an algorithm that does not fit": jwk(rsa_key(), alg="ES256"),
    "kid a number": jwk(rsa_key()) | {"kid": 1},
    "type an array": {"kty": ["RSA"]},
    "no members": {"kty": "RSA"},
    "members of numbers": {"kty": "RSA", "n": 1, "e": 65_537},
    "members no base64": {"kty": "RSA", "n": "\u00e4", "e": "AQAB"},
    "exponent one": jwk(rsa_key()) | {"e": "AQ"},
    "no object": "key",
    "null": None,
}


@pytest.mark.parametrize("name", NOT_TAKEN)
def test_a_key_that_is_not_for_us_is_left_out_and_said_by_its_kid_alone(name: str) -> None:
    refused = NOT_TAKEN[name]
    with capture_logs() as lines:
        keys = read_jwks(jwks(refused, jwk(ed_key(), "good")))

    assert [kid for kid, _ in keys.keys] == ["good"]
    assert [line["event"] for line in lines] == ["key ignored"]
    assert set(lines[0]) == {"event", "log_level", "kid", "why"}


@pytest.mark.parametrize(
    "members",
    [{}, {"use": "sig"}, {"key_ops": ["verify"]}, {"alg": "RS256"}, {"x5u": "https://a", "x5c": [1]}],
)
def test_a_public_key_for_signatures_is_taken(members: dict[str, Any]) -> None:
    assert read_jwks(jwks(jwk(rsa_key(), "a", **members))).find("a", "RS256") is not None


@pytest.mark.parametrize(
    "document",
    [b"", b"{", b"[]", b"{}", b'{"keys": {}}', b"\xff", b"[" * 100_000, b'{"keys": [' + b"0," * 100 + b"0]}"],
)
def test_what_is_no_key_set_is_unusable(document: bytes) -> None:
    with pytest.raises(KeysUnusable):
        read_jwks(document)


def test_a_key_must_be_meant_and_never_guessed() -> None:
    first, second = jwk(rsa_key()), jwk(rsa_key("second"))

    assert read_jwks(jwks(first)).find(None, "RS256")
    assert read_jwks(jwks(first, jwk(ec_key()))).find(None, "RS256"), "the other is of another algorithm"
    assert read_jwks(jwks(first, first)).find(None, "RS256"), "listed twice is still one key"
    assert read_jwks(jwks(first | {"kid": "a"})).find(None, "RS256"), "the only one there is"
    assert not read_jwks(jwks(first, second)).find(None, "RS256")
    assert not read_jwks(jwks(first | {"kid": "a"}, second | {"kid": "b"})).find(None, "RS256")
    assert not read_jwks(jwks(first | {"kid": "a"}, second | {"kid": "a"})).find("a", "RS256")
    assert not read_jwks(jwks(first)).find("a", "RS256"), "a kid never means a key without one"


async def test_a_new_key_is_accepted_after_a_refresh_and_a_removed_one_is_not(issuer: Issuer) -> None:
    async with key_set(issuer) as keys:
        authenticator = Authenticator(SETTINGS, keys)
        old = "Bearer " + signed(rsa_key(), "RS256", kid="old")
        new = "Bearer " + signed(rsa_key("second"), "RS256", kid="new")
        assert authenticator.authenticate(old).subject == "ann"
        issuer.body = NEW_KEYS

        with pytest.raises(Unauthenticated):
            authenticator.authenticate(new)
        await until(lambda: keys.key_for(NEW))

        assert authenticator.authenticate(new).subject == "ann"
        with pytest.raises(Unauthenticated):
            authenticator.authenticate(old)


async def test_keys_are_read_again_regularly(issuer: Issuer) -> None:
    async with key_set(issuer, refresh_seconds=0.02) as keys:
        issuer.body = NEW_KEYS

        await until(lambda: keys.key_for(NEW))


async def test_unknown_kids_ask_once_in_their_time_and_never_wait(issuer: Issuer) -> None:
    async with key_set(issuer, ask_seconds=0.5) as keys:
        issuer.pause_seconds = 0.05
        begun = time.monotonic()
        for number in range(10_000):
            assert keys.key_for(TokenHeader("RS256", f"unknown {number}")) is None
        assert time.monotonic() - begun < 0.4
        await until(lambda: len(issuer.paths) == 2)
        await asyncio.sleep(0.1)
        keys.key_for(TokenHeader("RS256", "one more"))
        await asyncio.sleep(0.1)
        assert len(issuer.paths) == 2
        await asyncio.sleep(0.5)
        keys.key_for(NEW)
        await until(lambda: len(issuer.paths) == 3)


async def test_a_known_kid_with_another_algorithm_asks_nobody(issuer: Issuer) -> None:
    async with key_set(issuer) as keys:
        assert keys.key_for(TokenHeader("ES256", "old")) is None
        await asyncio.sleep(0.1)

    assert issuer.paths == ["/k"]


FAILURES: dict[str, dict[str, Any]] = {
    "server error": {"status": 500},
    "not found": {"status": 404},
    "no content": {"status": 204, "body": b""},
    "no key set": {"body": b"<html>ann@example.test</html>"},
    "too large": {"body": OLD_KEYS + b" " * 1_048_576},
    "compressed": {"headers": {"Content-Encoding": "gzip"}, "body": b"\x1f\x8b"},
    "too slow": {"pause_seconds": 1.0},
}


@pytest.mark.parametrize("name", FAILURES)
async def test_whatever_an_issuer_answers_the_old_keys_still_work(issuer: Issuer, name: str) -> None:
    async with key_set(issuer, deadline_seconds=0.5) as keys:
        issuer.body = NEW_KEYS
        for attribute, value in FAILURES[name].items():
            setattr(issuer, attribute, value)
        with capture_logs() as lines:
            await keys.refresh()

        assert keys.key_for(OLD)
        assert [line["event"] for line in lines] == ["keys not read, the old ones stay"]
        assert "ann" not in str(lines)


async def test_a_redirect_is_refused_and_not_followed(issuer: Issuer) -> None:
    with issuer_server() as elsewhere:
        elsewhere.body = NEW_KEYS
        async with key_set(issuer) as keys:
            issuer.status, issuer.headers = 302, {"Location": elsewhere.address}
            await keys.refresh()

            assert keys.key_for(OLD)
            assert not keys.key_for(NEW)
        assert elsewhere.paths == []


async def test_an_issuer_that_is_away_at_the_start_is_asked_again_by_itself(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.api.jwks._RETRY_SECONDS", 0.02)
    issuer.status = 503
    async with key_set(issuer) as keys:
        assert not keys.loaded
        await until(lambda: len(issuer.paths) >= 3)
        issuer.status = 200
        await until(lambda: keys.loaded)

        assert keys.key_for(OLD)


async def test_the_pause_after_failures_doubles_up_to_the_regular_one() -> None:
    async def read() -> bytes:
        raise OSError

    keys = Jwks(read)
    pauses = []
    for _ in range(12):
        await keys.refresh()
        pauses.append(keys._pause())

    assert 0.75 <= pauses[0] <= 1
    assert 6 <= pauses[3] <= 8
    assert all(225 <= pause <= 300 for pause in pauses[9:])


async def test_a_file_is_read_again_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.api.keys.Jwks", partial(Jwks, refresh_seconds=0.02))
    path = tmp_path / "keys.json"
    path.write_bytes(OLD_KEYS)
    async with open_keys(SETTINGS.model_copy(update={"jwks_file": path})) as keys:
        assert keys.key_for(OLD)
        path.unlink()
        await asyncio.sleep(0.05)
        assert keys.key_for(OLD)
        monkeypatch.setattr("service.api.jwks._RETRY_SECONDS", 0.02)
        path.write_bytes(NEW_KEYS)

        await until(lambda: keys.key_for(NEW))


@pytest.mark.parametrize("content", [None, b"", b'{"keys": []}', OLD_KEYS + b" " * 1_048_576])
async def test_a_file_without_a_usable_key_stops_the_start_by_name(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "keys.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match="ORDER_RECORDS_AUTH__JWKS_FILE"):
        async with open_keys(SETTINGS.model_copy(update={"jwks_file": path})):
            pass


async def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(KeysUnusable, match="not a file"):
        await read_file(tmp_path)


async def test_the_settings_choose_the_source(issuer: Issuer) -> None:
    by_url = SETTINGS.model_copy(update={"jwks_url": issuer.address + "/k"})
    async with open_keys(by_url, insecure_urls=True) as keys:
        assert keys.key_for(OLD)
    with pytest.raises(UserError, match="JWKS_URL"):
        async with open_keys(by_url):
            pass
    by_secret = Auth.model_validate({"issuer": ISSUER, "audience": AUDIENCE, "hs256_secret": SECRET})
    async with open_keys(by_secret) as keys:
        assert isinstance(keys, SharedSecret)
        assert SECRET not in repr(keys.key_for(TokenHeader("HS256")))


def test_the_helper_writes_what_an_issuer_would() -> None:
    assert json.loads(OLD_KEYS)["keys"][0].keys() == {"kty", "n", "e", "kid"}
