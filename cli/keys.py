"""`order-records keys`: makes the secrets, and prints the key by which others verify the audit trail."""

import base64
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from audit.keys import KEY_NAME, is_key_name, seed_key, verifier_key
from runtime.environment import variable
from runtime.errors import UserError
from runtime.secret_keys import KEY_BYTES, SECRET_NAMES, read_key_file
from runtime.settings import load_settings

_WHAT_FOR: Final = {
    "id_key": "Makes every record id. Never replace it; lost, replays store and revive orders under new ids.",
    "quarantine_key": "Encrypts events that could not be stored. Lost, those in quarantine cannot be read.",
    "audit_signing_key": "Signs the audit trail. Lost, new checkpoints need a new key; old ones stay valid.",
    "hs256_secret": "Signs the API's development tokens. May be replaced at any time.",
}


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--compose-env",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE",
    help="Write to FILE instead what it lacks for docker compose: these three, and a secret for tokens.",
)
@click.pass_context
def keys(context: click.Context, *, as_json: bool, compose_env: Path | None) -> None:
    """Make the three secrets: lines for an .env file, new ones at each call.

    They are printed once and stored nowhere: keep them where your secrets are kept, and keep a copy.

    \b
    Example:
      order-records keys > .env
    """  # noqa: D301 (click reads the \b)
    if context.invoked_subcommand is not None:
        return
    if compose_env is not None:
        click.echo(_complete(compose_env))
        return
    made = {str(name): _new_key() for name in SECRET_NAMES}
    if as_json:
        click.echo(json.dumps({_variable(name): key for name, key in made.items()}))
    else:
        click.echo(_lines(made), nl=False)


def _new_key() -> str:
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def _variable(name: str) -> str:
    return variable("secrets" if name in SECRET_NAMES else "auth", name)


def _lines(made: Mapping[str, str]) -> str:
    return "".join(f"# {_WHAT_FOR[name]}\n{_variable(name)}={key}\n" for name, key in made.items())


def _complete(file: Path) -> str:
    """Appends the variables that the file lacks, and says which; its owner alone may read a new file."""
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    named = (line.removeprefix("export ").partition("=") for line in text.splitlines())
    there = {name.strip() for name, _, value in named if value}
    missing = {name: _new_key() for name in _WHAT_FOR if _variable(name) not in there}
    if not missing:
        return f"{file} has all of them and stays as it is: its keys belong to stored data."
    begin = "\n" if text and not text.endswith("\n") else ""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "w") as opened:
        opened.write(begin + _lines(missing))
    return f"Wrote to {file}: {', '.join(map(_variable, missing))}"


@keys.command()
@click.option(
    "--signing-key-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File that holds the audit signing key; without it the key of the settings is taken.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def verifier(*, signing_key_file: Path | None, as_json: bool) -> None:
    """Print the verifier key of the audit signing key; it is public.

    Give it to those who check the trail. Its name is ORDER_RECORDS_AUDIT__LOG_NAME.

    \b
    Example:
      order-records keys verifier --signing-key-file audit.key
    """  # noqa: D301
    settings = load_settings()
    name = settings.audit.log_name
    seed = _seed(signing_key_file) if signing_key_file else settings.secrets.require("audit_signing_key")
    key = verifier_key(seed, name)
    click.echo(json.dumps({"name": name, "verifierKey": key}) if as_json else key)


@keys.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--name", required=True, help="The witness's name: one that no other witness and no trail has.")
def witness(*, file: Path, name: str) -> None:
    """Make a witness's key in FILE, unless there is one, and print its verifier key; that is public.

    Whoever is to co-sign the trail runs this, and gives the verifier key to those who check the trail. Nobody
    who runs the service should be able to read FILE.

    \b
    Example:
      order-records keys witness witness.key --name compliance
    """  # noqa: D301
    if not is_key_name(name):
        raise click.UsageError(f"--name: {KEY_NAME}")
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(f"{_new_key()}\n")
    except FileExistsError:
        pass  # its key belongs to what was co-signed
    except OSError as error:
        raise UserError(f"{file} cannot be written: {error.strerror}") from None
    click.echo(seed_key(_seed(file, "FILE"), name).cosigner().text)


def _seed(path: Path, source: str = "--signing-key-file") -> bytes:
    try:
        return read_key_file(path, source)
    except ValueError as error:
        raise UserError(str(error)) from error
