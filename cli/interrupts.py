"""A Ctrl-C while the verbs are still being imported, which takes a second."""

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
