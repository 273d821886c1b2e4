"""Where the keys that verify tokens come from, as the settings say."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Protocol

from runtime.environment import variable
from runtime.errors import UserError
from runtime.settings import Auth
from service.api.auth_settings import check_auth_settings, shared_secret
from service.api.jwk_set import Key, TokenHeader
from service.api.jwks import Jwks, fetch, new_client, read_file


class KeySource(Protocol):
    """Answers from memory alone, on the event loop: a request never waits for an issuer or a disk."""

    @property
    def algorithms(self) -> frozenset[str]:
        """The only values of `alg` that a token may have."""

    @property
    def loaded(self) -> bool:
        """Whether there is any key yet; without one every token is refused."""

    def key_for(self, header: TokenHeader) -> Key | None:
        """The key that the token says it was signed with."""


class SharedSecret:
    """One secret for HS256; a `kid` is not looked at."""

    algorithms = frozenset({"HS256"})
    loaded = True

    def __init__(self, secret: bytes) -> None:
        self._key = Key("HS256", secret)

    def key_for(self, header: TokenHeader) -> Key | None:
        return self._key if header.alg == self._key.algorithm else None


@asynccontextmanager
async def open_keys(auth: Auth, *, insecure_urls: bool = False) -> AsyncIterator[KeySource]:
    """The key source that the settings name, kept fresh until the block ends.

    Raises UserError for settings that do not do (`check_auth_settings`) and for a file without a usable key.
    An issuer that does not answer is no error: its keys come when it does, and `loaded` says whether they
    have.
    """
    check_auth_settings(auth, insecure_urls=insecure_urls)
    if auth.jwks_file is not None:
        async with Jwks(partial(read_file, auth.jwks_file)) as keys:
            if not keys.loaded:
                raise UserError(
                    f"{variable('auth', 'jwks_file')} should name a file (JWKS) with a usable key"
                )
            yield keys
    elif auth.jwks_url is not None:
        async with new_client() as client, Jwks(partial(fetch, client, auth.jwks_url)) as keys:
            yield keys
    else:
        yield SharedSecret(shared_secret(auth))
