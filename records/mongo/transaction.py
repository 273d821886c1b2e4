"""The one way in which several writes become one: a bounded loop, the same for both drivers.

Our own, since `with_transaction` repeats for 120 s whatever one says, and under Motor not even
`pymongo.timeout()` stops it (docs/decisions/one-transaction-loop.md).
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, TypeVar

import pymongo
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from records.mongo.client import Database, Session, settle
from records.mongo.errors import translated

Result = TypeVar("Result")

TRANSACTION_SECONDS: Final = 8.0
_ABORT_SECONDS: Final = 2.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.5


async def in_transaction(
    database: Database,
    body: Callable[[Session], Awaitable[Result]],
    deadline: float = TRANSACTION_SECONDS,
    session: Session | None = None,
) -> Result:
    """The result of the body, committed with snapshot reads and a majority of journals.

    The body runs again after a write conflict, so it touches nothing but the session. An exception
    of its own aborts and passes through. The deadline is in seconds. Raises StoreUnavailable after
    it, StoreError for what no repetition mends. When the outcome of a commit stays unknown, it is
    StoreUnavailable too: whoever calls again must find a repetition harmless. Without a session of
    the caller's it runs in one of its own.
    """
    end = time.monotonic() + deadline
    with translated(), pymongo.timeout(deadline + _ABORT_SECONDS):
        async with asyncio.timeout(deadline):
            if session is not None:
                return await _repeat(session, body, end)
            async with database.session() as own:
                return await _repeat(own, body, end)


def end_if_cancelled() -> None:
    """Before going on after an error: on Python 3.11 the driver can make one of a cancellation."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def _repeat(session: Session, body: Callable[[Session], Awaitable[Result]], end: float) -> Result:
    """Looks at the clock itself: on Python 3.11 the driver can swallow the one cancellation of a timeout."""
    pause = _FIRST_PAUSE
    while True:  # bounded by `end`
        try:
            result = await _once(session, body)
            await _commit(session, end)
        except PyMongoError as error:
            if time.monotonic() > end or not error.has_error_label("TransientTransactionError"):
                raise
        else:
            return result
        await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - jitter, not a secret
        pause = min(2 * pause, _LONGEST_PAUSE)


async def _once(session: Session, body: Callable[[Session], Awaitable[Result]]) -> Result:
    await settle(
        session.start_transaction(
            read_concern=ReadConcern("snapshot"), write_concern=WriteConcern("majority", j=True)
        )
    )
    try:
        return await body(session)
    except BaseException:
        if session.in_transaction:
            with suppress(PyMongoError, TimeoutError):
                async with asyncio.timeout(_ABORT_SECONDS):
                    await session.abort_transaction()
        raise


async def _commit(session: Session, end: float) -> None:
    while True:  # bounded by `end`
        try:
            await session.commit_transaction()
        except PyMongoError as error:
            unknown = error.has_error_label("UnknownTransactionCommitResult")
            if time.monotonic() > end or error.timeout or not unknown:
                raise
            await asyncio.sleep(_FIRST_PAUSE)
        else:
            return
