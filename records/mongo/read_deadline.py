"""The time that one read may take, and what it comes to when it takes longer."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import pymongo
from pymongo.errors import ExecutionTimeout

from records.mongo.errors import StoreUnavailable, translated

READ_SECONDS: Final = 3.5
"""Leaves time for the answer within five seconds."""
_ANSWER_SECONDS: Final = 0.75
"""What the server's own refusal of a slow query may take to arrive."""


class QueryTooSlow(StoreUnavailable):
    """MongoDB is well, but this query cannot be served in time; `narrow` says to the client what helps."""

    def __init__(self, narrow: str) -> None:
        super().__init__("the query takes longer than its deadline")
        self.narrow: Final = narrow


class ReadDeadline:
    """The end of one read, however many queries it takes."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    @property
    def milliseconds(self) -> int:
        """What is left for the next query (`maxTimeMS`)."""
        return max(1, int((self._ends - time.monotonic()) * 1000))


@asynccontextmanager
async def reading(narrow: str, seconds: float = READ_SECONDS) -> AsyncIterator[ReadDeadline]:
    """Bounds the queries of the block as a whole; `narrow` says what would make them fast.

    Raises QueryTooSlow, StoreUnavailable, StoreError.

    The driver's own timeout would overwrite `maxTimeMS` with nearly the whole of it, and then give up
    a millisecond before the server says that the query was too slow: so it is off in here.
    """
    with translated():
        try:
            with pymongo.timeout(0):
                async with asyncio.timeout(seconds + _ANSWER_SECONDS):
                    yield ReadDeadline(seconds)
        except ExecutionTimeout:
            raise QueryTooSlow(narrow) from None
