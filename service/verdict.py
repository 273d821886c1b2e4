"""What the consumer would do with an event, as far as the event alone decides; nothing is stored."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from records.reasons import Reason, Refused
from records.record import RecordRules
from service.events import Headers, decode
from service.ingest import created_at, made_ready

Outcome = Literal["accepted", "skipped", "refused"]


@dataclass(frozen=True)
class Verdict:
    """What becomes of an event; why where it is refused, and how many members are dropped as unknown."""

    outcome: Outcome
    refused: Refused | None = None
    unknown_members: int = 0


def verdict(
    value: bytes | None, headers: Headers, timestamp: int, now: datetime, rules: RecordRules
) -> Verdict:
    """The verdict on an event with this Kafka timestamp (ms since 1970; -1 for none).

    What fails in a way that nobody foresaw is UNSTORABLE, as it is when it fails again and again alone.
    """
    try:
        incoming = decode(value, headers)
        if incoming == "skipped":
            return Verdict("skipped")
        made_ready(incoming, created_at(timestamp, now), now, rules)
    except Refused as refused:
        return Verdict("refused", refused)
    except Exception:  # noqa: BLE001 - the consumer, too, takes whatever it is
        return Verdict("refused", Refused(Reason.UNSTORABLE))
    return Verdict("accepted", unknown_members=incoming.unknown_members)
