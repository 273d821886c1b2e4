"""Every kind of event that can never be stored, as one table that anyone can extend.

To add a kind, add a row to one of the tables that are joined here.
Two reasons have no row, since no single event has them: ``CONFLICT`` (another order was stored under the
same id) and ``TOO_OLD`` (Kafka's timestamp, which the sender of a sample does not choose).
"""

from datetime import datetime
from typing import Final

from local.samples.broken_bodies import BODIES
from local.samples.broken_payloads import PAYLOADS
from local.samples.faults import Broken, canary, make
from local.samples.forms import SampleEvent
from local.samples.harmless import HARMLESS, harmless_event

__all__ = ["BROKEN", "HARMLESS", "Broken", "broken_event", "canary", "harmless_event"]

BROKEN: Final[dict[str, Broken]] = BODIES | PAYLOADS


def broken_event(kind: str, seed: int, number: int, *, at: datetime) -> SampleEvent:
    """One event of this kind of ``BROKEN``; KeyError for any other kind."""
    return make(kind, BROKEN[kind].build, seed, number, at=at)
