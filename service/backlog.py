"""How old the oldest unread events are, against the time that the topic keeps them: known in every state."""

import asyncio
import os
import time
from collections.abc import Callable, Collection, Mapping
from typing import Final, Protocol

import structlog

from records.mongo.client import Database
from records.mongo.errors import StoreError
from records.mongo.read_positions import remember
from records.read_positions import Found
from runtime import metrics
from runtime.kafka_settings import Kafka
from runtime.order_topic import TopicFacts, order_topic_facts
from runtime.process import finish_unless, sleep_unless, told
from runtime.topics import KAFKA_AWAY
from service.standstill import Standstill

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 15.0
_REMIND_SECONDS: Final = 60.0


class Reader(Protocol):
    """What is to be known of the consumer that reads in earnest."""

    def wanted(self) -> bool:
        """Whether it should be reading: started, and neither stopped nor refused by Kafka since."""

    def blocked(self) -> Collection[int]:
        """The partitions that wait for a record that cannot be fetched."""

    def tries(self) -> int:
        """How many batches it was not able to store so far, and keeps for a later try."""

    def assigned(self) -> list[int] | None:
        """The partitions that it reads; None while it has not joined its group."""

    def stands_still(self, offsets: Mapping[int, int]) -> None:
        """Tells it the partitions from which nothing comes, and at which offset each waits."""

    def topic_is(self, topic_id: str | None) -> None:
        """Tells it the topic's id: another one than it began with means another topic."""


class Backlog:
    """Looks every 15 seconds; between two looks, and while Kafka is away, the ages go on growing."""

    def __init__(
        self, kafka: Kafka, database: Database, reader: Reader, end: Callable[[int], object] = os._exit
    ) -> None:
        self._kafka = kafka
        self._database = database
        self._reader = reader
        self._end = end
        self._standstill = Standstill()
        self._since: dict[int, float] = {}
        self._retention: float | None = None
        self._said_at = self._failed_at = -_REMIND_SECONDS

    async def watch(self, stopping: asyncio.Event) -> None:
        """Looks until `stopping`. Never fails: it only says what it sees."""
        while not stopping.is_set():
            try:
                facts = await finish_unless(stopping, order_topic_facts(self._kafka, self._reader.assigned()))
                if facts is not None:
                    await self._take_in(facts)
            except (*KAFKA_AWAY, StoreError) as error:
                self._standstill.unknown()
                self._say_stale(told(error))
            except asyncio.CancelledError:
                # aiokafka ends its own tasks so, and some are awaited: without a request it is none.
                if (task := asyncio.current_task()) is None or task.cancelling():
                    raise
                self._standstill.unknown()
                self._say_stale(asyncio.CancelledError.__name__)
            except Exception:
                self._standstill.unknown()
                log.exception("the age of unread events is not looked at")
            self.tell(time.time())
            await sleep_unless(stopping, LOOK_SECONDS)

    async def _take_in(self, facts: TopicFacts) -> None:
        self._note(facts, time.time())
        self._reader.topic_is(facts.topic_id)
        topic, partitions = self._kafka.order_topic, facts.partitions.items()
        found = {n: Found(facts.topic_id, p.first, p.end, p.committed) for n, p in partitions}
        await remember(self._database, topic, found)
        self._end_if_stuck(facts)

    def _end_if_stuck(self, facts: TopicFacts) -> None:
        """Both servers have just answered; so if nothing moves, it is this process that does not.

        If others move, it is something about the partition, and no new process would mend that.
        """
        now = time.monotonic()
        others_move = self._standstill.moves({n: p.committed for n, p in facts.partitions.items()}, now)
        blocked = self._reader.blocked() if self._reader.wanted() else facts.partitions.keys()
        waiting = {n: p.committed for n, p in facts.partitions.items() if p.unread and n not in blocked}
        stuck = self._standstill.look(waiting, self._reader.tries(), now)
        offsets = {number: facts.partitions[number].next for number in stuck}
        if stuck and others_move:
            self._reader.stands_still(offsets)
        elif stuck:
            log.critical(
                "reading stands still though Kafka and MongoDB answer: the process ends, to be started anew",
                topic=self._kafka.order_topic,
                partitions=stuck,
                offsets=list(offsets.values()),
                seconds=round(self._standstill.patience_seconds),
            )
            self._end(1)

    def _note(self, facts: TopicFacts, now: float) -> None:
        before, self._since = self._since, {}
        self._retention = facts.retention_seconds
        for number, partition in facts.partitions.items():
            if not partition.unread:
                self._since[number] = 0
            elif partition.unread_since is not None and partition.unread_since >= 0:
                self._since[number] = partition.unread_since / 1000
            else:  # it cannot be fetched: at least since it was first seen
                self._since[number] = before.get(number) or now
        for number in before.keys() - self._since.keys():  # others read these now
            metrics.OLDEST_UNREAD_SECONDS.remove(self._kafka.order_topic, number)

    def tell(self, now: float) -> None:
        """Sets the figures at a time (seconds since 1970), and once a minute says what becomes dangerous."""
        if self._retention is not None:
            metrics.ORDER_TOPIC_RETENTION.set(self._retention)
        ages = {number: max(0.0, now - since) if since else 0.0 for number, since in self._since.items()}
        for number, age in ages.items():
            metrics.OLDEST_UNREAD_SECONDS.labels(self._kafka.order_topic, number).set(age)
        oldest = max(ages, key=ages.__getitem__, default=None)
        if oldest is None or self._retention is None or ages[oldest] <= self._retention / 2:
            return
        if now - self._said_at >= _REMIND_SECONDS:
            self._said_at = now
            log.warning(
                "unread events are older than half of the topic's retention: after it they are gone",
                topic=self._kafka.order_topic,
                partition=oldest,
                age_seconds=round(ages[oldest]),
                retention_seconds=round(self._retention),
            )

    def _say_stale(self, error: str) -> None:
        now = time.monotonic()
        if now - self._failed_at >= _REMIND_SECONDS:
            self._failed_at = now
            log.warning("the age of unread events is an estimate: it could not be looked at", error=error)
