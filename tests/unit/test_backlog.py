"""How old unread events are: growing on while Kafka is away, and said once a minute from half on."""

import asyncio
import time
from collections.abc import Mapping
from functools import partial
from typing import Any, cast

import pytest
import structlog

from runtime.kafka_settings import Kafka
from runtime.metrics import REGISTRY
from runtime.order_topic import PartitionFacts, TopicFacts
from service.backlog import Backlog
from service.consume import _end_unwatched
from service.standstill import Standstill

NOW = 1_800_000_000.0
TOPIC = "orders-backlog"


def ms(seconds: float) -> int:
    return int(seconds * 1000)


def backlog() -> Backlog:
    return Backlog(Kafka(order_topic=TOPIC), cast("Any", None), cast("Any", None))


def facts(retention: float | None = 1000.0, **partitions: PartitionFacts) -> TopicFacts:
    return TopicFacts("id", retention, {int(name[1:]): facts for name, facts in partitions.items()})


def age(partition: int) -> float | None:
    labels = {"topic": TOPIC, "partition": str(partition)}
    return REGISTRY.get_sample_value("order_records_oldest_unread_event_seconds", labels)


def alarms(seen: Backlog, *times: float) -> list[int]:
    with structlog.testing.capture_logs() as lines:
        for time in times:
            seen.tell(time)
    return [line["partition"] for line in lines]


def test_ages_grow_between_two_looks_and_all_read_is_no_age() -> None:
    seen = backlog()
    unread = PartitionFacts(0, 20, 10, unread=True, unread_since=ms(NOW - 60))
    seen._note(facts(p0=unread, p1=PartitionFacts(0, 20, 20)), NOW)
    seen.tell(NOW)
    assert (age(0), age(1)) == (60, 0)
    seen.tell(NOW + 40)
    assert (age(0), age(1)) == (100, 0)
    seen._note(facts(p1=unread), NOW)
    seen.tell(NOW)
    assert (age(0), age(1)) == (None, 60)


def test_what_cannot_be_fetched_ages_from_when_it_was_seen_first() -> None:
    seen = backlog()
    unreadable = PartitionFacts(0, 20, 10, unread=True)
    seen._note(facts(p0=unreadable), NOW)
    seen._note(facts(p0=unreadable), NOW + 30)
    seen.tell(NOW + 50)
    assert age(0) == 50


def test_an_event_from_the_future_is_not_younger_than_now() -> None:
    seen = backlog()
    seen._note(facts(p0=PartitionFacts(0, 20, 10, unread=True, unread_since=ms(NOW + 60))), NOW)
    seen.tell(NOW)
    assert age(0) == 0


def test_from_half_of_the_retention_on_the_oldest_is_named_once_a_minute() -> None:
    seen = backlog()
    young, old = (
        PartitionFacts(0, 9, 0, unread=True, unread_since=ms(NOW - 480)),
        PartitionFacts(0, 9, 0, unread=True, unread_since=ms(NOW - 490)),
    )
    seen._note(facts(p0=young, p1=old), NOW)
    assert alarms(seen, NOW, NOW + 10) == []
    assert alarms(seen, NOW + 11, NOW + 70, NOW + 71, NOW + 130) == [1, 1]


class _Reader:
    """Reads in earnest, and is told what stands still."""

    def __init__(self) -> None:
        self.told: list[Mapping[int, int]] = []

    def wanted(self) -> bool:
        return True

    def blocked(self) -> set[int]:
        return {number for told in self.told for number in told}

    def tries(self) -> int:
        return 0

    def assigned(self) -> list[int] | None:
        return None

    def stands_still(self, offsets: Mapping[int, int]) -> None:
        self.told.append(offsets)

    def topic_is(self, topic_id: str | None) -> None:
        pass


def looks(*committed: tuple[int, int]) -> tuple[list[Mapping[int, int]], list[int]]:
    """Of partition 0 an event is unread all the time, of 1 none: what is told, and the process's end."""
    reader, codes = _Reader(), list[int]()
    seen = Backlog(Kafka(order_topic=TOPIC), cast("Any", None), reader, codes.append)
    seen._standstill = Standstill(0.05)
    for zero, one in committed:
        unread = PartitionFacts(0, 20, zero, unread=True, unread_since=ms(NOW))
        seen._end_if_stuck(facts(p0=unread, p1=PartitionFacts(0, one, one)))
        time.sleep(0.03)
    return reader.told, codes


def test_one_partition_that_stands_still_is_named_and_the_process_goes_on_with_the_others() -> None:
    assert looks((7, 1), (7, 2), (7, 3), (7, 4), (7, 5)) == ([{0: 7}], [])


def test_when_nothing_moves_the_process_ends_and_names_where() -> None:
    with structlog.testing.capture_logs() as lines:
        assert looks((7, 1), (7, 1), (7, 1)) == ([], [1])
    assert [(line["partitions"], line["offsets"]) for line in lines] == [([0], [7])]


async def test_a_look_that_is_cancelled_by_nobody_is_not_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    stopping, times = asyncio.Event(), list[int]()

    async def cancelled(*_: object) -> None:
        times.append(1)
        if len(times) == 3:
            stopping.set()
        raise asyncio.CancelledError

    monkeypatch.setattr("service.backlog.order_topic_facts", cancelled)
    monkeypatch.setattr("service.backlog.LOOK_SECONDS", 0.01)
    async with asyncio.timeout(10):
        await Backlog(Kafka(order_topic=TOPIC), cast("Any", None), _Reader()).watch(stopping)
    assert len(times) == 3


async def test_a_watch_that_is_cancelled_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("service.backlog.order_topic_facts", hang)
    watching = asyncio.create_task(
        Backlog(Kafka(order_topic=TOPIC), cast("Any", None), _Reader()).watch(asyncio.Event())
    )
    await asyncio.sleep(0.05)
    watching.cancel()
    await asyncio.wait([watching], timeout=10)
    assert watching.cancelled()


async def test_a_process_that_nobody_watches_any_more_ends() -> None:
    stopping = asyncio.Event()
    watching = asyncio.create_task(asyncio.sleep(0))
    watching.add_done_callback(partial(_end_unwatched, stopping))
    with structlog.testing.capture_logs() as lines:
        async with asyncio.timeout(10):
            await stopping.wait()
    assert [line["log_level"] for line in lines] == ["critical"]


@pytest.mark.parametrize("retention", [float("inf"), None])
def test_without_a_known_end_there_is_no_alarm(retention: float | None) -> None:
    seen = backlog()
    seen._note(facts(retention, p0=PartitionFacts(0, 9, 0, unread=True, unread_since=ms(NOW - 10**8))), NOW)
    assert alarms(seen, NOW) == []
