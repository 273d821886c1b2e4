"""What was found out about a token, for when it comes again: most clients send one for an hour."""

import hashlib
from typing import Final, Generic, TypeVar

MAX_TOKENS: Final = 256

Found = TypeVar("Found")


class KnownTokens(Generic[Found]):
    """What was found out about the latest tokens, at most `most`; no token is kept, only its digest."""

    def __init__(self, most: int = MAX_TOKENS) -> None:
        self._most = most
        self._found: dict[bytes, Found] = {}

    def get(self, token: str) -> Found | None:
        """What was kept for exactly this token."""
        return self._found.get(_digest(token))

    def keep(self, token: str, found: Found) -> None:
        """Keeps it, and forgets the oldest for it."""
        if len(self._found) >= self._most:
            del self._found[next(iter(self._found))]
        self._found[_digest(token)] = found


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
