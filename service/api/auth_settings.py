"""Whether the authentication settings make a service that can tell who is asking."""

from typing import Final

import httpx
import jwt
from jwt.algorithms import HMACAlgorithm

from runtime.environment import variable
from runtime.errors import UserError
from runtime.settings import Auth

MIN_SECRET_BYTES: Final = 32  # RFC 7518, section 3.2: as long as the hash

_ISSUER, _AUDIENCE, _CLAIM, _URL, _FILE, _SECRET = (
    variable("auth", name)
    for name in ("issuer", "audience", "permissions_claim", "jwks_url", "jwks_file", "hs256_secret")
)
_NOT_AN_ARRAY: Final = frozenset({"scope", "iss", "sub", "aud", "exp", "nbf", "iat"})


def check_auth_settings(auth: Auth, *, insecure_urls: bool = False) -> None:
    """Raises UserError, naming every variable at fault, unless tokens can be verified with these settings.

    `insecure_urls` lets the key set's address begin with http, for a key server on one's own machine; no
    setting says so. `dev` needs none: it signs its own tokens. Source: design section 3.
    """
    problems = []
    if auth.issuer is None:
        problems.append(f"{_ISSUER} is needed")
    if not auth.audience:
        problems.append(f"{_AUDIENCE} is needed")
    if auth.permissions_claim in _NOT_AN_ARRAY:
        problems.append(f"{_CLAIM} should name a claim of its own, with an array (`scope` is read anyway)")
    if sum(source is not None for source in (auth.jwks_url, auth.jwks_file, auth.hs256_secret)) != 1:
        problems.append(f"exactly one of {_URL}, {_FILE} and {_SECRET} should be set")
    problems += _source_problems(auth, insecure_urls=insecure_urls)
    if problems:
        raise UserError("; ".join(problems))


def _source_problems(auth: Auth, *, insecure_urls: bool) -> list[str]:
    problems = []
    if auth.jwks_url is not None and not _is_address(auth.jwks_url, insecure=insecure_urls):
        problems.append(f"{_URL} should be an address that begins with https://")
    if auth.hs256_secret is not None:
        try:
            shared_secret(auth)
        except UserError as problem:
            problems.append(str(problem))
    return problems


def shared_secret(auth: Auth) -> bytes:
    """The secret of HS256 tokens. Raises UserError when it is absent, short, or a key of another kind."""
    if auth.hs256_secret is None:
        raise UserError(f"{_SECRET} is not set")
    secret = auth.hs256_secret.get_secret_value().encode()
    if len(secret) < MIN_SECRET_BYTES:
        raise UserError(f"{_SECRET} should be at least {MIN_SECRET_BYTES} bytes")
    try:
        return HMACAlgorithm(HMACAlgorithm.SHA256).prepare_key(secret)
    except jwt.InvalidKeyError:
        raise UserError(f"{_SECRET} should be random text, not a key pair, certificate or JWK") from None


def _is_address(text: str, *, insecure: bool) -> bool:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        return False
    return url.scheme in ({"https", "http"} if insecure else {"https"}) and bool(url.host)
