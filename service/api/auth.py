"""Who is asking, and what they may do: a bearer token in, a principal out."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal

import jwt
from jwt.utils import base64url_decode

from runtime.settings import Auth
from service.api.claims import Claims, read_claims, read_object
from service.api.jwk_set import Key, TokenHeader
from service.api.keys import KeySource
from service.api.known_tokens import KnownTokens

MAX_TOKEN_CHARACTERS: Final = 8_192

# ASCII, or ignoring case would let the Kelvin sign pass for a k.
_BEARER: Final = re.compile(
    r"bearer +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*) *", re.IGNORECASE | re.ASCII
)
_JWS: Final = jwt.PyJWS()

Reason = Literal["missing", "malformed", "algorithm", "key", "signature", "expired", "claims"]


class Permission(StrEnum):
    """What an endpoint may ask for."""

    ORDER_RECORD_READ = "ORDER_RECORD_READ"
    ORDER_RECORD_WRITE = "ORDER_RECORD_WRITE"
    CONFIG_READ = "CONFIG_READ"
    CONFIG_WRITE = "CONFIG_WRITE"
    LIFECYCLE_READ = "LIFECYCLE_READ"


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody whose token is good. The subject may be a person's name: it is never shown or logged."""

    subject: str = field(repr=False)
    permissions: frozenset[Permission]


class Unauthenticated(Exception):
    """No good token: 401. The text is the contract's and always the same; `reason` is for log and metric."""

    def __init__(self, reason: Reason) -> None:
        super().__init__("Your user is not allowed to operate against this API instance")
        self.reason: Final = reason


class Forbidden(Exception):
    """A good token without the permission: 403. The text is the contract's."""

    def __init__(self, permission: Permission) -> None:
        super().__init__("Your user, although recognized, is not authorized to use this endpoint")
        self.permission: Final = permission


@dataclass(frozen=True, slots=True, repr=False)
class _Signed:
    """A token whose signature is good: what was read from it, and by which key."""

    header: TokenHeader
    key: Key
    claims: Claims
    principal: Principal


class Authenticator:
    """Verifies tokens by keys in memory: no call leaves the process, and nothing of a token is logged."""

    def __init__(self, settings: Auth, keys: KeySource, *, now: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._keys = keys
        self._now = now
        self._known = KnownTokens[_Signed]()

    def authenticate(self, authorization_header: str | None) -> Principal:
        """The principal of an `Authorization` header (RFC 6750, section 2.1). Raises Unauthenticated."""
        signed = self._signed(_bearer_token(authorization_header))
        settings = self._settings
        fault = signed.claims.fault(issuer=settings.issuer, audience=settings.audience, now=self._now())
        if fault is not None:
            raise Unauthenticated(fault)
        return signed.principal

    def _signed(self, token: str) -> "_Signed":
        """What a token says that is signed by a key that counts now.

        That a key signed these bytes stays true for ever; all else is looked at each time.
        """
        known = self._known.get(token)
        if known is not None and self._key(known.header) is known.key:
            return known
        header = _header(token)
        key = self._key(header)
        claims = self._claims(token, key)
        granted = claims.granted()
        principal = Principal(claims.sub, frozenset(each for each in Permission if each in granted))
        signed = _Signed(header, key, claims, principal)
        self._known.keep(token, signed)
        return signed

    def _key(self, header: TokenHeader) -> Key:
        if header.alg not in self._keys.algorithms:
            raise Unauthenticated("algorithm")
        key = self._keys.key_for(header)
        if key is None:
            raise Unauthenticated("key")
        return key

    def _claims(self, token: str, key: Key) -> Claims:
        try:
            # The key says which algorithm, never the token: so a public key is no HS256 secret.
            payload = _JWS.decode(token, key.material, algorithms=[key.algorithm])
        except (jwt.PyJWTError, ValueError):
            raise Unauthenticated("signature") from None
        try:
            return read_claims(payload, self._settings.permissions_claim)
        except ValueError:
            raise Unauthenticated("claims") from None


def require(principal: Principal, permission: Permission) -> None:
    """Raises Forbidden unless the principal has the permission."""
    if permission not in principal.permissions:
        raise Forbidden(permission)


def _bearer_token(header: str | None) -> str:
    if header is None or not header.strip():
        raise Unauthenticated("missing")
    match = _BEARER.fullmatch(header)
    if match is None or len(match[1]) > MAX_TOKEN_CHARACTERS:
        raise Unauthenticated("malformed")
    return match[1]


def _header(token: str) -> TokenHeader:
    try:
        header = read_object(base64url_decode(token.partition(".")[0]))
    except ValueError:
        raise Unauthenticated("malformed") from None
    alg, kid = header.get("alg"), header.get("kid")
    # `crit` names extensions that must be understood (RFC 7515, section 4.1.11), and none is.
    if not isinstance(alg, str) or not isinstance(kid, str | None) or "crit" in header:
        raise Unauthenticated("malformed")
    return TokenHeader(alg, kid)
