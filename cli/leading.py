"""A verb that leads while it works: no worker sweeps or sends meanwhile."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final
from uuid import uuid4

from records.mongo.client import Database
from records.mongo.errors import StoreError, StoreUnavailable
from records.mongo.lease import Lease, SequenceLost
from runtime.errors import UserError
from runtime.settings import Settings

_POLL_SECONDS: Final = 0.5
_EXTRA_SECONDS: Final = 3.0


@asynccontextmanager
async def leading(settings: Settings, database: Database) -> AsyncIterator[Lease]:
    """Nobody sweeps meanwhile; where somebody does after all, the next transaction of the lease is refused.

    Raises UserError while a worker leads, and in the end where the sequence number went back or the lease
    could not be kept for any reason that waiting does not mend: StoreError.
    """
    seconds = settings.worker.lease_seconds
    async with database.session() as session:
        owner = f"verb/{socket.gethostname()}/{os.getpid()}/{uuid4()}"
        lease = Lease(database, session, owner, seconds)
        await _acquire(lease, seconds + _EXTRA_SECONDS)
        keeping = asyncio.create_task(_keep(lease, seconds / 3))
        try:
            yield lease
        finally:
            keeping.cancel()
            (outcome,) = await asyncio.gather(keeping, return_exceptions=True)
            with suppress(StoreError):  # it runs out by itself
                await lease.release()
            _see(outcome)


async def _acquire(lease: Lease, seconds: float) -> None:
    """Waits as long as the lease of one lasts that was killed."""
    try:
        async with asyncio.timeout(seconds):
            while not await lease.acquire():  # noqa: ASYNC110 - no other process sets an event of ours
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        raise UserError("a worker leads: stop `work` first") from None


async def _keep(lease: Lease, every_seconds: float) -> None:
    """Renews it until another one led: what this one has looked at may be otherwise since.

    It is not taken back. Then it is not ours, and the next transaction that is fenced by it fails.
    """
    while True:  # ends by being cancelled, or here
        await asyncio.sleep(every_seconds)
        with suppress(StoreUnavailable):
            if not await lease.acquire():
                return


def _see(outcome: BaseException | None) -> None:
    """Raises what ended the keeping, in place of what came of that."""
    if isinstance(outcome, SequenceLost):
        raise UserError(str(outcome)) from None
    if isinstance(outcome, Exception):
        raise outcome
