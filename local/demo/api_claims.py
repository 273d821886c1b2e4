"""The demo holds what its API shows against what MongoDB has."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import httpx
import orjson

from local.demo.api import PAGE, Api, Listing, listing
from local.demo.claims import Claim
from local.demo.stream import texts
from records.lifecycle import as_seen
from records.mongo.client import Database, Document
from records.mongo.clock import mongo_time
from records.mongo.errors import translated
from records.view import to_api
from service.api.answers import answer

_PAGES: Final = 10
_ERASED: Final = 20

Personal = Mapping[str, tuple[str, ...]]


async def check_api(database: Database, api: Api, personal: Personal) -> Claim:
    """The claim about the API; `personal` are the texts of each order that tell of somebody.

    Looks at the first pages of the list and at some erased records. Raises StoreError.
    """
    with translated():
        stored = await database.records.find().sort("_id").limit(_PAGES * PAGE).to_list()
        erased = [row["_id"] async for row in database.ledger.find({}, {"_id": 1}).limit(_ERASED)]
    begun = _cut(datetime.now(UTC))
    try:
        async with api.client() as client:
            listed = await listing(client, _PAGES)
            found = [await _is_found(client, identifier) for identifier in erased]
    except httpx.HTTPError as error:
        return _claim(held=False, figures=f"it does not answer ({type(error).__name__})")
    ended = max(datetime.now(UTC), await mongo_time(database))
    complete = len(stored) < _PAGES * PAGE
    seen = await asyncio.to_thread(compare, stored, listed, (begun, ended), personal, complete=complete)
    return _claim(
        held=not seen.wrong and not seen.named and not any(found),
        figures=f"{seen.listed} listed, {seen.wrong} wrong; {seen.expired} expired, {seen.named} named; "
        f"{len(found)} erased, {sum(found)} found",
    )


def _claim(*, held: bool, figures: str) -> Claim:
    return Claim("the API shows orders as MongoDB has them", held, figures)


def _cut(time: datetime) -> datetime:
    """To the milliseconds by which requests are answered."""
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


async def _is_found(client: httpx.AsyncClient, identifier: str) -> bool:
    response = await client.get(f"/api/orderrecords/{identifier}")
    if response.status_code == httpx.codes.NOT_FOUND:
        return False
    return bool(response.raise_for_status())


@dataclass(frozen=True)
class Seen:
    """How many records were listed, how many of the stored ones wrongly, how many of those listed had
    expired, and how many of these still tell of somebody.
    """

    listed: int
    wrong: int
    expired: int
    named: int


def compare(
    stored: list[Document],
    listed: Listing,
    times: tuple[datetime, datetime],
    personal: Personal,
    *,
    complete: bool = True,
) -> Seen:
    """What was listed between two times (UTC), against what was stored before, in order of ids.

    A record whose date comes between the times may be listed as before it or as after it. What is stored
    may be only the beginning: then it is not `complete`.
    """
    states = {document["_id"]: [_as_listed(document, time) for time in times] for document in stored}
    records = listed.records
    if not complete:
        records = {i: record for i, record in records.items() if i <= stored[-1]["_id"]}
    wrong = sum(records.get(i) not in allowed for i, allowed in states.items())
    wrong += len(records.keys() - states.keys())
    if complete:
        most, least = (sum(allowed[n] is not None for allowed in states.values()) for n in (0, 1))
        wrong += sum(not least <= total <= most for total in listed.totals)
    expired = [d["_id"] for d in stored if d["gdprCleanupDate"] <= times[0] and d["_id"] in records]
    named = sum(_tells(records[i], personal.get(i, ())) for i in expired)
    return Seen(len(records), wrong, len(expired), named)


def _as_listed(document: Document, time: datetime) -> Any:
    seen = as_seen(document, time)
    return None if seen is None else orjson.loads(answer(to_api(seen)).body)


def _tells(record: Any, personal: tuple[str, ...]) -> bool:
    content = "\n".join(texts(record))
    return any(text in content for text in personal)
