"""Whether two clocks agree well enough to judge dates by them, and the one that nobody sets."""

import time
from datetime import datetime, timedelta
from typing import Final

MAX_DIFFERENCE: Final = timedelta(seconds=30)
"""How far a process's clock and MongoDB's may be apart (design section 6)."""


def since_boot() -> timedelta:
    """Time as this machine has lived it: nobody can set it.

    It counts through a suspend where the system has such a clock, unlike the monotonic one.
    """
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return timedelta(seconds=time.clock_gettime(clock))


class ClockUntrusted(Exception):
    """No date may be judged by this machine's clock now: try again later, refuse nothing."""


def require_agreement(before: datetime, mongo: datetime, after: datetime) -> None:
    """Raises ClockUntrusted when MongoDB's time does not lie between two looks at the clock here.

    The looks were taken before and after it was asked for, so a slow answer is no difference.
    """
    if not before - MAX_DIFFERENCE <= mongo <= after + MAX_DIFFERENCE:
        difference = abs(mongo - after).total_seconds()
        raise ClockUntrusted(f"this machine's clock and MongoDB's differ by {difference:.0f} s")
