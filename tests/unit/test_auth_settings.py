"""`serve` must be able to tell who asks: which authentication settings do."""

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from runtime.errors import UserError
from runtime.settings import Auth, load_settings
from service.api.auth_settings import check_auth_settings
from tests.tokens import ISSUER, SECRET, rsa_key

PEM = rsa_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
GOOD_ENVIRONMENT = {"ISSUER": ISSUER, "AUDIENCE": "a, b", "HS256_SECRET": SECRET}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"ISSUER": ""}, ["ISSUER"]),
        ({"AUDIENCE": ""}, ["AUDIENCE"]),
        ({"AUDIENCE": " , "}, ["AUDIENCE"]),
        ({"HS256_SECRET": ""}, ["JWKS_URL", "JWKS_FILE", "HS256_SECRET"]),
        ({"JWKS_FILE": "keys.json"}, ["JWKS_URL", "JWKS_FILE", "HS256_SECRET"]),
        ({"HS256_SECRET": "x" * 31}, ["HS256_SECRET"]),
        ({"HS256_SECRET": PEM}, ["HS256_SECRET"]),
        ({"HS256_SECRET": "", "JWKS_URL": "http://issuer.test/keys"}, ["JWKS_URL"]),
        ({"HS256_SECRET": "", "JWKS_URL": "file:///keys.json"}, ["JWKS_URL"]),
        ({"HS256_SECRET": "", "JWKS_URL": "https:///keys"}, ["JWKS_URL"]),
        ({"HS256_SECRET": "", "JWKS_URL": "https://[::1"}, ["JWKS_URL"]),
        ({"PERMISSIONS_CLAIM": "scope"}, ["PERMISSIONS_CLAIM"]),
        ({"ISSUER": "", "AUDIENCE": "", "HS256_SECRET": "short"}, ["ISSUER", "AUDIENCE", "HS256_SECRET"]),
    ],
)
def test_settings_that_cannot_tell_who_asks_are_refused_by_name(
    changes: dict[str, str], named: list[str]
) -> None:
    auth = auth_settings(changes)

    with pytest.raises(UserError) as caught:
        check_auth_settings(auth)

    text = str(caught.value)
    assert [name for name in Auth.model_fields if f"AUTH__{name.upper()}" in text] == [
        name for name in Auth.model_fields if name.upper() in named
    ]
    assert not any(value in text for value in changes.values() if value.strip(" ,") and value != "scope")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"HS256_SECRET": "x" * 32},
        {"HS256_SECRET": "", "JWKS_URL": "https://issuer.test/keys"},
        {"HS256_SECRET": "", "JWKS_FILE": "keys.json"},
    ],
)
def test_an_issuer_an_audience_and_one_key_source_are_enough(changes: dict[str, str]) -> None:
    check_auth_settings(auth_settings(changes))


def test_dev_alone_may_name_an_http_address() -> None:
    auth = auth_settings({"HS256_SECRET": "", "JWKS_URL": "http://127.0.0.1:1/keys"})

    check_auth_settings(auth, insecure_urls=True)
    with pytest.raises(UserError, match="JWKS_URL"):
        check_auth_settings(auth)


def auth_settings(changes: dict[str, str]) -> Auth:
    variables = GOOD_ENVIRONMENT | changes
    return load_settings({f"ORDER_RECORDS_AUTH__{name}": value for name, value in variables.items()}).auth
