"""An end that leaves nothing behind: servers and data of a benchmark go with it."""

import asyncio
import signal


def end_on_sigterm() -> None:
    """From now on SIGTERM cancels the current task, as Ctrl-C does."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - for the type checker: a coroutine runs in a task
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
