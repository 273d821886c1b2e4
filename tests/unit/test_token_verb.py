"""`order-records token`: what it signs is what `serve` believes."""

import json
from datetime import UTC, datetime, timedelta

import click
import pytest
from click.testing import CliRunner

from cli.token import token
from runtime.errors import UserError
from runtime.settings import load_settings
from service.api.auth import Authenticator, Permission, Principal
from service.api.auth_settings import shared_secret
from service.api.keys import SharedSecret
from tests.tokens import SECRET

ENVIRONMENT = {
    "ORDER_RECORDS_AUTH__ISSUER": "https://issuer.test",
    "ORDER_RECORDS_AUTH__AUDIENCE": "one,two",
    "ORDER_RECORDS_AUTH__HS256_SECRET": SECRET,
}


def run(*arguments: str, **changes: str) -> str:
    result = CliRunner().invoke(token, arguments, env=ENVIRONMENT | changes, catch_exceptions=False)
    assert result.exit_code == 0
    return result.output.strip()


def believed(signed: str, **changes: str) -> Principal:
    auth = load_settings(ENVIRONMENT | changes).auth
    return Authenticator(auth, SharedSecret(shared_secret(auth))).authenticate(f"Bearer {signed}")


def test_without_options_the_token_may_do_everything() -> None:
    assert believed(run()) == Principal("developer", frozenset(Permission))


def test_subject_and_permissions_are_those_asked_for() -> None:
    signed = run("--subject", "ann", "--permission", "CONFIG_READ", "--permission", "LIFECYCLE_READ")

    assert believed(signed) == Principal(
        "ann", frozenset({Permission.CONFIG_READ, Permission.LIFECYCLE_READ})
    )


def test_permissions_stand_under_the_configured_claim() -> None:
    name = {"ORDER_RECORDS_AUTH__PERMISSIONS_CLAIM": "https://issuer.test/roles"}

    assert believed(run(**name), **name).permissions == set(Permission)
    assert believed(run(**name)).permissions == set()


@pytest.mark.parametrize("minutes", [1, 60, 1_440])
def test_json_says_until_when_and_a_whole_day_is_believed(minutes: int) -> None:
    result = json.loads(run("--json", "--minutes", str(minutes)))

    left = datetime.fromisoformat(result["expiresAt"]) - datetime.now(UTC)
    assert timedelta(minutes=minutes, seconds=-10) < left <= timedelta(minutes=minutes)
    assert believed(result["token"]).subject == result["subject"] == "developer"
    assert result["permissions"] == list(Permission)


def test_the_help_has_an_example() -> None:
    assert "Example:\n" in run("--help")


@pytest.mark.parametrize(
    "arguments", [["--minutes", "0"], ["--minutes", "1441"], ["--permission", "ALL"], ["--subject", ""]]
)
def test_a_wrong_option_is_a_wrong_call(arguments: list[str]) -> None:
    with pytest.raises(click.UsageError):
        token.main(arguments, standalone_mode=False)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"ORDER_RECORDS_AUTH__HS256_SECRET": ""}, "ORDER_RECORDS_AUTH__HS256_SECRET is not set"),
        ({"ORDER_RECORDS_AUTH__HS256_SECRET": "short"}, "ORDER_RECORDS_AUTH__HS256_SECRET should be"),
        ({"ORDER_RECORDS_AUTH__ISSUER": ""}, "ORDER_RECORDS_AUTH__ISSUER"),
        ({"ORDER_RECORDS_AUTH__AUDIENCE": ""}, "ORDER_RECORDS_AUTH__AUDIENCE"),
        ({"ORDER_RECORDS_AUTH__JWKS_FILE": "keys.json"}, "exactly one of"),
    ],
)
def test_settings_that_cannot_sign_are_named(changes: dict[str, str], named: str) -> None:
    with pytest.raises(UserError, match=named):
        run(**changes)


def test_a_key_set_alone_gives_no_development_token() -> None:
    with pytest.raises(UserError, match="HS256_SECRET is not set"):
        run(ORDER_RECORDS_AUTH__HS256_SECRET="", ORDER_RECORDS_AUTH__JWKS_FILE="keys.json")
