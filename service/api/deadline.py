"""The time that a request may take, without a second task for each: that would be a tenth of its cost."""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Final

import structlog

from runtime.process import sleep_unless

log = structlog.get_logger(__name__)

_LET_GO_SECONDS: Final = 5.0
_LET_GO_TRIES: Final = 3


class Deadline:
    """`async with`: when the block takes longer than `seconds`, `late` is run beside it at once, then the
    block is cancelled, by a second try where a library has swallowed the first.

    The block ends when it has let go, without an error for having been late.
    """

    def __init__(self, seconds: float, late: Callable[[], Awaitable[None]]) -> None:
        self._seconds = seconds
        self._late = late
        self._ending: asyncio.Task[None] | None = None
        self._cancelled = 0

    async def __aenter__(self) -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None  # noqa: S101 - for the type checker: a coroutine runs in a task
        self._task = task
        self._timer = loop.call_later(self._seconds, self._begin)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        self._timer.cancel()
        if self._ending is None:
            return False
        self._over.set()
        await self._ending
        for _ in range(self._cancelled):
            self._task.uncancel()
        by_others = self._task.cancelling() > 0
        return kind is asyncio.CancelledError and not by_others

    def _begin(self) -> None:
        self._over = asyncio.Event()
        self._ending = asyncio.create_task(self._end())

    async def _end(self) -> None:
        await self._late()
        for _ in range(_LET_GO_TRIES):
            if self._over.is_set():
                return
            self._cancelled += 1
            self._task.cancel()
            await sleep_unless(self._over, _LET_GO_SECONDS)
        if not self._over.is_set():
            log.error("a request does not end")
