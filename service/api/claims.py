"""What a verified token claims, read strictly: a claim of the wrong type is a refusal, never a guess."""

import json
from collections.abc import Collection
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

LEEWAY_SECONDS: Final = 30
MAX_LIFETIME_SECONDS: Final = 86_400

NumericDate = Annotated[float, Field(allow_inf_nan=False)]
"""Seconds since 1970 (RFC 7519, section 2); strict, so neither text nor true."""


class Claims(BaseModel):
    """The claims that count. Required by design section 8: `exp`, `iss`, `aud` and `sub`."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", hide_input_in_errors=True)

    iss: str
    sub: Annotated[str, Field(min_length=1)]
    aud: str | list[str]
    exp: NumericDate
    nbf: NumericDate = 0
    iat: NumericDate = 0
    scope: str = ""
    permissions: list[str] = []

    def fault(
        self, *, issuer: str | None, audience: Collection[str], now: float
    ) -> Literal["expired", "claims"] | None:
        """Why this token does not count at `now` (seconds since 1970); None when it does."""
        if now >= self.exp + LEEWAY_SECONDS:
            return "expired"
        audiences = {self.aud} if isinstance(self.aud, str) else set(self.aud)
        for_us = self.iss == issuer and not audiences.isdisjoint(audience)
        begun = max(self.nbf, self.iat) <= now + LEEWAY_SECONDS
        return None if for_us and begun and not self._lives_too_long(now) else "claims"

    def _lives_too_long(self, now: float) -> bool:
        # Twice, for `iat` is optional and the sender's word.
        stated = "iat" in self.model_fields_set and self.exp - self.iat > MAX_LIFETIME_SECONDS
        return stated or self.exp > now + MAX_LIFETIME_SECONDS + LEEWAY_SECONDS

    def granted(self) -> frozenset[str]:
        """Every permission named, by the array and by `scope` (RFC 8693, section 4.2)."""
        return frozenset((*self.permissions, *self.scope.split(" ")))


def read_claims(payload: bytes, permissions_claim: str) -> Claims:
    """The claims of a token's payload. Raises ValueError."""
    stated = read_object(payload)
    permissions = {"permissions": stated[permissions_claim]} if permissions_claim in stated else {}
    return Claims.model_validate({k: v for k, v in stated.items() if k != "permissions"} | permissions)


def read_object(text: bytes) -> dict[str, Any]:
    """A JSON object without repeated names, NaN and infinities. Raises ValueError.

    Repeated names are refused because two readers of one token could see two different tokens in it.
    """
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(value, dict):
        raise ValueError("not an object")  # noqa: TRY004 (one kind of error for all that is wrong)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name twice")
    return members


def _refuse(_: str) -> None:
    raise ValueError("not JSON")
