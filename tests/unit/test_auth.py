"""API-14..20 of the fault matrix: which tokens are believed, and that a refused one learns nothing."""

import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from structlog.testing import capture_logs

from runtime.settings import Auth
from service.api.auth import Authenticator, Forbidden, Permission, Principal, require
from service.api.jwks import Jwks
from service.api.keys import SharedSecret
from tests.tokens import (
    AUDIENCE,
    ISSUER,
    SECRET,
    claims,
    ec_key,
    ed_key,
    good,
    issuer_server,
    jwk,
    jwks,
    refusal,
    rsa_key,
    segment,
    signed,
)

SETTINGS = Auth(issuer=ISSUER, audience=("other", AUDIENCE))


@pytest.fixture
async def by_key_set() -> AsyncIterator[Authenticator]:
    async def read() -> bytes:
        return jwks(jwk(rsa_key(), "r"), jwk(ec_key(), "e"), jwk(ed_key(), "d"))

    async with Jwks(read) as keys:
        yield Authenticator(SETTINGS, keys)


@pytest.fixture
def by_secret() -> Authenticator:
    return Authenticator(SETTINGS, SharedSecret(SECRET.encode()))


@pytest.mark.parametrize(
    ("key", "alg", "kid"),
    [
        (rsa_key(), "RS256", "r"),
        (ec_key(), "ES256", "e"),
        (ed_key(), "EdDSA", "d"),
        (ed_key(), "EdDSA", None),
    ],
)
async def test_a_token_of_a_listed_key_is_believed(
    by_key_set: Authenticator, key: Any, alg: str, kid: str | None
) -> None:
    token = signed(key, alg, kid=kid, permissions=["CONFIG_READ"])

    assert by_key_set.authenticate(f"Bearer {token}") == Principal("ann", frozenset({Permission.CONFIG_READ}))


def hs256_by_public_key() -> str:
    pem = rsa_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    text = f"{segment({'alg': 'HS256', 'kid': 'r'})}.{segment(claims())}"
    return f"{text}.{segment(hmac.new(pem, text.encode(), hashlib.sha256).digest())}"


def tampered() -> str:
    head, _, signature = signed(rsa_key(), "RS256", kid="r").split(".")
    return f"{head}.{segment(claims(permissions=['CONFIG_WRITE']))}.{signature}"


FORGED: dict[str, tuple[Callable[[], str], str]] = {
    "none": (lambda: f"{segment({'alg': 'none'})}.{segment(claims())}.", "algorithm"),
    "None": (lambda: f"{segment({'alg': 'None', 'kid': 'r'})}.{segment(claims())}.", "algorithm"),
    "HS256 by the public key": (hs256_by_public_key, "algorithm"),
    "HS256 by a secret": (lambda: signed(SECRET, "HS256"), "algorithm"),
    "RS512, not pinned": (lambda: signed(rsa_key(), "RS512", kid="r"), "algorithm"),
    "PS256, not pinned": (lambda: signed(rsa_key(), "PS256", kid="r"), "algorithm"),
    "ES256 under an RSA kid": (lambda: signed(ec_key(), "ES256", kid="r"), "key"),
    "a stranger's key": (lambda: signed(rsa_key("stranger"), "RS256", kid="r"), "signature"),
    "no signature": (lambda: signed(rsa_key(), "RS256", kid="r").rpartition(".")[0] + ".", "signature"),
    "changed claims": (tampered, "signature"),
    "unknown kid": (lambda: signed(rsa_key(), "RS256", kid="nobody"), "key"),
    "kid is a path": (lambda: signed(rsa_key(), "RS256", kid="../../../../dev/null"), "key"),
    "kid is SQL": (lambda: signed(rsa_key(), "RS256", kid="r' OR '1'='1"), "key"),
    "kid is an object": (
        lambda: f"{segment({'alg': 'RS256', 'kid': {'$ne': 1}})}.{segment(claims())}.AA",
        "malformed",
    ),
    "crit": (
        lambda: f"{segment({'alg': 'RS256', 'kid': 'r', 'crit': ['b64'], 'b64': False})}.AA.AA",
        "malformed",
    ),
    "alg twice": (lambda: segment(b'{"alg":"RS256","alg":"none"}') + ".AA.AA", "malformed"),
    "deep header": (lambda: segment(b"[" * 3_000) + ".AA.AA", "malformed"),
    "header is no object": (lambda: segment(b"[]") + ".AA.AA", "malformed"),
    "header is no UTF-8": (lambda: segment(b'{"alg": "\xff"}') + ".AA.AA", "malformed"),
}


@pytest.mark.parametrize("name", FORGED)
async def test_a_forged_token_is_refused(by_key_set: Authenticator, name: str) -> None:
    make, reason = FORGED[name]

    assert refusal(by_key_set, f"Bearer {make()}") == reason


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (None, "missing"),
        ("", "missing"),
        ("   ", "missing"),
        ("Bearer", "malformed"),
        ("Bearer a", "malformed"),
        ("Bearer a.b", "malformed"),
        ("Bearer a.b.c.d.e", "malformed"),
        ("Basic YTpi", "malformed"),
        (good().removeprefix("Bearer "), "malformed"),
        (good().replace(" ", "\t"), "malformed"),
        (good() + "\u212a", "malformed"),
        (f"{good()}, {good()}", "malformed"),
        (f"{good()} {good()}", "malformed"),
        (good() + "=", "malformed"),
        (good() + "\n", "malformed"),
        ("Bearer ..", "malformed"),
        (good(padding="x" * 8_192), "malformed"),
        ("Bearer " + "." * 1_000_000, "malformed"),
        ("Bearer" + " " * 1_000_000, "malformed"),
    ],
)
def test_a_header_that_is_no_bearer_token_is_refused(
    by_secret: Authenticator, header: str | None, reason: str
) -> None:
    assert refusal(by_secret, header) == reason


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER ", "Bearer     "])
def test_the_scheme_is_read_in_any_case_and_with_several_spaces(
    by_secret: Authenticator, scheme: str
) -> None:
    assert by_secret.authenticate(good().replace("Bearer ", scheme) + " ").subject == "ann"


def test_an_hs256_secret_accepts_no_other_algorithm(by_secret: Authenticator) -> None:
    assert refusal(by_secret, "Bearer " + signed(SECRET + "." * 64, "HS512")) == "algorithm"
    assert refusal(by_secret, "Bearer " + signed(rsa_key(), "RS256")) == "algorithm"
    assert refusal(by_secret, "Bearer " + signed(SECRET + ".", "HS256")) == "signature"


@pytest.mark.parametrize("name", ["jku", "x5u"])
async def test_no_address_in_a_token_is_ever_called(by_key_set: Authenticator, name: str) -> None:
    stranger = rsa_key("stranger")
    with issuer_server() as server:
        server.body = jwks(jwk(stranger, "r"))
        header = {name: f"{server.address}/keys", "jwk": jwk(stranger), "x5c": ["AAAA"]}

        token = signed(stranger, "RS256", kid="r", header=header)

        assert refusal(by_key_set, f"Bearer {token}") == "signature"
        assert server.paths == []


@pytest.mark.parametrize(
    ("changes", "granted"),
    [
        ({}, set()),
        ({"permissions": []}, set()),
        ({"scope": ""}, set()),
        ({"permissions": ["ORDER_RECORD_READ", "ORDER_RECORD_READ", "WHATEVER"]}, {"ORDER_RECORD_READ"}),
        ({"scope": "openid CONFIG_READ  LIFECYCLE_READ"}, {"CONFIG_READ", "LIFECYCLE_READ"}),
        ({"permissions": ["CONFIG_READ"], "scope": "CONFIG_WRITE"}, {"CONFIG_READ", "CONFIG_WRITE"}),
        ({"permissions": ["order_record_read"], "scope": "ORDER_RECORD"}, set()),
    ],
)
def test_permissions_are_those_named_by_the_array_and_the_scope(
    by_secret: Authenticator, changes: dict[str, Any], granted: set[str]
) -> None:
    assert by_secret.authenticate(good(**changes)).permissions == granted


def test_the_permissions_claim_is_the_configured_one_alone() -> None:
    settings = SETTINGS.model_copy(update={"permissions_claim": "roles"})
    authenticator = Authenticator(settings, SharedSecret(SECRET.encode()))

    principal = authenticator.authenticate(good(roles=["CONFIG_READ"], permissions=["CONFIG_WRITE"]))

    assert principal.permissions == {"CONFIG_READ"}


def test_without_the_permission_the_answer_is_forbidden(by_secret: Authenticator) -> None:
    reader = by_secret.authenticate(good(permissions=["ORDER_RECORD_READ"]))

    require(reader, Permission.ORDER_RECORD_READ)
    with pytest.raises(Forbidden, match=r"^Your user, although recognized, is not authorized") as caught:
        require(reader, Permission.ORDER_RECORD_WRITE)
    assert caught.value.permission is Permission.ORDER_RECORD_WRITE


async def test_neither_log_nor_error_nor_principal_shows_who_asked(by_key_set: Authenticator) -> None:
    token = signed(rsa_key(), "RS256", kid="r", sub="ann.example")
    with capture_logs() as lines:
        principal = by_key_set.authenticate(f"Bearer {token}")
        for make, _ in FORGED.values():
            refusal(by_key_set, f"Bearer {make()}")

    assert lines == []
    assert "ann" not in repr(principal)
