"""What sweeps are compared with: one statement, a loop by hand, MongoDB's own TTL index."""

import resource
import sys
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import psutil
from pymongo import MongoClient
from pymongo.collection import Collection

from benchmarks.lifecycle_task import Act, Task
from benchmarks.meter import Run, Watched, cpu_seconds, measured
from records.mask import mask
from records.mongo.client import Database
from records.mongo.indexes import DELETION_DUE
from records.mongo.mask import anonymize_pipeline
from runtime.errors import UserError

Records = Collection[dict[str, Any]]


def bare_update(records: Records, cutoff: datetime, _: int) -> int:
    """Anonymizes all that is due, in one statement."""
    due = {"anonymized": False, "gdprCleanupDate": {"$lte": cutoff}, "deletionDate": {"$gt": cutoff}}
    return records.update_many(due, anonymize_pipeline()).modified_count


def bare_delete(records: Records, cutoff: datetime, _: int) -> int:
    """Deletes all that is due, in one statement."""
    return records.delete_many({"deletionDate": {"$lte": cutoff}}).deleted_count


def naive_loop(records: Records, cutoff: datetime, limit: int) -> int:
    """What people write by hand: the ids that are due, then each record is found, masked and replaced."""
    due = {"anonymized": False, "gdprCleanupDate": {"$lte": cutoff}}
    ids = [row["_id"] for row in records.find(due, {"_id": 1}).sort("gdprCleanupDate", 1).limit(limit)]
    changed = 0
    for identifier in ids:
        record = records.find_one({"_id": identifier})
        if record is not None:
            changed += records.replace_one({"_id": identifier}, mask(record)).modified_count
    return changed


PEERS: Final[dict[Act, Callable[[Records, datetime, int], int]]] = {
    "bare_update": bare_update,
    "bare_delete": bare_delete,
    "naive_loop": naive_loop,
}


def run_peer(task: Task) -> Run:
    """Does the act and measures it from beginning to end. Raises UserError unless it changed them all."""
    with MongoClient[dict[str, Any]](task.uri, w="majority", journal=True, tz_aware=True) as client:
        records = client[task.database]["records"]
        records.find_one()  # connected before the time counts
        return _whole(task, lambda: PEERS[task.act](records, task.cutoff, task.records))


def _whole(task: Task, act: Callable[[], int]) -> Run:
    client, mongod = psutil.Process(), psutil.Process(task.mongod)
    memory_begin = client.memory_info().rss
    client_cpu, mongod_cpu, began = cpu_seconds(client), cpu_seconds(mongod), time.perf_counter()
    changed = act()
    seconds = time.perf_counter() - began
    if changed != task.records:
        raise UserError(f"{task.act} changed {changed:,} of {task.records:,} records")
    return Run(
        records=changed,
        seconds=seconds,
        client_cpu_seconds=cpu_seconds(client) - client_cpu,
        mongod_cpu_seconds=cpu_seconds(mongod) - mongod_cpu,
        memory_begin=memory_begin,
        memory_peak=max(memory_begin, _peak_memory()),
        memory_end=client.memory_info().rss,
    )


def _peak_memory() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


async def run_ttl(database: Database, mongod: int, total: int) -> Run:
    """Lets MongoDB delete by itself: our index of deletion dates becomes a TTL index.

    From the first deletion that was seen to the last; the server has to look every second. Raises UserError.
    """

    async def deleted() -> int:
        return total - await database.records.estimated_document_count()

    async def fault() -> None:
        return None

    collection = database.records
    change = {"name": DELETION_DUE, "expireAfterSeconds": 0}
    await collection.database.command({"collMod": collection.name, "index": change})
    return await measured(Watched([], psutil.Process(mongod), deleted, fault), total)
