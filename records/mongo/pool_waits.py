"""How PyMongo's pool waits, mended for Python 3.11."""

import asyncio
import sys
from collections.abc import Awaitable
from typing import Final, TypeVar

import pymongo.lock

Result = TypeVar("Result")

_NEEDS_MENDING: Final = sys.version_info < (3, 12)


def mend_pool_waits() -> None:
    """Lets calls be cancelled more than once while they wait for a connection. Harmless when repeated.

    Up to Python 3.11 `asyncio.wait_for` waits in a task of its own, and a second cancellation leaves that
    task behind: it takes the lock of the pool and never gives it back, and every later call to MongoDB waits
    for ever, until the process is ended. Later versions of Python wait as is done here.
    """
    if _NEEDS_MENDING:
        pymongo.lock.wait_for = _wait_for  # type: ignore[assignment,attr-defined]  # as it is called there


async def _wait_for(awaitable: Awaitable[Result], timeout: float | None) -> Result:  # noqa: ASYNC109 - as asyncio's
    async with asyncio.timeout(timeout):
        return await awaitable
