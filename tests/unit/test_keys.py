"""`order-records keys` and the verifier key."""

import base64
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from audit.keys import verifier_key
from cli.keys import keys
from runtime.errors import UserError
from runtime.settings import load_settings
from service.api.auth_settings import check_auth_settings

# The published example of the signed-note format's first implementation (golang.org/x/mod/sumdb/note).
EXAMPLE_SECRET = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"  # noqa: S105 (published)
EXAMPLE_VERIFIER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
EXAMPLE_SEED = base64.b64decode(EXAMPLE_SECRET)[1:]


def run(*arguments: str, **environ: str) -> str:
    result = CliRunner().invoke(keys, arguments, env=environ, catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_the_verifier_key_of_the_published_example_is_the_published_one() -> None:
    assert verifier_key(EXAMPLE_SEED, "PeterNeumann") == EXAMPLE_VERIFIER


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b"])
def test_a_name_that_would_break_the_format_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="key name"):
        verifier_key(EXAMPLE_SEED, name)


def test_the_printed_lines_are_an_env_file_that_the_settings_accept() -> None:
    lines = [line for line in run().splitlines() if not line.startswith("#")]

    settings = load_settings(dict(line.split("=", 1) for line in lines))

    settings.require_secrets("id_key", "quarantine_key", "audit_signing_key")


def test_every_call_makes_other_keys() -> None:
    made = [json.loads(run("--json")) for _ in range(2)]

    assert len({key for keys_of_one_call in made for key in keys_of_one_call.values()}) == 6


def test_every_key_is_explained_in_one_comment_line() -> None:
    assert [line[:1] for line in run().splitlines()] == ["#", "O"] * 3


def env_file(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if line and not line.startswith("#"))


def test_a_new_compose_file_has_all_keys_and_a_token_secret_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / ".env"

    said = run("--compose-env", str(file))

    written = env_file(file.read_text())
    settings = load_settings(
        written | {"ORDER_RECORDS_AUTH__ISSUER": "i", "ORDER_RECORDS_AUTH__AUDIENCE": "a"}
    )
    settings.require_secrets("id_key", "quarantine_key", "audit_signing_key")
    check_auth_settings(settings.auth)
    assert file.stat().st_mode & 0o777 == 0o600
    assert not [key for key in written.values() if key in said]


def test_a_compose_file_gets_what_it_lacks_and_keeps_the_rest(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    before = "OTHER=1\nexport ORDER_RECORDS_SECRETS__ID_KEY=mine\nORDER_RECORDS_SECRETS__QUARANTINE_KEY="
    file.write_text(before)

    run("--compose-env", str(file))
    completed = file.read_text()
    run("--compose-env", str(file))

    assert completed.startswith(f"{before}\n# ")
    assert list(env_file(completed.removeprefix(before))) == [
        "ORDER_RECORDS_SECRETS__QUARANTINE_KEY",
        "ORDER_RECORDS_SECRETS__AUDIT_SIGNING_KEY",
        "ORDER_RECORDS_AUTH__HS256_SECRET",
    ]
    assert file.read_text() == completed


def test_the_verifier_key_is_that_of_the_settings_and_verifies_what_their_seed_signs() -> None:
    seed = bytes(range(32))
    encoded = base64.b64encode(seed).decode()

    text = run("verifier", ORDER_RECORDS_SECRETS__AUDIT_SIGNING_KEY=encoded).strip()

    name, _, key = text.split("+", 2)
    assert name == "order-records"
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(b"note")
    Ed25519PublicKey.from_public_bytes(base64.b64decode(key)[1:]).verify(signature, b"note")


def test_the_verifier_key_can_come_from_a_file_and_a_name_from_the_settings(tmp_path: Path) -> None:
    file = tmp_path / "seed"
    file.write_text(base64.b64encode(EXAMPLE_SEED).decode() + "\n")

    output = run(
        "verifier", "--json", "--signing-key-file", str(file), ORDER_RECORDS_AUDIT__LOG_NAME="PeterNeumann"
    )

    assert json.loads(output) == {"name": "PeterNeumann", "verifierKey": EXAMPLE_VERIFIER}


def test_without_a_signing_key_the_user_is_told_which_variable_is_missing() -> None:
    with pytest.raises(UserError, match="ORDER_RECORDS_SECRETS__AUDIT_SIGNING_KEY"):
        run("verifier")
