"""The collection `state`: one document a purpose, and the settings that may never change."""

from typing import Any, Final

from pymongo.errors import DuplicateKeyError

from records.mongo.client import Database, Session
from records.mongo.errors import translated

BOUND: Final = "bound"
"""The document with the settings that may never change."""


class VersionConflict(Exception):
    """Somebody else changed it since: `version` is the one that is stored now."""

    def __init__(self, version: int) -> None:
        super().__init__(f"the stored version is {version}")
        self.version = version


async def bind(database: Database, settings: dict[str, str]) -> list[str]:
    """Binds settings (variable name to value) at the first start; returns those that differ later.

    A name that an earlier version did not bind is bound when first seen. Source: design section 3.
    """
    await insert_if_absent(database, {"_id": BOUND})
    with translated():
        for name, value in settings.items():
            await database.state.update_one({"_id": BOUND, name: {"$exists": False}}, {"$set": {name: value}})
    return await differing(database, settings)


async def differing(database: Database, settings: dict[str, str]) -> list[str]:
    """Those of the settings that differ from the bound ones; what is not bound yet differs from nothing."""
    bound = await bound_settings(database)
    return [name for name, value in settings.items() if bound.get(name, value) != value]


async def bound_settings(database: Database) -> dict[str, str]:
    """What was bound so far, variable name to value; nothing in a new database. Raises StoreUnavailable."""
    with translated():
        bound: dict[str, Any] = await database.state.find_one({"_id": BOUND}, {"_id": 0}) or {}
    return bound


async def insert_if_absent(
    database: Database, document: dict[str, Any], session: Session | None = None
) -> bool:
    """Stores a document of `state` unless its id is there; True when it was stored."""
    with translated():
        try:
            await database.state.insert_one(document, session=session)
        except DuplicateKeyError:
            return False
    return True
