"""Whether the demo's parts still live: without one of them it would run on and show nothing."""

import asyncio
from collections.abc import Sequence
from typing import Final

from local.demo.children import Child
from local.demo.stream import Sent
from local.demo.trail import Trail
from local.demo.waiting import failure
from local.servers.process import listens
from runtime.errors import UserError

_CONNECT_SECONDS: Final = 2.0
_SILENT_SECONDS: Final = 8.0
"""A server that comes back sooner was only restarted."""


class Parts:
    """What has to live as long as the demo does."""

    def __init__(self, children: Sequence[Child], kafka: Sequence[str]) -> None:
        self._children = children
        self._kafka = kafka
        self._silent_since: dict[str, float] = {}

    async def require(self, sent: Sent, trail: Trail, *, mongo_answers: bool) -> None:
        """Raises UserError that says which part is gone."""
        faults = [child.fault() for child in self._children]
        faults.append(self._silence("MongoDB", mongo_answers))
        faults.append(self._silence("Kafka", await _any_listens(self._kafka)))
        faults.append(_failed("publishing orders", failure(sent.task)))
        faults.append(_failed("reading the audit topic", failure(trail.task)))
        found = [fault for fault in faults if fault]
        if found:
            raise UserError(f"the demo ends: {'; '.join(found)}")

    def _silence(self, name: str, answers: bool) -> str | None:  # noqa: FBT001 - what it is about
        now = asyncio.get_running_loop().time()
        if answers:
            self._silent_since.pop(name, None)
            return None
        silent = now - self._silent_since.setdefault(name, now)
        return f"{name} has not answered for {silent:.0f} s" if silent >= _SILENT_SECONDS else None


def _failed(what: str, error: str | None) -> str | None:
    return None if error is None else f"{what} failed ({error})"


async def _any_listens(addresses: Sequence[str]) -> bool:
    for address in addresses:
        host, _, port = address.rpartition(":")
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                if await listens(host.strip("[]"), int(port)):
                    return True
        except TimeoutError:
            continue
    return False
