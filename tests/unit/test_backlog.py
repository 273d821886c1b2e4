"""How old unread events are: growing on while Kafka is away, and said once a minute from half on."""

from typing import Any, cast

import pytest
import structlog

from runtime.kafka_settings import Kafka
from runtime.metrics import REGISTRY
from runtime.order_topic import PartitionFacts, TopicFacts
from service.backlog import Backlog

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


@pytest.mark.parametrize("retention", [float("inf"), None])
def test_without_a_known_end_there_is_no_alarm(retention: float | None) -> None:
    seen = backlog()
    seen._note(facts(retention, p0=PartitionFacts(0, 9, 0, unread=True, unread_since=ms(NOW - 10**8))), NOW)
    assert alarms(seen, NOW) == []
