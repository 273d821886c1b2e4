"""What ends a verb from outside: a Ctrl-C, also while it is still being imported, and SIGTERM."""

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def ends_at_once() -> Iterator[None]:
    """Within the block a SIGINT ends the process as the system does, without a traceback.

    Python's own KeyboardInterrupt would surface out of some library's import, as that library's error.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def end_cleanly() -> None:
    """SIGTERM ends this task as Ctrl-C does: cut off in a transaction it would hold up others for 15 s."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - for the type checker: it is called in one
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
