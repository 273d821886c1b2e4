"""The end of a process whose event loop is dead: nothing in it can do its work, nor end it."""

import os
import threading
import time
from collections.abc import Callable

import structlog

from runtime.health import Health

log = structlog.get_logger(__name__)

_TICK_SECONDS = 1.0
_LOG_SECONDS = 2.0


def end_when_stuck(
    health: Health, end: Callable[[int], object] = os._exit, tick_seconds: float = _TICK_SECONDS
) -> None:
    """Ends the process, code 1, when its loop stands still for twice as long as makes `/livez` fail.

    From a thread, which counts ticks and reads no clock: a process that was frozen as a whole, and its
    loop with it, goes on where it was.
    """
    limit = 2 * health.stall_seconds / tick_seconds
    guard = threading.Thread(target=_watch, args=(health, end, tick_seconds, limit), name="loop guard")
    guard.daemon = True
    guard.start()


def _watch(health: Health, end: Callable[[int], object], tick_seconds: float, limit: float) -> None:
    beaten, ticks = health.beaten, 0
    while ticks < limit:  # bounded by the process: a daemon thread ends with it
        time.sleep(tick_seconds)
        ticks = ticks + 1 if health.beaten == beaten else 0
        beaten = health.beaten
    # The loop may stand still because nobody reads what it logs: then it holds the lock of the log, for ever.
    in_any_case = threading.Timer(_LOG_SECONDS, end, [1])
    in_any_case.daemon = True
    in_any_case.start()
    log.critical("the event loop stands still: the process ends, to be started anew", seconds=round(limit))
    in_any_case.cancel()
    end(1)
