"""How the demo waits: never past a Ctrl-C by more than a moment."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

_LOOK_SECONDS: Final = 0.2
_HURRIED_SECONDS: Final = 2.0
_CANCELS, _CANCEL_SECONDS = 3, 3.0


class Interrupted(Exception):
    """A Ctrl-C or SIGTERM came before there was anything to say."""


async def unless(stopping: asyncio.Event, work: Coroutine[Any, Any, T], grace_seconds: float = 0) -> T:
    """The work's result; once `stopping` is set it has the grace, then it is cancelled: Interrupted."""
    task = asyncio.create_task(work)
    alarm = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({task, alarm}, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait({task}, timeout=grace_seconds)
        if task.done():
            return task.result()
        raise Interrupted
    finally:
        alarm.cancel()
        await end_task(task)


class Patience:
    """Waits for what is on its way; after a Ctrl-C only a moment more, all in all."""

    def __init__(self, stopping: asyncio.Event) -> None:
        self._stopping = stopping
        self._hurried_end: float | None = None

    async def until(self, ready: Callable[[], Awaitable[bool]], seconds: float) -> None:
        """Returns once it is ready, or after so many seconds."""
        clock = asyncio.get_running_loop().time
        end = clock() + seconds
        while not await ready():
            if self._stopping.is_set():
                self._hurried_end = self._hurried_end or clock() + _HURRIED_SECONDS
                end = min(end, self._hurried_end)
            if clock() >= end:
                return
            await asyncio.sleep(_LOOK_SECONDS)


def failure(task: "asyncio.Task[Any] | None") -> str | None:
    """The type of the error that ended a background task; its text may hold anything."""
    if task is None or not task.done() or task.cancelled():
        return None
    error = task.exception()
    return None if error is None else type(error).__name__


async def end_task(
    task: "asyncio.Task[Any]", grace_seconds: float = 0, cancel_seconds: float = _CANCEL_SECONDS
) -> None:
    """Ends a background task and raises nothing: `failure` tells what it died of."""
    await asyncio.wait({task}, timeout=grace_seconds)
    for _ in range(_CANCELS):  # on Python 3.11 MongoDB's driver can swallow one
        if task.done():
            return
        task.cancel()
        await asyncio.wait({task}, timeout=cancel_seconds)
