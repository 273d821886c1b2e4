"""The public keys of a JWK set (RFC 7517) that may verify a token, and which of them a token means."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import jwt
import orjson
import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

log = structlog.get_logger(__name__)

Algorithm = Literal["RS256", "ES256", "EdDSA", "HS256"]
PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey

MAX_KEYS: Final = 100
MIN_RSA_BITS: Final = 2048
_MAX_MEMBER: Final = 1_400  # base64url of an RSA modulus of 8192 bits; a longer one costs too much to use
_MAX_LOGGED: Final = 100

_LOADERS: Final[dict[str, Callable[[dict[str, Any]], object]]] = {
    "RSA": RSAAlgorithm.from_jwk,
    "EC": ECAlgorithm.from_jwk,
    "OKP": OKPAlgorithm.from_jwk,
}
# Only these reach a loader: x5u, x5c and whatever else a set may hold are never looked at.
_PUBLIC_MEMBERS: Final = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}


class KeysUnusable(Exception):
    """What should be a JWK set is none. Its text is fixed and holds nothing of what was read."""


class _Ignored(Exception):
    """A key that is not for verifying our tokens; the text is a fixed word."""


@dataclass(frozen=True, slots=True)
class TokenHeader:
    """What of a token's header is read; `jku`, `x5u`, `jwk` and `x5c` have no place here on purpose."""

    alg: str
    kid: str | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """A key and the one algorithm that it may be used with."""

    algorithm: Algorithm
    material: PublicKey | bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeySet:
    """Usable public keys with their `kid`, in the order of the document."""

    keys: tuple[tuple[str | None, Key], ...] = ()

    def find(self, kid: str | None, algorithm: str) -> Key | None:
        """The one key that fits; None when there is none, or more than one and so a guess.

        A token without `kid` means the only key of its algorithm, whether that key has a `kid` or not.
        """
        fitting = [
            key for name, key in self.keys if key.algorithm == algorithm and (kid is None or name == kid)
        ]
        return fitting[0] if len(fitting) == 1 else None

    def knows(self, kid: str | None) -> bool:
        """Whether a key has this `kid`; without one, whether there is any key."""
        return any(kid is None or name == kid for name, _ in self.keys)


def read_jwks(document: bytes) -> KeySet:
    """The keys of a JWK set that are fit for use; the others are left out with a log line.

    Taken are RSA keys of 2048 to 8192 bits, EC keys on P-256 and Ed25519 keys: public ones, for signatures.
    Raises KeysUnusable for what is no JWK set.
    """
    keys: list[tuple[str | None, Key]] = []
    for jwk in _listed(document):
        kid = jwk.get("kid") if isinstance(jwk, dict) else None
        try:
            entry = (_checked_kid(kid), _read_key(jwk))
        except _Ignored as why:
            log.warning("key ignored", kid=kid[:_MAX_LOGGED] if isinstance(kid, str) else None, why=str(why))
            continue
        if entry not in keys:  # listed twice is still one key
            keys.append(entry)
    return KeySet(tuple(keys))


def _listed(document: bytes) -> list[Any]:
    try:
        whole = orjson.loads(document)
    except orjson.JSONDecodeError:
        raise KeysUnusable("not JSON") from None
    listed = whole.get("keys") if isinstance(whole, dict) else None
    if not isinstance(listed, list):
        raise KeysUnusable("not a JWK set")
    if len(listed) > MAX_KEYS:
        raise KeysUnusable(f"more than {MAX_KEYS} keys")
    return listed


def _checked_kid(kid: object) -> str | None:
    if kid is None or isinstance(kid, str):
        return kid
    raise _Ignored("kid")


def _read_key(jwk: Any) -> Key:
    if not isinstance(jwk, dict) or jwk.get("kty") not in tuple(_LOADERS):  # a tuple: it may be a list
        raise _Ignored("type")
    if "d" in jwk:
        raise _Ignored("private")
    operations = jwk.get("key_ops")
    may_verify = operations is None or (isinstance(operations, list) and "verify" in operations)
    if jwk.get("use") not in (None, "sig") or not may_verify:
        raise _Ignored("use")
    key = _key_of(_load(jwk["kty"], jwk))
    if jwk.get("alg") not in (None, key.algorithm):
        raise _Ignored("algorithm")
    return key


def _load(kind: str, jwk: dict[str, Any]) -> object:
    members = {name: jwk.get(name) for name in _PUBLIC_MEMBERS[kind]}
    if not all(isinstance(value, str) and len(value) <= _MAX_MEMBER for value in members.values()):
        raise _Ignored("members")
    try:
        return _LOADERS[kind]({"kty": kind, **members})
    except (jwt.InvalidKeyError, UnsupportedAlgorithm, ValueError):
        raise _Ignored("members") from None


def _key_of(material: object) -> Key:
    match material:
        case RSAPublicKey() if material.key_size >= MIN_RSA_BITS:
            return Key("RS256", material)
        case EllipticCurvePublicKey() if isinstance(material.curve, SECP256R1):
            return Key("ES256", material)
        case Ed25519PublicKey():
            return Key("EdDSA", material)
        case _:
            raise _Ignored("size or curve")
