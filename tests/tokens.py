"""Tokens, keys and key sets for tests, and an issuer's server on loopback that counts who calls it."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from service.api.auth import Authenticator, Unauthenticated

ISSUER = "https://issuer.test"
AUDIENCE = "order-records"
SECRET = "a secret of at least thirty-two bytes"  # noqa: S105 (a test's)

CONSTANT_TEXT = "Your user is not allowed to operate against this API instance"

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@cache
def rsa_key(name: str = "first", bits: int = 2048) -> rsa.RSAPrivateKey:
    """A key of this name; the same one at each call."""
    return rsa.generate_private_key(65_537, bits)


@cache
def ec_key(name: str = "first") -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def ed_key(name: str = "first") -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


def jwk(key: PrivateKey, kid: str | None = None, **members: Any) -> dict[str, Any]:
    """The public half as a JWK."""
    public: dict[str, Any]
    match key:
        case rsa.RSAPrivateKey():
            public = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
        case ec.EllipticCurvePrivateKey():
            public = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
        case ed25519.Ed25519PrivateKey():
            public = OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
    public.pop("key_ops", None)
    return public | ({} if kid is None else {"kid": kid}) | members


def jwks(*keys: dict[str, Any]) -> bytes:
    return json.dumps({"keys": keys}).encode()


def claims(**changes: Any) -> dict[str, Any]:
    """Good claims with some changed; None leaves one out."""
    now = int(time.time())
    good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "iat": now, "exp": now + 600}
    return {name: value for name, value in (good | changes).items() if value is not None}


def signed(
    key: Any, alg: str, *, kid: str | None = None, header: dict[str, Any] | None = None, **changes: Any
) -> str:
    headers = (header or {}) | ({} if kid is None else {"kid": kid})
    # The signature layer alone: PyJWT's upper one refuses to write some of the claims that are tested.
    return jwt.PyJWS().encode(json.dumps(claims(**changes)).encode(), key, alg, headers)


def signed_text(key: Any, alg: str, payload: bytes) -> str:
    return jwt.PyJWS().encode(payload, key, alg)


def refusal(authenticator: Authenticator, header: str | None) -> str:
    """The reason word of the refusal, whose text must be the constant one."""
    with pytest.raises(Unauthenticated) as caught:
        authenticator.authenticate(header)
    assert str(caught.value) == CONSTANT_TEXT
    return caught.value.reason


def good(**changes: Any) -> str:
    return "Bearer " + signed(SECRET, "HS256", **changes)


def segment(value: bytes | dict[str, Any]) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


@dataclass
class Issuer:
    """What the server answers, and how often it was asked."""

    address: str
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    pause_seconds: float = 0.0
    paths: list[str] = field(default_factory=list)


@contextmanager
def issuer_server() -> Iterator[Issuer]:
    """An HTTP server on loopback that ends with the block."""
    server = _Server(("127.0.0.1", 0), _Handler)
    issuer = server.issuer = Issuer(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    issuer: Issuer


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, _Server)
        issuer = self.server.issuer
        issuer.paths.append(self.path)
        time.sleep(issuer.pause_seconds)
        self.send_response(issuer.status)
        for name, value in issuer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(issuer.body)))
        self.end_headers()
        try:
            self.wfile.write(issuer.body)
        except OSError:
            return  # the client had enough

    def log_message(self, *_: Any) -> None:
        return
