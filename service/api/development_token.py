"""Tokens for development, signed with the secret that `serve` verifies with."""

from collections.abc import Iterable

import jwt

from runtime.environment import variable
from runtime.errors import UserError
from runtime.settings import Auth
from service.api.auth_settings import check_auth_settings, shared_secret


def development_token(auth: Auth, subject: str, permissions: Iterable[str], expires: int) -> str:
    """A token that `serve` takes with these settings; it expires at so many seconds since 1970.

    Raises UserError, naming the variables at fault, for settings that cannot sign.
    """
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
        auth.permissions_claim: list(permissions),
    }
    return jwt.encode(claims, shared_secret(auth), algorithm="HS256")
