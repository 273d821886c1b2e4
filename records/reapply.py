"""What the trail says was done, for a database that was put back from before: as plain facts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from records.policy import DEFAULT_RETENTION_DAYS

Place = tuple[str, int, int]
"""Topic, partition and offset of an event."""


class Erased(Protocol):
    """When something was erased, and when that was due (both UTC)."""

    @property
    def time(self) -> datetime: ...
    @property
    def due(self) -> datetime: ...


class GivenUp(Protocol):
    """When a quarantined event lost its content (UTC), why it was there, and on which grounds, if any."""

    @property
    def time(self) -> datetime: ...
    @property
    def reason(self) -> str: ...
    @property
    def grounds(self) -> str | None: ...
    @property
    def on_time(self) -> bool: ...


class Told(Protocol):
    """What a part of the trail tells, by record id or by the event's place."""

    @property
    def deleted(self) -> Mapping[str, Erased]: ...
    @property
    def anonymized(self) -> Mapping[str, Erased]: ...
    @property
    def gone(self) -> Mapping[Place, GivenUp]: ...
    @property
    def replayed(self) -> Mapping[Place, datetime]: ...


@dataclass
class Brought:
    """What came of it: ids in the ledger, dates moved earlier, entries made bare."""

    ids: int = 0
    dates: int = 0
    entries: int = 0

    def __bool__(self) -> bool:
        return self != Brought()

    def add(self, other: "Brought") -> None:
        """Counts the other's, too."""
        self.ids += other.ids
        self.dates += other.dates
        self.entries += other.entries


def live_longer(retention: Mapping[int, int], version: int) -> bool:
    """Whether an order that is read again might get a later clean-up date than it had.

    `retention` has days by version of the policy, as far as they are told; `version` is that in force.
    """
    told = {0: DEFAULT_RETENTION_DAYS, **retention}
    unknown = any(number not in told for number in range(1, version + 1))
    if unknown or version not in told:
        return version > 1
    return told[version] > min(days for number, days in told.items() if number <= version)


def read_from(first: int, committed: int, read_to: int | None, since: int | None) -> int:
    """Where reading of a partition has to go on in a database that was put back; never further on.

    `read_to` is what it remembers of the partition: all before was stored. `since` is the first offset of
    the time when it was in service. Without the former nobody knows, and all is read again.
    """
    if read_to is None:
        return min(first, committed)
    return min(offset for offset in (committed, read_to, since) if offset is not None)
