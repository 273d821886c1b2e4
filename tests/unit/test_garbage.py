"""The collector comes rarely, and it still comes."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from runtime.garbage import CONTAINERS, collect_rarely


class Circle:
    """Refers to itself: only the collector takes it away."""

    def __init__(self) -> None:
        self.again = self


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    threshold = gc.get_threshold()
    yield
    gc.set_threshold(*threshold)
    gc.unfreeze()


def test_what_was_there_before_is_not_looked_at_again() -> None:
    collect_rarely()

    assert gc.get_freeze_count() > 0
    assert gc.get_count()[0] < CONTAINERS


def test_garbage_that_refers_to_itself_still_goes() -> None:
    collect_rarely()
    circle = Circle()
    gone = weakref.ref(circle)
    del circle

    kept: list[list[int]] = []
    while gone() is not None and len(kept) < 3 * CONTAINERS:
        kept.append([len(kept)])
    assert gone() is None
