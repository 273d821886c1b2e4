"""The claims of a token: times, issuer, audience and subject, each of its own type or refused."""

import json
import time
from typing import Any

import pytest

from runtime.settings import Auth
from service.api.auth import Authenticator
from service.api.keys import SharedSecret
from tests.tokens import AUDIENCE, ISSUER, SECRET, claims, good, refusal, signed_text

SETTINGS = Auth(issuer=ISSUER, audience=("other", AUDIENCE))
DAY = 86_400


@pytest.fixture
def by_secret() -> Authenticator:
    return Authenticator(SETTINGS, SharedSecret(SECRET.encode()))


# Hours of room: these times are taken when the file is read, and the test may run minutes later.
CLAIMS: dict[str, tuple[dict[str, Any], str]] = {
    "expired": ({"exp": int(time.time()) - 31, "iat": None}, "expired"),
    "no exp": ({"exp": None}, "claims"),
    "exp 10^30": ({"exp": 10**30}, "claims"),
    "exp 10^400": ({"exp": 10**400}, "claims"),
    "exp as text": ({"exp": str(int(time.time()) + 60)}, "claims"),
    "exp true": ({"exp": True}, "claims"),
    "exp infinite": ({"exp": float("inf")}, "claims"),
    "exp NaN": ({"exp": float("nan")}, "claims"),
    "exp an array": ({"exp": [int(time.time()) + 60]}, "claims"),
    "more than a day from now": ({"exp": int(time.time()) + DAY + 3600, "iat": None}, "claims"),
    "more than a day in all": ({"iat": int(time.time()) - DAY, "exp": int(time.time()) + 3600}, "claims"),
    "iat as text": ({"iat": "now"}, "claims"),
    "made in the future": ({"iat": int(time.time()) + 3600}, "claims"),
    "not yet valid": ({"nbf": int(time.time()) + 3600}, "claims"),
    "nbf as text": ({"nbf": "0"}, "claims"),
    "another issuer": ({"iss": ISSUER + "/"}, "claims"),
    "issuer as an array": ({"iss": [ISSUER]}, "claims"),
    "no issuer": ({"iss": None}, "claims"),
    "another audience": ({"aud": "somebody else"}, "claims"),
    "audiences of others": ({"aud": ["x", "y"]}, "claims"),
    "audience of numbers": ({"aud": [AUDIENCE, 1]}, "claims"),
    "no audience": ({"aud": None}, "claims"),
    "empty audience": ({"aud": []}, "claims"),
    "no subject": ({"sub": None}, "claims"),
    "empty subject": ({"sub": ""}, "claims"),
    "subject an object": ({"sub": {"$ne": 1}}, "claims"),
    "subject no Unicode text": ({"sub": "\ud800"}, "claims"),
    "permissions as text": ({"permissions": "CONFIG_READ"}, "claims"),
    "permissions of numbers": ({"permissions": ["CONFIG_READ", 1]}, "claims"),
    "permissions an object": ({"permissions": {"CONFIG_READ": True}}, "claims"),
    "scope as an array": ({"scope": ["CONFIG_READ"]}, "claims"),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_a_token_with_bad_claims_is_refused(by_secret: Authenticator, name: str) -> None:
    changes, reason = CLAIMS[name]

    assert refusal(by_secret, good(**changes)) == reason


@pytest.mark.parametrize("payload", [b"[]", b"{", b"1", b"[" * 5_000, b'{"exp": ' + b"9" * 5_000 + b"}"])
def test_a_signed_payload_that_is_no_object_is_refused(by_secret: Authenticator, payload: bytes) -> None:
    assert refusal(by_secret, "Bearer " + signed_text(SECRET, "HS256", payload)) == "claims"


def test_a_claim_that_is_there_twice_is_refused(by_secret: Authenticator) -> None:
    twice = json.dumps(claims())[:-1] + ', "sub": "somebody else"}'

    assert refusal(by_secret, "Bearer " + signed_text(SECRET, "HS256", twice.encode())) == "claims"


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        ({"exp": 1_000_000, "iat": None}, 1_000_029.9),
        ({"exp": 1_000_000 + DAY, "iat": 1_000_000}, 1_000_000.0),
        ({"exp": 1_000_100, "nbf": 1_000_030, "iat": 1_000_030}, 1_000_000.0),
        ({"exp": 1_000_100.5, "iat": 1_000_000.5, "nbf": 0}, 1_000_001.0),
        ({"exp": 1_000_030 + DAY, "iat": None}, 1_000_000.0),
    ],
)
def test_clocks_may_differ_by_thirty_seconds(changes: dict[str, Any], at: float) -> None:
    authenticator = Authenticator(SETTINGS, SharedSecret(SECRET.encode()), now=lambda: at)

    assert authenticator.authenticate(good(**changes)).subject == "ann"
