"""Records are anonymized in place, and each is read again: it must hold what the table keeps, and no more."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Final, cast

import bson
from bson.codec_options import CodecOptions, DatetimeConversion

from records.leftovers import Leftover, is_bare, leftovers
from records.mongo.client import Collection, Document, Session
from records.mongo.errors import StoreError
from records.mongo.indexes import BY_ID
from records.mongo.mask import anonymize_pipeline, scalars_pipeline

_PART: Final = 250
"""So many are changed by one statement: it lasts about as long as looking through as many."""
_PIPELINE: Final = anonymize_pipeline()
_SCALARS: Final = scalars_pipeline()

_DECODED: Final = CodecOptions[Document](datetime_conversion=DatetimeConversion.DATETIME_AUTO)
"""Any date that MongoDB holds."""
_Found = tuple[str, Leftover]
"""The id of a record, and something that is left in it."""


class PostConditionFailed(StoreError):
    """A batch would have left something that the erasure table does not keep; it was rolled back."""


async def anonymize(records: Collection, session: Session, selected: Document) -> int:
    """Within a transaction; returns how many of `selected`, which lists their ids, were changed.

    While MongoDB changes a part of them, the part before is looked through in a thread. Raises
    PostConditionFailed, and what the driver raises.
    """
    changed, found, written = 0, list[_Found](), b""
    for part in _parts(selected["_id"]["$in"]):
        looking = asyncio.get_running_loop().run_in_executor(None, _look_through, written)
        query = {**selected, "_id": {"$in": part}}
        updated = await records.update_many(query, _PIPELINE, session=session, hint=BY_ID)
        changed += updated.modified_count
        found += await looking
        written = await _read(records, session, part)
    await _mend(records, session, _overgrown([*found, *_look_through(written)]))
    return changed


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + _PART] for start in range(0, len(ids), _PART))


async def _read(records: Collection, session: Session, ids: Sequence[str]) -> bytes:
    """The records as they are now, one after the other in BSON."""
    cursor = records.find_raw_batches({"_id": {"$in": ids}}, session=session, hint=BY_ID)
    return b"".join([cast("bytes", batch) async for batch in cursor])


def _look_through(written: bytes) -> list[_Found]:
    """What the table does not keep."""
    decoded = bson.decode_all(written, _DECODED)
    return [(each["_id"], left) for each in decoded if not is_bare(each) for left in leftovers(each)]


def _overgrown(found: Sequence[_Found]) -> list[str]:
    """The ids of those that hold an object or a list in place of a value, and nothing worse."""
    for _, left in found:
        if not left.overgrown:
            raise PostConditionFailed(f"anonymization would leave {left.path}")
    return list(dict.fromkeys(record_id for record_id, _ in found))


async def _mend(records: Collection, session: Session, overgrown: Sequence[str]) -> None:
    if not overgrown:
        return
    await records.update_many({"_id": {"$in": overgrown}}, _SCALARS, session=session, hint=BY_ID)
    if _overgrown(_look_through(await _read(records, session, overgrown))):
        raise PostConditionFailed("anonymization would leave an object or a list in place of a value")
