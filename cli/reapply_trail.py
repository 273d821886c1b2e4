"""The trail that a database is mended by: exports, one after another, then what the audit topic has more."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from audit.comparison import Known
from audit.findings import which
from audit.retold import Retold
from cli.audit_source import Progress
from cli.reapply_exports import Export
from runtime.kafka_settings import Kafka
from runtime.topics import TopicMissing, topic_partitions
from runtime.trail import partition_reader, read_range

_ANSWER_SECONDS: Final = 10.0
_GONE: Final = (
    "audit topic {topic} is not there, or may not be seen: what was done after event {last}, the last one "
    "that is signed in the exports, is not known"
)
_OTHER: Final = (
    "audit topic {topic} does not go on where the exports end, after event {last}: it was made anew, or has "
    "lost its end"
)
Values = Sequence[bytes | None]


@dataclass(frozen=True)
class Piece:
    """What one export adds to those before it: its events from an offset on."""

    export: Export
    begin: int


def joined(exports: Sequence[Export]) -> tuple[list[Piece], list[str]]:
    """What each adds, in the order of their events, and in words which events are in none of them.

    One of which nothing is signed adds nothing.
    """
    pieces, missing = list[Piece](), list[str]()
    end: int | None = None
    for export in exports:
        if export.end == export.begin:
            continue
        if end is not None and export.begin > end:
            missing.append(f"{_events(end, export.begin)} in none of the exports")
        if end is None or export.end > end:
            begin = export.begin if end is None else max(export.begin, end)
            pieces.append(Piece(export, begin))
            end = export.end
    return pieces, missing


def _events(begin: int, end: int) -> str:
    return which("event", "events", begin, end - 1)


def lacking(begin: int, trail: Retold, known: Known) -> list[str]:
    """Which erasures the database lacks that were before the event at `begin`, the first that is there.

    In a new database nobody is back whom they name.
    """
    if known.sent and not trail.events:
        return ["nothing that is there tells of this database, though erasures of it were announced"]
    new, first = not known.beaten and known.n == 0, trail.first_n
    if begin == 0 or new or first is None or first <= known.n + 1:
        return []
    older = which("batch of erasures", "batches of erasures", known.n + 1, first - 1)
    return [f"{older} older than all that is there: it begins with event {begin}"]


class Trail:
    """All of the trail that there is. `look` comes first."""

    def __init__(self, kafka: Kafka, exports: Sequence[Export] = ()) -> None:
        self._kafka = kafka
        self._pieces, missing = joined(exports)
        self._missing = [*(text for export in exports for text in export.accepted), *missing]
        self._live: int | None = None
        self.begin = self._pieces[0].begin if self._pieces else 0

    async def look(self) -> list[str]:
        """Sees where the topic goes on, and says in words what is on neither.

        Raises TopicMissing where there are no exports either, KafkaError, OSError, TimeoutError, UserError.
        """
        topic = self._kafka.audit_topic
        async with asyncio.timeout(_ANSWER_SECONDS):
            there = await topic_partitions(self._kafka, topic)
        if there:
            async with partition_reader(self._kafka, topic) as (_, first, end):
                pass
            return [*self._missing, *await self._joint(first, end)]
        if not self._pieces:
            raise TopicMissing(topic)
        return [*self._missing, _GONE.format(topic=topic, last=self._end - 1)]

    async def values(self, progress: Progress) -> AsyncGenerator[Values, None]:
        """All of it, in its order. Raises as `look`."""
        for piece in self._pieces:
            async with aclosing(piece.export.values(piece.begin, progress)) as parts:
                async for part in parts:
                    yield part
        if self._live is not None:
            lost, kafka = list[int](), self._kafka
            live = read_range(kafka, kafka.audit_topic, self._live, None, progress, lost.append)
            async with aclosing(live) as batches:
                async for batch in batches:
                    yield [*(None for _ in lost), *(record.value for record in batch)]
                    lost.clear()

    @property
    def _end(self) -> int:
        return self._pieces[-1].export.end

    async def _joint(self, first: int, end: int) -> list[str]:
        """Whether the topic, which has events from `first` on before `end`, goes on where the exports end."""
        if not self._pieces:
            self._live = self.begin = first
            return []
        at = self._end
        self._live = first
        if end < at or (first < at and not await self._same(at - 1)):
            return [_OTHER.format(topic=self._kafka.audit_topic, last=at - 1)]
        self._live = max(first, at)
        if first <= at:
            return []
        return [f"{_events(at, first)} in no export, and not on the topic any more"]

    async def _same(self, offset: int) -> bool:
        """Whether the topic has the exports' last event: then it has those before it, too, and no others."""
        topic, found = self._kafka.audit_topic, list[bytes | None]()
        live = read_range(self._kafka, topic, offset, offset + 1, passed_over=lambda _: None)
        async with aclosing(live) as batches:
            async for batch in batches:
                found += [record.value for record in batch]
        return found == [await self._pieces[-1].export.value(offset)]
