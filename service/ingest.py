"""A batch of events from Kafka: what is valid is stored, what never can be goes to the quarantine.

Order of durability: records, then quarantine; the caller commits offsets last. A failure of either
leaves the batch uncommitted, and doing it again changes nothing (design section 4).
"""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple, TypeAlias

from aiokafka import ConsumerRecord

from records.epoch import instant, milliseconds
from records.identity import record_id
from records.keys import RecordKeys
from records.mongo.client import Database
from records.mongo.clock import CheckedClock
from records.mongo.ingest import Outcome, Stored, store
from records.mongo.outbox import Stamp
from records.mongo.policies import CachedPolicy
from records.mongo.quarantine import quarantine
from records.policy import DateRules, GdprPolicy
from records.policy_document import policy_digest
from records.quarantine import Position, QuarantinedEvent, QuarantineKey, RawEvent
from records.reasons import Reason, Refused
from records.record import PreparedRecord, RecordRules, prepare
from records.totals import TaxMode
from runtime import metrics
from service.event_names import named_order
from service.events import IncomingOrder, Skipped, decode
from service.rehearsal import rehearse_order
from service.surge import Surge

Event: TypeAlias = "ConsumerRecord[bytes, bytes]"
_TURN_SECONDS: Final = 0.05


class _RefusedEvent(NamedTuple):
    """An event that cannot be stored; whose order it is, and until when at most, as far as that is known."""

    event: Event
    refused: Refused
    record_id: str | None = None
    latest_due: datetime | None = None


@dataclass
class _Batch:
    """What became of a batch's events so far."""

    prepared: list[PreparedRecord] = field(default_factory=list)
    prepared_from: list[Event] = field(default_factory=list)
    refused: list[_RefusedEvent] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    unknown_members: int = 0


class Ingest:
    """Stores batches of events; one of these serves the whole process."""

    def __init__(
        self,
        database: Database,
        keys: RecordKeys,
        quarantine_key: QuarantineKey,
        dates: DateRules,
        ledger_time: timedelta,
        build: str,
        tax_mode: TaxMode = "exclusive",
    ) -> None:
        self._database = database
        self._keys = keys
        self._quarantine_key = quarantine_key
        self._dates = dates
        self._ledger_time = ledger_time
        self._build = build
        self._tax_mode = tax_mode
        self._policy = CachedPolicy(database)
        self._clock = CheckedClock(database)
        self.surge = Surge()

    async def take(self, events: Sequence[Event]) -> None:
        """Stores or quarantines every event.

        Raises StoreUnavailable, StoreError or ClockUntrusted: then all come again.
        """
        started, now = time.perf_counter(), await self._clock.now()
        policy = await self._policy.get()
        batch = await self._prepare(events, now, policy)
        outcomes = await store(self._database, batch.prepared, now)
        for event, record, outcome in zip(batch.prepared_from, batch.prepared, outcomes, strict=True):
            _count_or_refuse(batch, event, record.id, outcome)
        if batch.refused:
            await self._quarantine(batch, now, policy)
        _count(batch)
        self.surge.note(len(events), len(batch.refused))
        metrics.STORE_SECONDS.observe(time.perf_counter() - started)

    async def stamp(self) -> Stamp:
        """What audit events say of this process and the policy in force. Raises StoreUnavailable."""
        policy = await self._policy.get()
        return Stamp(self._build, policy.version, policy_digest(policy, self._dates))

    async def set_aside(self, event: Event) -> None:
        """Quarantines an event that fails alone, as UNSTORABLE. Raises like `take`."""
        now = await self._clock.now()
        batch = _Batch(refused=[_RefusedEvent(event, Refused(Reason.UNSTORABLE), self._id_in(event))])
        await self._quarantine(batch, now, await self._policy.get())
        _count(batch)

    async def rehearse(self) -> None:
        """Raises what keeps any order from being stored: then no event is to blame."""
        now, policy = await self._clock.now(), await self._policy.get()
        await rehearse_order(self._database, now, self._rules(policy))

    def _rules(self, policy: GdprPolicy) -> RecordRules:
        return RecordRules(self._keys, policy, self._dates, self._tax_mode)

    def _id_in(self, event: Event) -> str | None:
        with suppress(Exception):  # whatever made the event fail may fail here again
            if name := named_order(event.value, event.headers):
                return record_id(self._keys.identity, name)
        return None

    async def _prepare(self, events: Sequence[Event], now: datetime, policy: GdprPolicy) -> _Batch:
        """Lets other tasks run in between: heartbeats must go on whatever the events cost."""
        batch, rules = _Batch(), self._rules(policy)
        turn_ends = time.monotonic() + _TURN_SECONDS
        for event in events:
            if time.monotonic() > turn_ends:
                await asyncio.sleep(0)
                turn_ends = time.monotonic() + _TURN_SECONDS
            try:
                incoming = decode(event.value, event.headers)
            except Refused as refused:
                batch.refused.append(_RefusedEvent(event, refused, self._id_in(event)))
            else:
                self._prepare_one(batch, event, incoming, now, rules)
        return batch

    def _prepare_one(
        self,
        batch: _Batch,
        event: Event,
        incoming: IncomingOrder | Skipped,
        now: datetime,
        rules: RecordRules,
    ) -> None:
        if incoming == "skipped":
            batch.counts["skipped"] += 1
            return
        try:
            record = made_ready(incoming, created_at(event.timestamp, now), now, rules)
        except Refused as refused:
            identifier = record_id(self._keys.identity, incoming.natural_key)
            batch.refused.append(_RefusedEvent(event, refused, identifier))
            return
        batch.prepared.append(record)
        batch.prepared_from.append(event)
        batch.unknown_members += incoming.unknown_members

    async def _quarantine(self, batch: _Batch, now: datetime, policy: GdprPolicy) -> None:
        stamp = await self.stamp()
        events = [self._quarantined(refused, now, policy) for refused in batch.refused]
        await quarantine(self._database, events, self._quarantine_key, stamp, now, self._ledger_time)

    def _quarantined(self, refused: _RefusedEvent, now: datetime, policy: GdprPolicy) -> QuarantinedEvent:
        """An event past its due date, or too old, is kept as a bare entry from the start."""
        event, why, identifier, latest = refused
        due = created_at(event.timestamp, now) + self._dates.days(policy.retention_time)
        due = due if latest is None else min(due, latest)
        position = Position(event.topic, event.partition, event.offset, event.timestamp)
        raw = RawEvent(position, event.key, event.value, event.headers)
        bare = why.reason is Reason.TOO_OLD or due <= now
        return QuarantinedEvent(raw, why, None if bare else due, identifier)


def _count_or_refuse(batch: _Batch, event: Event, identifier: str, outcome: Outcome) -> None:
    if outcome.stored is Stored.CONFLICT:
        conflict = Refused(Reason.CONFLICT)
        batch.refused.append(_RefusedEvent(event, conflict, identifier, outcome.conflicting_cleanup))
    else:
        batch.counts[outcome.stored] += 1


def made_ready(
    incoming: IncomingOrder, created: datetime, now: datetime, rules: RecordRules
) -> PreparedRecord:
    """The record of an order that counts as created then. Raises Refused: TOO_OLD, INVALID_RETENTION."""
    if rules.dates.too_old(created, now):
        raise Refused(Reason.TOO_OLD)
    return prepare(incoming.order, incoming.natural_key, created, rules)


def created_at(timestamp: int, now: datetime) -> datetime:
    """When an event's record counts as created: its time on the topic, at most now (UTC, milliseconds).

    The timestamp is in milliseconds since 1970; -1 (absent) means now (design section 10).
    """
    latest = milliseconds(now)
    return instant(timestamp if 0 <= timestamp <= latest else latest)


def _count(batch: _Batch) -> None:
    for outcome, number in batch.counts.items():
        metrics.EVENTS.labels(outcome).inc(number)
    for refused in batch.refused:
        metrics.EVENTS.labels("quarantined").inc()
        metrics.QUARANTINED.labels(refused.refused.reason).inc()
    metrics.UNKNOWN_MEMBERS.inc(batch.unknown_members)
