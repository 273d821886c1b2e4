"""How often Python looks for garbage that refers to itself; all else goes at once, without a collector.

A page of records is thousands of containers and no garbage. With Python's own threshold of 700 the collector
walks them several times while the page is made: a fifth of what a list costs, and the longest of its pauses.
"""

import gc
from typing import Final

CONTAINERS: Final = 10_000
"""More that came than went, and the collector looks at the newest."""


def collect_rarely() -> None:
    """To be called once, when the process has made what it keeps: that is never looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(CONTAINERS, *gc.get_threshold()[1:])
