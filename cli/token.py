"""`order-records token`: a signed token for development."""

import json
import time
from datetime import UTC, datetime
from typing import Final

import click

from runtime.settings import load_settings
from service.api.auth import Permission
from service.api.claims import MAX_LIFETIME_SECONDS
from service.api.development_token import development_token

_MINUTE: Final = 60
_ALL: Final = tuple(str(each) for each in Permission)


@click.command()
@click.option("--subject", default="developer", show_default=True, help="Whom the token names (`sub`).")
@click.option(
    "--permission",
    "permissions",
    multiple=True,
    type=click.Choice(_ALL),
    help="What its bearer may do; may be repeated. All of them without it.",
)
@click.option(
    "--minutes",
    type=click.IntRange(1, MAX_LIFETIME_SECONDS // _MINUTE),
    default=60,
    show_default=True,
    help="How long it is good.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def token(*, subject: str, permissions: tuple[str, ...], minutes: int, as_json: bool) -> None:
    """Print a signed token for the REST API, for development.

    Signed with ORDER_RECORDS_AUTH__HS256_SECRET, so `serve` must verify with the same secret; issuer and
    audience are those of the settings.

    \b
    Example:
      curl -H "Authorization: Bearer $(order-records token)" localhost:8080/api/orderrecords
    """  # noqa: D301 (click reads the \b)
    if not subject:
        raise click.BadParameter("should not be empty", param_hint="--subject")
    expires = int(time.time()) + minutes * _MINUTE
    granted = list(dict.fromkeys(permissions or _ALL))
    signed = development_token(load_settings().auth, subject, granted, expires)
    if not as_json:
        click.echo(signed)
        return
    until = datetime.fromtimestamp(expires, UTC).isoformat().replace("+00:00", "Z")
    click.echo(json.dumps({"token": signed, "subject": subject, "permissions": granted, "expiresAt": until}))
