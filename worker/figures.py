"""What MongoDB knows of erasure, as figures, from every replica: a frozen leader cannot hide itself."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

import structlog

from records.mongo.attestation import last_attestation
from records.mongo.client import Database
from records.mongo.clock import CheckedClock
from records.mongo.errors import StoreError
from records.mongo.ledger import ledger_facts
from records.mongo.outbox import backlog
from records.mongo.overdue import counts, failed_alone, oldest_overdue
from records.mongo.sweep import Action
from runtime import metrics
from runtime.pace import Pace
from runtime.process import sleep_unless, told

log = structlog.get_logger(__name__)

_LOOK_SECONDS: Final = 15.0


async def watch_figures(database: Database, ledger_time: timedelta, stopping: asyncio.Event) -> None:
    """Looks every 15 s until `stopping`, less often when counting takes long. `ledger_time` is a setting."""
    clock, pace = CheckedClock(database), Pace(_LOOK_SECONDS)
    while not stopping.is_set():
        try:
            now = await clock.latest()
            with pace.looking():
                await measure(database, now, ledger_time)
        except StoreError as error:
            log.warning("the figures are stale", error=told(error))
        except Exception:
            log.exception("the figures are stale")  # nothing in here may end for good
        await sleep_unless(stopping, pace.pause())


async def measure(database: Database, now: datetime, ledger_time: timedelta) -> None:
    """Sets the figures at a time (UTC): first what is known at once, then what has to be counted.

    Raises StoreUnavailable, StoreError.
    """
    for action in Action:
        oldest = await oldest_overdue(database, action, now)
        metrics.set_oldest_overdue(action.name.lower(), oldest, now)
    metrics.SWEEP_FAILED_RECORDS.set(await failed_alone(database))
    entries, since = await backlog(database)
    metrics.OUTBOX_ENTRIES.set(entries)
    metrics.OUTBOX_OLDEST_SECONDS.set(max(0.0, (now - since).total_seconds()) if since else 0.0)
    attested = await last_attestation(database)
    metrics.LAST_ATTESTATION.set(attested.timestamp() if attested else 0.0)
    await _look_at_the_ledger(database, now, ledger_time)
    for action in Action:
        try:
            metrics.set_counts(action.name.lower(), *await counts(database, action, now))
        except StoreError as error:  # too many to be counted in time: the others are told all the same
            log.warning("the figures are stale", action=action, error=told(error))


async def _look_at_the_ledger(database: Database, now: datetime, ledger_time: timedelta) -> None:
    ledger = await ledger_facts(database)
    expiry = ledger.next_expiry
    metrics.LEDGER_ENTRIES.set(ledger.entries)
    metrics.LEDGER_NEXT_EXPIRY.set(expiry.timestamp() if expiry else 0.0)
    age = (now - (expiry - ledger_time)).total_seconds() if expiry else 0.0
    metrics.LEDGER_OLDEST_SECONDS.set(max(0.0, age))
