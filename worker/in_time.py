"""Work that has to end, whatever it waits for."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

Result = TypeVar("Result")

_CANCEL_SECONDS: Final = 5.0


class Hung(Exception):
    """Work did not end in its time. Nothing is known of what it holds, so the process should end, too."""


async def ended_in_time(work: Coroutine[Any, Any, Result], seconds: float, what: str) -> Result:
    """The result of the work, which runs in a task of its own. Raises Hung after so many seconds.

    Not `asyncio.timeout`: that waits for the work to heed its cancellation, and what hangs may not.
    """
    task = asyncio.create_task(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            raise Hung(f"{what} did not end within {seconds:g} s")
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=_CANCEL_SECONDS)
