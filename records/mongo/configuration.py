"""Whether orders are taken: the contract's configuration, with optimistic locking."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from pymongo import ReturnDocument

from records.mongo.client import Database
from records.mongo.errors import translated
from records.mongo.state import VersionConflict, insert_if_absent

CONFIGURATION: Final = "orderrecords"


@dataclass(frozen=True)
class Configuration:
    """The stored decision; until there is one, version 0 and disabled (api rule 15)."""

    enabled: bool = False
    version: int = 0
    created: datetime | None = None
    last_modified: datetime | None = None


async def configuration(database: Database) -> Configuration:
    """What is stored, or the default. Raises StoreUnavailable."""
    with translated():
        stored = await database.state.find_one({"_id": CONFIGURATION})
    if stored is None:
        return Configuration()
    return Configuration(
        stored["isOrderRecordsEnabled"], stored["version"], stored["created"], stored["lastModified"]
    )


async def order_records_enabled(database: Database) -> bool:
    """Whether orders are taken. Raises StoreUnavailable."""
    return (await configuration(database)).enabled


async def enable_on_first_start(database: Database, *, enabled: bool) -> None:
    """Stores the flag unless somebody has decided already."""
    await _decide_first(database, enabled=enabled)


async def change_configuration(database: Database, *, version: int, enabled: bool) -> Configuration:
    """The configuration after the change, made against a version; equal content changes nothing.

    Raises VersionConflict, StoreUnavailable. Source: api rules 8 and 16.
    """
    current = await configuration(database)
    if current.version != version:
        raise VersionConflict(current.version)
    if version == 0:
        if not await _decide_first(database, enabled=enabled):
            raise VersionConflict((await configuration(database)).version)
    elif current.enabled != enabled:
        await _change(database, version=version, enabled=enabled)
    return await configuration(database)


async def _decide_first(database: Database, *, enabled: bool) -> bool:
    now = datetime.now(UTC)
    fields = {"isOrderRecordsEnabled": enabled, "version": 1, "created": now, "lastModified": now}
    return await insert_if_absent(database, {"_id": CONFIGURATION, **fields})


async def _change(database: Database, *, version: int, enabled: bool) -> None:
    fields = {"isOrderRecordsEnabled": enabled, "lastModified": datetime.now(UTC)}
    with translated():
        changed = await database.state.find_one_and_update(
            {"_id": CONFIGURATION, "version": version},
            {"$set": fields, "$inc": {"version": 1}},
            return_document=ReturnDocument.AFTER,
        )
    if changed is None:
        raise VersionConflict((await configuration(database)).version)
