"""An issuer's key set, kept in memory and fresh: read from an address or a file by a task of its own."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import httpx
import structlog

from runtime.process import sleep_unless
from service.api.jwk_set import Key, KeySet, KeysUnusable, TokenHeader, read_jwks

log = structlog.get_logger(__name__)

MAX_BYTES: Final = 1_048_576
DEADLINE_SECONDS: Final = 5.0
REFRESH_SECONDS: Final = 300.0
ASK_SECONDS: Final = 30.0
_RETRY_SECONDS: Final = 1.0
_MAX_DOUBLINGS: Final = 10


class Jwks:
    """A JWK set in memory, read once at `async with` and then again and again by a task.

    A read that fails leaves the keys as they were. A `kid` that is not there asks for a read at once, but no
    more often than every `ask_seconds`: strangers may send any `kid`, and each would be a call to the issuer.
    """

    algorithms = frozenset({"RS256", "ES256", "EdDSA"})

    def __init__(
        self,
        read: Callable[[], Awaitable[bytes]],
        *,
        refresh_seconds: float = REFRESH_SECONDS,
        ask_seconds: float = ASK_SECONDS,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self._read = read
        self._refresh_seconds = refresh_seconds
        self._ask_seconds = ask_seconds
        self._deadline_seconds = deadline_seconds
        self._keys, self._document = KeySet(), b""
        self._failures = 0
        self._wanted = asyncio.Event()
        self._next_ask = 0.0

    @property
    def loaded(self) -> bool:
        return bool(self._keys.keys)

    def key_for(self, header: TokenHeader) -> Key | None:
        key = self._keys.find(header.kid, header.alg)
        if key is None and not self._keys.knows(header.kid):
            self._ask()
        return key

    async def refresh(self) -> None:
        """Reads the set once, within the deadline. Never raises: what went wrong is in the log."""
        try:
            async with asyncio.timeout(self._deadline_seconds):
                document = await self._read()
            if document != self._document:
                self._keys, self._document = read_jwks(document), document
                log.info("keys read", usable=len(self._keys.keys))
        except Exception as error:  # noqa: BLE001 (whatever it was, the old keys stay and the task goes on)
            self._failures += 1
            reason = str(error) if isinstance(error, KeysUnusable) else type(error).__name__
            log.warning("keys not read, the old ones stay", reason=reason, failures=self._failures)
        else:
            self._failures = 0

    async def __aenter__(self) -> Self:
        await self.refresh()
        self._refreshing = asyncio.create_task(self._keep_fresh(), name="keys refresh")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._refreshing.cancel()
        await asyncio.wait([self._refreshing])

    async def _keep_fresh(self) -> None:
        while True:
            await sleep_unless(self._wanted, self._pause())
            self._wanted.clear()
            await self.refresh()

    def _pause(self) -> float:
        seconds = self._refresh_seconds
        if self._failures:
            seconds = min(seconds, _RETRY_SECONDS * 2 ** min(self._failures - 1, _MAX_DOUBLINGS))
        return seconds * random.uniform(0.75, 1)  # noqa: S311 - jitter, not a secret

    def _ask(self) -> None:
        now = time.monotonic()
        if now >= self._next_ask:
            self._next_ask = now + self._ask_seconds
            self._wanted.set()


def new_client() -> httpx.AsyncClient:
    """A client that follows no redirect: an issuer's answer must not choose whom we call next."""
    return httpx.AsyncClient(follow_redirects=False, timeout=DEADLINE_SECONDS)


async def fetch(client: httpx.AsyncClient, url: str) -> bytes:
    """The body at an address. Raises KeysUnusable for a status other than 200 and for more than 1 MiB."""
    # Uncompressed, so that the size that is counted is the size that arrives.
    headers = {"Accept": "application/jwk-set+json, application/json", "Accept-Encoding": "identity"}
    body = bytearray()
    async with client.stream("GET", url, headers=headers) as response:
        if response.status_code != httpx.codes.OK:
            raise KeysUnusable(f"status {response.status_code}")
        async for part in response.aiter_raw():
            body += part
            _check_size(len(body))
    return bytes(body)


async def read_file(path: Path) -> bytes:
    """The content of a file. Raises KeysUnusable for more than 1 MiB, OSError when it cannot be read."""
    return await asyncio.to_thread(_read_file, path)


def _read_file(path: Path) -> bytes:
    if not path.is_file():  # a pipe would never end
        raise KeysUnusable("not a file")
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    _check_size(len(content))
    return content


def _check_size(size: int) -> None:
    if size > MAX_BYTES:
        raise KeysUnusable(f"more than {MAX_BYTES} bytes")
