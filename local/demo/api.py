"""The API of the demo as a client has it: an address, a token, and what it answers."""

import shlex
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from local.servers.process import HOST
from runtime.settings import Auth, Settings
from service.api.auth import Permission
from service.api.claims import MAX_LIFETIME_SECONDS
from service.api.development_token import development_token

PAGE: Final = 500
_ANSWER_SECONDS: Final = 5.0


@dataclass(frozen=True)
class Api:
    """Where it is, and the file that holds a token for all of it, good for a day."""

    address: str
    token_file: Path
    _auth: Auth = field(repr=False)

    @classmethod
    def of(cls, settings: Settings, folder: Path) -> "Api":
        """The API that these settings make; writes the token, for whoever runs the demo alone."""
        api = cls(f"http://{HOST}:{settings.api.port}", folder / "token", settings.auth)
        api.token_file.touch(mode=0o600)
        api.token_file.write_text(api.token(), encoding="ascii")
        return api

    def token(self) -> str:
        """A new token with every permission."""
        return development_token(
            self._auth, "demo", map(str, Permission), int(time.time()) + MAX_LIFETIME_SECONDS
        )

    @property
    def call(self) -> str:
        """A command for a shell that lists the first order."""
        token = f"$(cat {shlex.quote(str(self.token_file))})"
        return f'curl -H "Authorization: Bearer {token}" "{self.address}/api/orderrecords?size=1"'

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        """A client that may do everything; each call of it ends within five seconds."""
        async with httpx.AsyncClient(
            base_url=self.address,
            headers={"Authorization": f"Bearer {self.token()}"},
            timeout=_ANSWER_SECONDS,
            trust_env=False,  # nobody's proxy leads to this machine
        ) as client:
            yield client


@dataclass(frozen=True)
class Listing:
    """What the list said: records by their ids, and the total of each page."""

    records: dict[str, dict[str, Any]]
    totals: list[int]


async def listing(client: httpx.AsyncClient, pages: int) -> Listing:
    """The first so many pages of the list. Raises httpx.HTTPError."""
    found, last = Listing({}, []), ""
    for _ in range(pages):
        answer = await client.get("/api/orderrecords", params={"size": PAGE, "startAfterId": last})
        page = answer.raise_for_status().json()
        found.totals.append(page["total"])
        found.records.update((record["id"], record) for record in page["orderRecords"])
        if len(page["orderRecords"]) < PAGE:
            break
        last = page["orderRecords"][-1]["id"]
    return found
