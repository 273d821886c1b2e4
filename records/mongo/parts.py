"""Parts of one transaction each: no more documents and bytes than a transaction may hold."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def parts(
    items: Iterable[Item], length: Callable[[Item], int], most: int, most_bytes: int
) -> Iterator[list[Item]]:
    """The items in their order, in lists of at most so many items and bytes; a larger one is alone."""
    part: list[Item] = []
    size = 0
    for item in items:
        added = length(item)
        if part and (len(part) == most or size + added > most_bytes):
            yield part
            part, size = [], 0
        part.append(item)
        size += added
    if part:
        yield part
