"""Replay of quarantined events: the consumer's own decoder, then the one way in.

An order counts as created when its event first came, so its dates are those of the first delivery.
"""

import time
from asyncio import sleep
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import structlog

from records.identity import record_id
from records.keys import RecordKeys
from records.mongo.client import Database, Document
from records.mongo.clock import CheckedClock
from records.mongo.errors import StoreError, StoreUnavailable
from records.mongo.ingest import after
from records.mongo.outbox import Stamp
from records.mongo.policies import CachedPolicy
from records.mongo.quarantine_acts import Act
from records.mongo.quarantine_reads import Selection, kept_documents, named_documents
from records.mongo.quarantine_replay import Became, Fate, Judged, came_to, replay
from records.mongo.transaction import end_if_cancelled
from records.policy import DateRules
from records.policy_document import policy_digest
from records.quarantine import CannotOpen, Position, QuarantineKey, RawEvent, opened
from records.reasons import Reason, Refused
from records.record import PreparedRecord, RecordRules
from records.totals import TaxMode
from service.event_names import named_order
from service.events import decode
from service.ingest import created_at, made_ready
from service.rehearsal import rehearse_order

log = structlog.get_logger(__name__)

_PAGE: Final = 100


@dataclass(frozen=True, repr=False)
class ReplayContext:
    """What a replay needs beside the events: the keys, the rules of dates, who asks (a pseudonym)."""

    database: Database
    keys: RecordKeys
    quarantine_key: QuarantineKey
    dates: DateRules
    build: str
    actor: str
    tax_mode: TaxMode = "exclusive"


class Replay:
    """One run; dry, it only says what would become of each entry."""

    def __init__(self, context: ReplayContext, *, dry: bool = False) -> None:
        self._context = context
        self._dry = dry
        self._policy = CachedPolicy(context.database)
        self._clock = CheckedClock(context.database)
        self._would_be_first: dict[str, PreparedRecord] = {}

    async def of_selection(
        self, selection: Selection, rate: int | None = None
    ) -> AsyncGenerator[list[Became]]:
        """What became of the entries of a selection, page by page, oldest first; at most `rate` a second.

        Raises StoreUnavailable, StoreError, ClockUntrusted: what was said before that is done, and the
        rest is as it was.
        """
        pace, most, now = _Pace(rate), _most(rate), await self._clock.now()
        async with aclosing(kept_documents(self._context.database, selection, now, most)) as pages:
            async for page in pages:
                yield await self._replay(page)
                await pace.after(len(page))

    async def of_entries(self, ids: Sequence[str], rate: int | None = None) -> AsyncGenerator[list[Became]]:
        """The same of entries by their ids, each once."""
        pace, now = _Pace(rate), await self._clock.now()
        oldest_first = sorted(set(ids), key=_age)
        async with aclosing(named_documents(self._context.database, oldest_first, now, _most(rate))) as pages:
            async for page in pages:
                gone = [Became(entry_id, Fate.GONE) for entry_id, found in page.items() if found is None]
                yield await self._replay([found for found in page.values() if found is not None]) + gone
                await pace.after(len(page))

    async def _replay(self, page: Sequence[Document]) -> list[Became]:
        context, now, policy = self._context, await self._clock.now(), await self._policy.get()
        rules = RecordRules(context.keys, policy, context.dates, context.tax_mode)
        verdicts = [judge(document, context.quarantine_key, now, rules) for document in page]
        judged = [verdict for verdict in verdicts if isinstance(verdict, Judged)]
        stamp = Stamp(context.build, policy.version, policy_digest(policy, context.dates))
        became = await self._store(judged, Act(context.actor, now, stamp), rules)
        if self._dry:
            became = [self._beside_others(*pair, now) for pair in zip(judged, became, strict=True)]
        return became + [verdict for verdict in verdicts if isinstance(verdict, Became)]

    async def _store(self, judged: list[Judged], act: Act, rules: RecordRules) -> list[Became]:
        try:
            return await self._stored(judged, act)
        except StoreUnavailable:
            raise
        except StoreError:
            return await self._one_by_one(judged, act, rules)

    async def _stored(self, judged: list[Judged], act: Act) -> list[Became]:
        end_if_cancelled()
        try:
            return await replay(self._context.database, judged, act, dry=self._dry)
        except StoreError:
            end_if_cancelled()
            raise

    async def _one_by_one(self, judged: list[Judged], act: Act, rules: RecordRules) -> list[Became]:
        """One that fails alone stays, as UNSTORABLE: unless no order at all can be stored."""
        database = self._context.database
        await rehearse_order(database, act.now, rules)
        became: dict[str, Became] = {}
        failures: list[tuple[Judged, StoreError]] = []
        for each in judged:
            try:
                (became[each.entry_id],) = await self._stored([each], act)
            except StoreUnavailable:
                raise
            except StoreError as error:
                failures.append((each, error))
        await rehearse_order(database, act.now, rules)  # it may have begun to fail in the meantime
        refused = await self._stored([_unstorable(each, error) for each, error in failures], act)
        became |= {each.entry_id: each for each in refused}
        return [became[each.entry_id] for each in judged]

    def _beside_others(self, judged: Judged, became: Became, now: datetime) -> Became:
        """Of two entries of one order only the first would create it; dry, the store cannot know."""
        if became.fate is not Fate.CREATED or not isinstance(judged.verdict, PreparedRecord):
            return became
        record = judged.verdict
        first = self._would_be_first.setdefault(record.id, record)
        if first is record:
            self._would_be_first[record.id] = replace(record, document=b"")
            return became
        return came_to(judged, after(first, record, now))


class _Pace:
    """So many a second on the whole, whatever a page takes."""

    def __init__(self, rate: int | None) -> None:
        self._rate = rate
        self._started = time.monotonic()
        self._done = 0

    async def after(self, done: int) -> None:
        """Waits until so many more were allowed."""
        self._done += done
        if self._rate:
            await sleep(max(0.0, self._started + self._done / self._rate - time.monotonic()))


def _most(rate: int | None) -> int:
    return min(rate or _PAGE, _PAGE)


def _age(entry_id: str) -> tuple[int, str]:
    return Position.of_entry(entry_id).timestamp, entry_id


def judge(document: Document, key: QuarantineKey, now: datetime, rules: RecordRules) -> Judged | Became:
    """What the decoder says now of a kept entry; Became where there is nothing to store or refuse."""
    entry_id = document["_id"]
    try:
        event = opened(key, entry_id, document["sealed"])
    except CannotOpen:
        return Became(entry_id, Fate.UNREADABLE)
    try:
        return _judge(entry_id, event, document.get("arrived", now), now, rules)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other entries must go on
        return _unstorable(Judged(entry_id, Refused(Reason.UNSTORABLE)), error)


def _judge(
    entry_id: str, event: RawEvent, arrived: datetime, now: datetime, rules: RecordRules
) -> Judged | Became:
    try:
        incoming = decode(event.value, event.headers)
    except Refused as refused:
        name = named_order(event.value, event.headers)
        return Judged(entry_id, refused, None if name is None else record_id(rules.keys.identity, name))
    if incoming == "skipped":
        return Became(entry_id, Fate.SKIPPED)
    identifier = record_id(rules.keys.identity, incoming.natural_key)
    created = created_at(event.position.timestamp, arrived)
    try:
        return Judged(entry_id, made_ready(incoming, created, now, rules), identifier)
    except Refused as refused:
        return Judged(entry_id, refused, identifier)


def _unstorable(judged: Judged, error: Exception) -> Judged:
    log.error("an event cannot be stored: it stays in quarantine", entry=judged.entry_id, exc_info=error)
    return replace(judged, verdict=Refused(Reason.UNSTORABLE))
