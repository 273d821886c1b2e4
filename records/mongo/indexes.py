"""The indexes that every process counts on: built by `work`, awaited by the others."""

from typing import Final, NamedTuple

from pymongo import ASCENDING, IndexModel

from records.mongo.client import Collection, Database
from records.mongo.errors import translated
from records.mongo.index_faults import Definition, IndexFaults, index_faults
from records.mongo.search_indexes import SEARCH_INDEXES

BY_ID: Final = "_id_"
CLEANUP_DUE: Final = "cleanup_due"
DELETION_DUE: Final = "deletion_due"
QUARANTINE_DUE: Final = "quarantine_due"
QUARANTINE_BY_TIME: Final = "quarantine_by_time"
QUARANTINE_BY_RECORD: Final = "quarantine_by_record"
SWEEP_RETRY: Final = "sweep_retry"
BY_POLICY: Final = "by_policy"
EXPIRY: Final = "expiry"


class _Indexes(NamedTuple):
    collection: Collection
    models: list[IndexModel]


def _wanted(database: Database, *, search: bool) -> list[_Indexes]:
    expiry = IndexModel([("expiresAt", ASCENDING)], name=EXPIRY, expireAfterSeconds=0)
    retry = IndexModel([("sweepRetryAt", ASCENDING)], name=SWEEP_RETRY, sparse=True)
    return [
        _Indexes(
            database.records,
            [
                IndexModel(
                    [("gdprCleanupDate", ASCENDING)],
                    name=CLEANUP_DUE,
                    partialFilterExpression={"anonymized": False},
                ),
                IndexModel([("deletionDate", ASCENDING)], name=DELETION_DUE),
                # With the id it is a sequence for recomputing, and who set the dates is counted in it alone.
                IndexModel(
                    [(field, ASCENDING) for field in ("datesBy", "policyVersion", "_id")], name=BY_POLICY
                ),
                retry,
                *(SEARCH_INDEXES if search else ()),
            ],
        ),
        _Indexes(database.ledger, [expiry]),
        _Indexes(
            database.quarantine,
            [
                IndexModel([("due", ASCENDING)], name=QUARANTINE_DUE, sparse=True),
                IndexModel(
                    [(field, ASCENDING) for field in ("timestamp", "_id", "reason", "topic", "due")],
                    name=QUARANTINE_BY_TIME,
                ),
                IndexModel([("recordId", ASCENDING), ("due", ASCENDING)], name=QUARANTINE_BY_RECORD),
                retry,
                expiry,
            ],
        ),
        _Indexes(
            database.outbox,
            [
                IndexModel([("n", ASCENDING)], name="by_n", sparse=True, unique=True),
                IndexModel([("time", ASCENDING)], name="by_time"),
            ],
        ),
    ]


async def build_indexes(database: Database, *, search: bool = True) -> None:
    """Builds what is missing; harmless when all are there. Raises StoreError, StoreUnavailable."""
    with translated():
        for collection, models in _wanted(database, search=search):
            await collection.create_indexes(models)


async def missing_indexes(database: Database, *, search: bool = True) -> list[str]:
    """The indexes that are not there, as `collection.name`. Raises StoreUnavailable."""
    return (await faulty_indexes(database, search=search)).missing


async def faulty_indexes(database: Database, *, search: bool = True) -> IndexFaults:
    """Holds the indexes that are there against those that are wanted. Raises StoreUnavailable, StoreError."""
    there: dict[str, Definition] = {}
    wanted: dict[str, Definition] = {}
    with translated():
        for collection, models in (*_wanted(database, search=search), _Indexes(database.state, [])):
            found = await collection.index_information()
            there |= {f"{collection.name}.{name}": definition for name, definition in found.items()}
            wanted |= {f"{collection.name}.{model.document['name']}": model.document for model in models}
    return index_faults(there, wanted)
