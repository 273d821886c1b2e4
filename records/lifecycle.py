"""What is due for a record: the pure decision behind every sweep and every read."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from records.mask import mask


class Decision(StrEnum):
    """What has to happen to a record by a cutoff."""

    KEEP = "keep"
    ANONYMIZE = "anonymize"
    DELETE = "delete"


def decide(record: Mapping[str, Any], cutoff: datetime) -> Decision:
    """What is due at the cutoff (UTC): due means date <= cutoff.

    A record past its deletion date that was never anonymized is deleted at once (design section 6).
    """
    if record["deletionDate"] <= cutoff:
        return Decision.DELETE
    if not record["anonymized"] and record["gdprCleanupDate"] <= cutoff:
        return Decision.ANONYMIZE
    return Decision.KEEP


def as_seen(record: Mapping[str, Any], now: datetime) -> Mapping[str, Any] | None:
    """The record as a reader may see it: as the sweep will leave it, even before the sweep came by."""
    match decide(record, now):
        case Decision.KEEP:
            return record
        case Decision.ANONYMIZE:
            return mask(record)
        case Decision.DELETE:
            return None
