"""How long and how large the topics' events may be, against what is promised about them."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from cli.diagnosis.asking import Unanswered
from cli.diagnosis.finding import Check, Finding, ok, problem, span, warning
from runtime.environment import variable
from runtime.settings import Retention
from runtime.topics import MIN_ORDER_MESSAGE_BYTES, Topic

Config = Mapping[str, str]
"""A topic's settings as Kafka names them, its defaults included."""

_FOR_EVER: Final = timedelta.max
_MEBIBYTE: Final = 2**20


def judge_order_config(
    config: Config | Unanswered, retention: Retention, cleanup: timedelta | None
) -> list[Finding]:
    """The order topic: room for an order that is too large, and no longer memory than the records have."""
    if isinstance(config, Unanswered):
        return [_not_told(Check.ORDER_RETENTION, config)]
    return [_judge_size(int(config["max.message.bytes"])), _judge_orders_kept(config, retention, cleanup)]


def judge_trail_config(check: Check, config: Config | Unanswered, topic: Topic) -> list[Finding]:
    """A topic of the trail, which keeps every event for as long as `topic` says."""
    if isinstance(config, Unanswered):
        return [_not_told(check, config)]
    if "compact" in _policies(config):
        return [
            problem(
                check,
                "compacted: Kafka removes earlier events of the same record",
                f"Set cleanup.policy=delete on {topic.name}; what was removed is missing from the trail.",
            )
        ]
    kept, wanted = _kept(config), timedelta(milliseconds=int(topic.config["retention.ms"]))
    if kept < wanted:
        return [
            problem(
                check,
                f"{_told(kept)} are kept, {span(wanted)} are promised",
                f"Set retention.ms={topic.config['retention.ms']} on {topic.name}, or promise less in "
                f"{variable('audit', 'retention_days')}.",
            )
        ]
    if int(config.get("retention.bytes", -1)) != -1:
        return [
            warning(
                check,
                "cut by size, too",
                f"Set retention.bytes=-1 on {topic.name}: else it may be cut earlier than is promised.",
            )
        ]
    return [ok(check, f"events are kept {_told(kept)}")]


def _judge_size(limit: int) -> Finding:
    seen = f"events of up to {limit / _MEBIBYTE:.1f} MiB"
    if limit >= MIN_ORDER_MESSAGE_BYTES:
        return ok(Check.ORDER_SIZE, seen)
    return problem(
        Check.ORDER_SIZE,
        seen,
        f"Set max.message.bytes to at least {MIN_ORDER_MESSAGE_BYTES}: an order may have 1 MiB, and what is "
        "larger must arrive to be refused.",
    )


def _judge_orders_kept(config: Config, retention: Retention, cleanup: timedelta | None) -> Finding:
    kept = _FOR_EVER if "delete" not in _policies(config) else _kept(config)
    seen = f"events are kept {_told(kept)}"
    if cleanup is not None and kept >= cleanup:
        return warning(
            Check.ORDER_RETENTION,
            f"{seen}, and people are forgotten after {span(cleanup)}",
            "Set cleanup.policy=delete and retention.ms below that: erasure does not reach the topic.",
        )
    if kept > timedelta(days=retention.max_event_age_days):
        return warning(
            Check.ORDER_RETENTION,
            f"{seen}, and accepted for {retention.max_event_age_days} days",
            "Set cleanup.policy=delete and retention.ms below that: older events are refused as TOO_OLD, as "
            f"erased ids are remembered for {retention.ledger_days} days only.",
        )
    return ok(Check.ORDER_RETENTION, seen)


def _policies(config: Config) -> set[str]:
    return {policy.strip() for policy in config["cleanup.policy"].split(",")}


def _kept(config: Config) -> timedelta:
    """The time that an event is kept; Kafka's own default is the largest number that it has."""
    milliseconds = int(config["retention.ms"])
    endless = milliseconds < 0 or milliseconds >= _FOR_EVER // timedelta(milliseconds=1)
    return _FOR_EVER if endless else timedelta(milliseconds=milliseconds)


def _told(kept: timedelta) -> str:
    return "for ever" if kept == _FOR_EVER else f"for {span(kept)}"


def _not_told(check: Check, answer: Unanswered) -> Finding:
    return warning(
        check,
        f"the topic's settings are not told: {answer.why}",
        "Give this user the right to ask (DESCRIBE_CONFIGS), or look with Kafka's own tools.",
    )
