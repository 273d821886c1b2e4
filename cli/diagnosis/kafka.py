"""How Kafka is: whether it answers, which of the topics are there, how far the consumer group has read."""

from dataclasses import dataclass
from datetime import timedelta

from cli.diagnosis.asking import Unanswered
from cli.diagnosis.finding import Check, Finding, counted, ok, problem, warning
from cli.diagnosis.topics import Config, judge_order_config, judge_trail_config
from runtime.environment import variable
from runtime.kafka_facts import GroupFacts
from runtime.kafka_settings import Kafka
from runtime.settings import Settings
from runtime.topics import Topic, wanted_topics


@dataclass(frozen=True)
class KafkaAnswers:
    """Partitions and settings by topic, and the group; None where there is no such group."""

    topics: dict[str, int] | Unanswered
    configs: dict[str, dict[str, str]] | Unanswered
    group: GroupFacts | Unanswered | None

    def config(self, topic: str) -> Config | Unanswered:
        """A topic's settings; a broker leaves out those that it may not tell."""
        if isinstance(self.configs, Unanswered):
            return self.configs
        return self.configs.get(topic, Unanswered("this user may not ask"))


def judge_kafka(
    answers: KafkaAnswers, settings: Settings, cleanup: timedelta | None, *, enabled: bool
) -> list[Finding]:
    """All of it; `cleanup` is the policy's time until a person is forgotten, None while it is unknown."""
    if isinstance(answers.topics, Unanswered):
        return [judge_away(answers.topics.why, settings.kafka)]
    order, audit, checkpoints = wanted_topics(settings)
    create = settings.kafka.create_topics
    findings = [ok(Check.KAFKA, f"answers, and shows {counted(len(answers.topics), 'topic')}")]
    partitions = answers.topics.get(order.name)
    findings.append(judge_order_topic(order, partitions, create=create))
    if partitions is not None:
        findings += judge_order_config(answers.config(order.name), settings.retention, cleanup)
    for check, retention, topic in (
        (Check.AUDIT_TOPIC, Check.AUDIT_RETENTION, audit),
        (Check.CHECKPOINT_TOPIC, Check.CHECKPOINT_RETENTION, checkpoints),
    ):
        partitions = answers.topics.get(topic.name)
        findings.append(judge_trail_topic(check, topic, partitions, create=create))
        if partitions is not None:
            findings += judge_trail_config(retention, answers.config(topic.name), topic)
    return [*findings, judge_group(answers.group, enabled=enabled)]


def judge_away(why: str, kafka: Kafka) -> Finding:
    """No broker answers, or none lets us in."""
    return problem(
        Check.KAFKA,
        f"no answer from {', '.join(kafka.servers)}: {why}",
        f"See {variable('kafka', 'bootstrap_servers')}, protocol, user and certificates, and that it runs.",
    )


def judge_order_topic(topic: Topic, partitions: int | None, *, create: bool) -> Finding:
    """Whether it is there; its partitions are how many `consume` may share the work."""
    if partitions is None:
        return _absent(Check.ORDER_TOPIC, topic, create=create)
    return ok(Check.ORDER_TOPIC, f"{topic.name} has {counted(partitions, 'partition')}")


def judge_trail_topic(check: Check, topic: Topic, partitions: int | None, *, create: bool) -> Finding:
    """One of the two topics of the trail: with one partition, an event's offset is its place."""
    if partitions is None:
        return _absent(check, topic, create=create)
    if partitions != 1:
        return problem(
            check,
            f"{topic.name} has {partitions} partitions, and only the first is written",
            "Partitions cannot be taken away, and the trail is not signed like this: before the first event, "
            f"delete it and create it with one; later, begin another trail with a new "
            f"{variable('audit', 'log_name')} and new topics.",
        )
    return ok(check, f"{topic.name} has one partition")


def _absent(check: Check, topic: Topic, *, create: bool) -> Finding:
    seen = f"{topic.name} is not there"
    if create:
        return warning(check, seen, "Start `work` or `consume`: they create it.")
    limits = ", ".join(f"{name}={value}" for name, value in topic.config.items())
    return problem(
        check,
        seen,
        f"Create it with {counted(topic.partitions, 'partition')} and {limits}, or set "
        f"{variable('kafka', 'create_topics')}=true.",
    )


def judge_group(group: GroupFacts | Unanswered | None, *, enabled: bool) -> Finding:
    """How far the order topic is read, by whom, and whether something was lost on the way."""
    if isinstance(group, Unanswered):
        return warning(
            Check.GROUP,
            f"not told: {group.why}",
            "Give this user the right to describe it, or look with Kafka's own tools.",
        )
    if group is None:
        return _idle(
            "none is to be seen: nobody has read the order topic yet, or this user may not ask",
            enabled=enabled,
        )
    ahead = {
        partition: first - group.committed.get(partition, first) for partition, first in group.first.items()
    }
    if lost := sum(max(0, events) for events in ahead.values()):
        return problem(
            Check.GROUP,
            f"{counted(lost, 'event')} expired before anybody read them",
            "Ask the publishers to send them again, and raise retention.ms or start more `consume`.",
        )
    seen = f"{counted(group.members, 'member')}, {counted(lag(group), 'event')} still to be read"
    return _idle(seen, enabled=enabled) if group.members == 0 else ok(Check.GROUP, seen)


def _idle(seen: str, *, enabled: bool) -> Finding:
    return warning(Check.GROUP, seen, "Start `consume`.") if enabled else ok(Check.GROUP, seen)


def lag(group: GroupFacts) -> int:
    """How many events are still to be read; where nothing was committed, all that are there."""
    starts = {**group.first, **group.committed}
    return sum(max(0, end - starts[partition]) for partition, end in group.end.items())
