"""`order-records token`: a signed token for development."""

import json
import time
from datetime import UTC, datetime
from typing import Final

import click
import jwt

from runtime.environment import variable
from runtime.errors import UserError
from runtime.settings import Auth, load_settings
from service.api.auth import Permission
from service.api.auth_settings import check_auth_settings, shared_secret
from service.api.claims import MAX_LIFETIME_SECONDS

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
    signed = _signed(load_settings().auth, subject, granted, expires)
    if not as_json:
        click.echo(signed)
        return
    until = datetime.fromtimestamp(expires, UTC).isoformat().replace("+00:00", "Z")
    click.echo(json.dumps({"token": signed, "subject": subject, "permissions": granted, "expiresAt": until}))


def _signed(auth: Auth, subject: str, permissions: list[str], expires: int) -> str:
    if auth.hs256_secret is None:
        raise UserError(
            f"{variable('auth', 'hs256_secret')} is not set: development tokens are signed with it; where "
            "the keys are an issuer's, only that issuer makes tokens"
        )
    check_auth_settings(auth)
    claims = {
        "iss": auth.issuer,
        "aud": list(auth.audience),
        "sub": subject,
        "exp": expires,
        auth.permissions_claim: permissions,
    }
    return jwt.encode(claims, shared_secret(auth), algorithm="HS256")
