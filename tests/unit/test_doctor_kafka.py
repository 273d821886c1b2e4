"""What `doctor` says of Kafka: topics, their limits and retention, and the consumer group."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cli.diagnosis.asking import Unanswered
from cli.diagnosis.finding import Check, Finding, Level
from cli.diagnosis.kafka import KafkaAnswers, judge_group, judge_kafka, lag
from runtime.kafka_facts import GroupFacts
from runtime.settings import load_settings
from runtime.topics import wanted_topics

SETTINGS = load_settings({})
ORDER, AUDIT, CHECKPOINTS = (topic.name for topic in wanted_topics(SETTINGS))
DEFAULTS = {
    "cleanup.policy": "delete",
    "retention.ms": "604800000",
    "retention.bytes": "-1",
    "max.message.bytes": "1048588",
}
GROUP = GroupFacts(members=2, committed={0: 5, 1: 9}, first={0: 0, 1: 3}, end={0: 7, 1: 9})
GOOD = KafkaAnswers(
    topics={topic.name: topic.partitions for topic in wanted_topics(SETTINGS)},
    configs={topic.name: DEFAULTS | topic.config for topic in wanted_topics(SETTINGS)},
    group=GROUP,
)
DAY = 86_400_000
CLEANUP = timedelta(days=30)


def judged(
    answers: KafkaAnswers, *, create: bool = False, cleanup: timedelta | None = CLEANUP
) -> list[Finding]:
    settings = load_settings({"ORDER_RECORDS_KAFKA__CREATE_TOPICS": str(create)})
    return judge_kafka(answers, settings, cleanup, enabled=True)


def with_config(topic: str, **changes: str) -> KafkaAnswers:
    configs = dict(GOOD.configs) if isinstance(GOOD.configs, dict) else {}
    configs[topic] = configs[topic] | {name.replace("_", "."): value for name, value in changes.items()}
    return replace(GOOD, configs=configs)


def without(topic: str) -> KafkaAnswers:
    assert isinstance(GOOD.topics, dict)
    return replace(GOOD, topics={name: n for name, n in GOOD.topics.items() if name != topic})


def faults(findings: list[Finding]) -> list[tuple[Check, Level]]:
    return [(each.check, each.level) for each in findings if each.level is not Level.OK]


def test_topics_as_we_create_them_are_in_order() -> None:
    assert faults(judged(GOOD)) == []


def test_a_kafka_that_is_away_is_one_problem() -> None:
    findings = judged(KafkaAnswers(*[Unanswered("no answer within 8 s")] * 3))
    assert [(each.check, each.level) for each in findings] == [(Check.KAFKA, Level.PROBLEM)]
    assert "127.0.0.1:9092" in findings[0].seen


@pytest.mark.parametrize(
    ("topic", "check"),
    [(ORDER, Check.ORDER_TOPIC), (AUDIT, Check.AUDIT_TOPIC), (CHECKPOINTS, Check.CHECKPOINT_TOPIC)],
)
def test_a_missing_topic_is_a_problem_unless_we_create_it(topic: str, check: Check) -> None:
    assert faults(judged(without(topic))) == [(check, Level.PROBLEM)]
    assert faults(judged(without(topic), create=True)) == [(check, Level.WARNING)]


@pytest.mark.parametrize(
    ("topic", "check"), [(AUDIT, Check.AUDIT_TOPIC), (CHECKPOINTS, Check.CHECKPOINT_TOPIC)]
)
def test_a_trail_of_several_partitions_is_a_problem(topic: str, check: Check) -> None:
    assert isinstance(GOOD.topics, dict)
    assert faults(judged(replace(GOOD, topics=GOOD.topics | {topic: 2}))) == [(check, Level.PROBLEM)]


@pytest.mark.parametrize(
    ("limit", "expected"), [("2097151", [(Check.ORDER_SIZE, Level.PROBLEM)]), ("2097152", [])]
)
def test_the_order_topic_takes_events_of_2_mib(limit: str, expected: list[tuple[Check, Level]]) -> None:
    assert faults(judged(with_config(ORDER, max_message_bytes=limit))) == expected


@pytest.mark.parametrize(
    ("changes", "cleanup", "word"),
    [
        ({"retention_ms": str(29 * DAY)}, CLEANUP, None),
        ({"retention_ms": str(30 * DAY)}, CLEANUP, "forgotten after 30 days"),
        ({"retention_ms": str(365 * DAY)}, None, None),
        ({"retention_ms": str(366 * DAY)}, None, "TOO_OLD"),
        ({"retention_ms": str(366 * DAY)}, timedelta(days=3650), "TOO_OLD"),
        ({"retention_ms": "-1"}, None, "for ever"),
        ({"retention_ms": str(2**63 - 1)}, None, "for ever"),
        ({"cleanup_policy": "compact"}, None, "for ever"),
        ({"cleanup_policy": "compact,delete"}, None, None),
    ],
)
def test_an_order_topic_that_keeps_events_too_long_is_a_warning(
    changes: dict[str, str], cleanup: timedelta | None, word: str | None
) -> None:
    findings = judged(with_config(ORDER, **changes), cleanup=cleanup)
    assert faults(findings) == ([(Check.ORDER_RETENTION, Level.WARNING)] if word else [])
    if word:
        (finding,) = (each for each in findings if each.check is Check.ORDER_RETENTION)
        assert word in finding.seen + finding.next


@pytest.mark.parametrize(
    ("topic", "check", "days"),
    [
        (AUDIT, Check.AUDIT_RETENTION, 1_460),
        (CHECKPOINTS, Check.CHECKPOINT_RETENTION, 1_460 + 365),
    ],
)
def test_the_trail_is_kept_as_long_as_is_promised(topic: str, check: Check, days: int) -> None:
    for changes, level in (
        ({"retention_ms": str(days * DAY)}, None),
        ({"retention_ms": "-1"}, None),
        ({"retention_ms": str(days * DAY - 1)}, Level.PROBLEM),
        ({"cleanup_policy": "compact", "retention_ms": "-1"}, Level.PROBLEM),
        ({"cleanup_policy": "delete,compact"}, Level.PROBLEM),
        ({"retention_bytes": "1000"}, Level.WARNING),
    ):
        assert faults(judged(with_config(topic, **changes))) == ([(check, level)] if level else [])


def test_settings_of_topics_that_are_not_told_are_warnings() -> None:
    untold: dict[str, dict[str, str]] = {}
    for configs in (Unanswered("IncompatibleBrokerVersion"), untold):
        assert faults(judged(replace(GOOD, configs=configs))) == [
            (Check.ORDER_RETENTION, Level.WARNING),
            (Check.AUDIT_RETENTION, Level.WARNING),
            (Check.CHECKPOINT_RETENTION, Level.WARNING),
        ]


def test_the_lag_counts_what_was_never_read_from_the_first_event_on() -> None:
    assert lag(GROUP) == 2
    assert lag(replace(GROUP, committed={0: 5})) == 2 + 6
    assert lag(replace(GROUP, committed={0: 50, 1: 9})) == 0  # the topic was made anew


def test_events_that_expired_unread_are_a_problem_with_their_number() -> None:
    finding = judge_group(replace(GROUP, committed={0: 0, 1: 1}), enabled=True)
    assert finding.level is Level.PROBLEM
    assert "2 events" in finding.seen


def test_nobody_reading_is_a_warning_only_while_order_records_are_enabled() -> None:
    for idle in (None, replace(GROUP, members=0)):
        assert judge_group(idle, enabled=True).level is Level.WARNING
        assert judge_group(idle, enabled=False).level is Level.OK


def test_a_group_that_is_not_told_is_a_warning() -> None:
    assert judge_group(Unanswered("GroupAuthorizationFailedError"), enabled=True).level is Level.WARNING
