"""What `state` remembers of each partition of the order topic, and the one way to pass over lost offsets.

Offsets of a consumer group are Kafka's to keep, and go with the topic, or after a week without a member:
so this is kept here. One document a partition.
"""

from collections.abc import Mapping
from functools import partial
from typing import Final

from pymongo import UpdateOne

from records.mongo import outbox
from records.mongo.client import Database, Document, Session
from records.mongo.errors import translated
from records.mongo.transaction import in_transaction
from records.read_positions import Found, GoOn, Remembered, go_on

OFFSETS_LOST: Final = "offsets.lost"
Place = tuple[str, int]
"""Topic and partition."""


async def remembered(database: Database, topic: str) -> dict[int, Remembered]:
    """What is known of each partition of a topic. Raises StoreUnavailable."""
    with translated():
        named = {"_id": {"$gte": f"positions/{topic}/", "$lt": f"positions/{topic}0"}}
        return {row["partition"]: _read(row) async for row in database.state.find(named)}


async def remember(database: Database, topic: str, found: Mapping[int, Found]) -> None:
    """Notes how far the group has read and where each partition ends.

    What is remembered of a topic that is not there any more stays, until `pass_over` has told of it.
    Raises StoreUnavailable.
    """
    updates = []
    for number, partition in found.items():
        known = {"_id": _name((topic, number)), "topicId": partition.topic_id}
        committed = partition.committed or 0  # beyond the end it is of a topic that is gone
        read_to = committed if committed <= partition.end else 0
        further = {"readTo": read_to, "end": partition.end}
        updates.append(UpdateOne(known, {"$max": further}))
    if updates:
        with translated():
            await database.state.bulk_write(updates, ordered=False)


async def pass_over(database: Database, place: Place, found: Found, stamp: outbox.Stamp) -> GoOn:
    """Where to go on; what was lost before that is announced in the same transaction, once.

    Raises StoreUnavailable, StoreError.
    """
    body = partial(_pass_over, database=database, place=place, found=found, stamp=stamp)
    return await in_transaction(database, body)


async def _pass_over(
    session: Session, *, database: Database, place: Place, found: Found, stamp: outbox.Stamp
) -> GoOn:
    named = {"_id": _name(place)}
    row = await database.state.find_one(named, session=session)
    result = go_on(found, None if row is None else _read(row))
    if row is not None and result.lost is None:
        if row["topicId"] is None and found.topic_id is not None:
            now_known = {"$set": {"topicId": found.topic_id}}
            await database.state.update_one(named, now_known, session=session)
        return result
    fields = {"topic": place[0], "partition": place[1], "topicId": found.topic_id}
    known = {**fields, "readTo": result.offset, "end": found.end}
    await database.state.replace_one(named, known, upsert=True, session=session)
    if result.lost is not None:
        item = [*place, result.lost.start, result.lost.end, result.lost.cause.value]
        await outbox.append(database, session, OFFSETS_LOST, None, [item], stamp)
    return result


def _name(place: Place) -> str:
    return f"positions/{place[0]}/{place[1]}"


def _read(row: Document) -> Remembered:
    return Remembered(row["topicId"], row["readTo"], row["end"])
