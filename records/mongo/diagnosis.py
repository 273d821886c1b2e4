"""What MongoDB tells of itself, for `doctor`. Nothing here writes, not even in a new database."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from records.mongo.client import Database
from records.mongo.clock import mongo_time
from records.mongo.errors import translated
from records.mongo.lifecycle import SWEEP
from records.mongo.overdue import MAX_COUNTED, Overdue, overdue
from records.mongo.sweep import Action

_VERBOSE: Final = ("command", "query", "write", "transaction", "index", "storage")
"""The parts of the server's log whose lines may hold documents, from level 1 on."""


@dataclass(frozen=True)
class ServerFacts:
    """The server that answers, and its time (UTC) between two looks at the clock here."""

    version: str
    has_transactions: bool
    """A member of a replica set, or the router of a sharded cluster."""
    writable: bool
    before: datetime
    time: datetime
    after: datetime


@dataclass(frozen=True)
class ServerParameters:
    """How the server was set; None where it does not know the parameter, as a router does not."""

    transaction_seconds: float | None
    log_redacted: bool
    log_verbose: bool


@dataclass(frozen=True)
class Profiler:
    """What is kept of slow operations, with their values: level 1 and 2 keep them in a collection, too."""

    level: int
    slow_milliseconds: int
    share: float
    """0 to 1: how many of the slow operations are logged."""
    filtered: bool
    """A filter of the operator's own decides instead."""


def servers(database: Database) -> dict[str, str]:
    """The servers that were found so far, `host:port` to their part as the driver names it."""
    found = database.client.topology_description.server_descriptions().items()
    # Without a port: the name of a `mongodb+srv` address, while no name server has answered.
    return {f"{host}:{port}" if port else host: each.server_type_name for (host, port), each in found}


async def server_facts(database: Database) -> ServerFacts:
    """Raises StoreUnavailable when none answers, StoreError when it refuses us."""
    before = datetime.now(UTC)
    time = await mongo_time(database)
    after = datetime.now(UTC)
    with translated():
        hello = await database.client.admin.command("hello")
        build = await database.client.admin.command("buildInfo")
    return ServerFacts(
        version=build["version"],
        has_transactions="setName" in hello or hello.get("msg") == "isdbgrid",
        writable=bool(hello["isWritablePrimary"]),
        before=before,
        time=time,
        after=after,
    )


async def server_parameters(database: Database) -> ServerParameters:
    """Raises StoreError where this user may not ask."""
    names = ("transactionLifetimeLimitSeconds", "redactClientLogData", "logComponentVerbosity")
    with translated():
        told = await database.client.admin.command({"getParameter": 1, **dict.fromkeys(names, 1)})
    return ServerParameters(
        transaction_seconds=told.get("transactionLifetimeLimitSeconds"),
        log_redacted=bool(told.get("redactClientLogData", False)),
        log_verbose=_is_verbose(told.get("logComponentVerbosity", {})),
    )


def _is_verbose(levels: Mapping[str, Any]) -> bool:
    """A part without a level of its own has -1: then that of the whole log counts."""
    parts = (levels.get(part, {}).get("verbosity", -1) for part in _VERBOSE)
    return any(level > 0 for level in (levels.get("verbosity", 0), *parts))


async def profiler(database: Database) -> Profiler:
    """Raises StoreError where this user may not ask."""
    with translated():
        told = await database.state.database.command({"profile": -1})
    return Profiler(
        level=told["was"],
        slow_milliseconds=told["slowms"],
        share=told.get("sampleRate", 1.0),
        filtered="filter" in told,
    )


async def last_sweep(database: Database) -> datetime | None:
    """When a sweep last came to its end, by MongoDB's clock. Raises StoreUnavailable."""
    with translated():
        swept = await database.state.find_one({"_id": SWEEP})
    return swept["finished"] if swept else None


async def all_overdue(database: Database, now: datetime) -> dict[Action, Overdue]:
    """What is due and not yet done, counted up to MAX_COUNTED.

    Raises StoreUnavailable, StoreError (an index is missing).
    """
    return {action: await overdue(database, action, now, MAX_COUNTED) for action in Action}
