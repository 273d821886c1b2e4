"""`order-records keys`: makes the secrets, and prints the key by which others verify the audit trail."""

import base64
import json
import secrets
from pathlib import Path

import click

from audit.keys import verifier_key
from runtime.environment import variable
from runtime.errors import UserError
from runtime.secret_keys import KEY_BYTES, SECRET_NAMES, SecretName, read_key_file
from runtime.settings import load_settings

WHAT_FOR: dict[SecretName, str] = {
    "id_key": "Makes every record id. Never replace it; lost, replays store and revive orders under new ids.",
    "quarantine_key": "Encrypts events that could not be stored. Lost, those in quarantine cannot be read.",
    "audit_signing_key": "Signs the audit trail. Lost, new checkpoints need a new key; old ones stay valid.",
}


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def keys(context: click.Context, *, as_json: bool) -> None:
    """Make the three secrets: lines for an .env file, new ones at each call.

    They are printed once and stored nowhere: keep them where your secrets are kept, and keep a copy.

    \b
    Example:
      order-records keys > .env
    """  # noqa: D301 (click reads the \b)
    if context.invoked_subcommand is not None:
        return
    made = {name: base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode() for name in SECRET_NAMES}
    if as_json:
        click.echo(json.dumps({variable("secrets", name): key for name, key in made.items()}))
        return
    for name, key in made.items():
        click.echo(f"# {WHAT_FOR[name]}\n{variable('secrets', name)}={key}")


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


def _seed(path: Path) -> bytes:
    try:
        return read_key_file(path, "--signing-key-file")
    except ValueError as error:
        raise UserError(str(error)) from error
