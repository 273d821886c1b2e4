"""Where the reading of a partition goes on, and which offsets nobody has read and nobody can read any more.

All pure. Kafka's own way, to go to the earliest event without a word, would hide what was lost.
"""

from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """Why events are gone that nobody has read."""

    RETENTION = "RETENTION"
    RECREATED = "RECREATED"


@dataclass(frozen=True)
class Remembered:
    """What is known of a partition from before: up to where it was read, and where it ended when last seen.

    `read_to` is the first offset that was not read. `topic_id` is None where the broker has no such ids.
    """

    topic_id: str | None
    read_to: int
    end: int


@dataclass(frozen=True)
class Found:
    """A partition as it is now: its topic's id, its first offset, the one after its last, the group's."""

    topic_id: str | None
    first: int
    end: int
    committed: int | None


@dataclass(frozen=True)
class Lost:
    """The offsets from `start` up to but not with `end`. None at all where the two are equal: see `go_on`."""

    start: int
    end: int
    cause: Cause


@dataclass(frozen=True)
class GoOn:
    """The offset to go on from, and what was lost before it."""

    offset: int
    lost: Lost | None = None


def go_on(found: Found, before: Remembered | None) -> GoOn:
    """Where to go on. A topic that begins anew is read from its beginning.

    Of such a topic `lost` ends where it was last seen to end: what came after that, nobody can say.
    """
    if before is not None and _another(found.topic_id, before.topic_id):
        return _anew(found, before.read_to, before)
    if not _same(found.topic_id, before):
        return _by_offsets(found, before)
    assert before is not None  # noqa: S101 - for the type checker: only what is remembered is the same
    known = [at for at in (found.committed, before.read_to) if at is not None and at <= found.end]
    if not known:  # the same topic, shorter than what was read of it: a broker lost its end
        return _anew(found, before.read_to, before)
    return _after_retention(found, max(known))


def _by_offsets(found: Found, before: Remembered | None) -> GoOn:
    """Without ids, or without a memory, only an end that is before what was read tells a new topic."""
    known = [at for at in (found.committed, before.read_to if before else None) if at is not None]
    if not known:
        return GoOn(found.first)  # a new group: what expired before it was never ours
    if max(known) > found.end:
        return _anew(found, max(known), before)
    return _after_retention(found, max(known))


def _after_retention(found: Found, read_to: int) -> GoOn:
    if read_to < found.first:
        return GoOn(found.first, Lost(read_to, found.first, Cause.RETENTION))
    committed = found.committed
    stands = committed is not None and found.first <= committed <= found.end
    # Offsets of a group that nobody used for a week expire: all is read again, and changes nothing.
    return GoOn(committed if committed is not None and stands else found.first)


def _anew(found: Found, read_to: int, before: Remembered | None) -> GoOn:
    end = max(read_to, before.end if before else 0)
    return GoOn(found.first, Lost(read_to, end, Cause.RECREATED))


def _another(now: str | None, before: str | None) -> bool:
    return now is not None and before is not None and now != before


def _same(now: str | None, before: Remembered | None) -> bool:
    return now is not None and before is not None and now == before.topic_id
