"""What MongoDB was really asked, as its own profiler recorded it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from records.mongo.client import Database, Document

_RECORD_BYTES: Final = 2**28
_OF_THE_SESSION: Final = frozenset(
    {"lsid", "txnNumber", "startTransaction", "autocommit", "readConcern", "maxTimeMS", "$clusterTime", "$db"}
)

Shape = Any
"""A command without its values, hashable."""


@asynccontextmanager
async def profiled(database: Database) -> AsyncIterator[list[Document]]:
    """All commands on this database within the block; the list is filled at its end.

    Not recorded are the documents of an insert.
    """
    mongo = database.records.database
    recorded: list[Document] = []
    await mongo.create_collection("system.profile", capped=True, size=_RECORD_BYTES)
    await mongo.command("profile", 2)
    try:
        yield recorded
    finally:
        await mongo.command("profile", 0)
        # The command alone: the plan of a count has bounds beyond the last date that Python knows.
        found = mongo["system.profile"].find({"op": {"$ne": "getmore"}}, {"command": 1})
        recorded += [entry["command"] async for entry in found]


def shape(command: Document) -> Shape:
    """The command with its names, and with every value made its type.

    Where MongoDB computes, a text may be a path or an operator: there texts are kept, but below `$literal`.
    """
    assert "$truncated" not in command, "the profiler cut a command short"
    return _shape({name: part for name, part in command.items() if name not in _OF_THE_SESSION})


def _shape(node: Any, *, computed: bool = False) -> Shape:
    match node:
        case dict():
            members = node.items()
            return frozenset((n, _shape(c, computed=_computed(n, c, computed=computed))) for n, c in members)
        case list():
            return frozenset(_shape(child, computed=computed) for child in node)
        case str() if computed:
            return node
        case _:
            return type(node).__name__


def _computed(name: str, child: Any, *, computed: bool) -> bool:
    if name in ("$literal", "$match"):
        return False
    # An update by a list of stages computes, one by a document stores what it is given.
    return computed or name in ("$expr", "pipeline") or (name == "u" and isinstance(child, list))


def texts_in(node: Any) -> set[str]:
    """Every text of a command, names aside."""
    match node:
        case str():
            return {node}
        case dict():
            return {text for child in node.values() for text in texts_in(child)}
        case list():
            return {text for child in node for text in texts_in(child)}
        case _:
            return set()
