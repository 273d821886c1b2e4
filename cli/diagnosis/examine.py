"""The whole examination: MongoDB and Kafka are asked at the same time, and the answers judged."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cli.diagnosis.asking import Unanswered, asked
from cli.diagnosis.deployment import judge_enabled, judge_settings
from cli.diagnosis.erasure import (
    judge_outbox,
    judge_overdue,
    judge_quarantine,
    judge_restore,
    judge_worker,
)
from cli.diagnosis.finding import Check, Finding, problem
from cli.diagnosis.indexes import judge_indexes
from cli.diagnosis.kafka import KafkaAnswers, judge_kafka
from cli.diagnosis.mongo import judge_away, judge_clocks, judge_log, judge_server, judge_transactions
from records.mongo import diagnosis
from records.mongo.client import Database, open_database
from records.mongo.configuration import Configuration, configuration
from records.mongo.errors import StoreError
from records.mongo.indexes import faulty_indexes
from records.mongo.lease import leads_until
from records.mongo.lifecycle import quarantined
from records.mongo.outbox import backlog
from records.mongo.overdue import failed_alone
from records.mongo.policies import gdpr_policy
from records.mongo.restored import service
from records.mongo.state import bound_settings
from records.policy import GdprPolicy
from runtime import kafka_facts
from runtime.kafka_settings import Kafka
from runtime.settings import Settings

REACH_SECONDS: Final = 4.0
ANSWER_SECONDS: Final = 5.0
KAFKA_SECONDS: Final = 8.0
"""The two of MongoDB come one after the other, Kafka's runs beside them: so all ends within 15 seconds."""


@dataclass(frozen=True)
class _Stored:
    """What the database says of the whole deployment."""

    configuration: Configuration | Unanswered
    bound: dict[str, str] | Unanswered
    policy: GdprPolicy | Unanswered


@dataclass(frozen=True)
class _Examined:
    stored: _Stored
    server: list[Finding]
    erasure: list[Finding]


async def examine(settings: Settings) -> list[Finding]:
    """Looks at everything, writes nothing, and takes at most 15 seconds. Never raises for what is away."""
    mongo, kafka = await asyncio.gather(_examine_mongo(settings), _ask_kafka(settings.kafka))
    stored, policy = mongo.stored, mongo.stored.policy
    day = timedelta(seconds=settings.retention.day_seconds)
    cleanup = None if isinstance(policy, Unanswered) else policy.retention_time * day
    enabled = isinstance(stored.configuration, Configuration) and stored.configuration.enabled
    return [
        judge_enabled(stored.configuration, on_first_start=settings.enabled_on_first_start),
        *judge_settings(settings, stored.bound),
        *mongo.server,
        *judge_kafka(kafka, settings, cleanup, enabled=enabled),
        *mongo.erasure,
    ]


def settings_refused(reason: str) -> list[Finding]:
    """All that can be said when the settings themselves are refused."""
    return [
        judge_enabled(Unanswered("the settings are refused"), on_first_start=None),
        problem(Check.SETTINGS, reason, "Correct that, and ask again: nothing else could be looked at."),
    ]


async def _ask_kafka(kafka: Kafka) -> KafkaAnswers:
    names = (kafka.order_topic, kafka.audit_topic, kafka.checkpoint_topic)
    topics, configs, group = await asyncio.gather(
        asked(kafka_facts.topics(kafka), KAFKA_SECONDS),
        asked(kafka_facts.topic_configs(kafka, names), KAFKA_SECONDS),
        asked(kafka_facts.group_facts(kafka), KAFKA_SECONDS),
    )
    return KafkaAnswers(topics, configs, group)


async def _examine_mongo(settings: Settings) -> _Examined:
    """Through PyMongo, whatever driver is set: Motor would wait for a server in a thread with no end."""
    mongo = settings.mongo
    try:
        async with open_database(mongo.uri.get_secret_value(), mongo.database) as database:
            facts = await asked(diagnosis.server_facts(database), REACH_SECONDS)
            if isinstance(facts, Unanswered):
                return _away(judge_away(facts, diagnosis.servers(database)))
            stored, server, erasure = await asyncio.gather(
                _ask_stored(database),
                _examine_server(database, facts, search=settings.search.indexes),
                _examine_erasure(database, facts, timedelta(seconds=settings.worker.sweep_interval_seconds)),
            )
            return _Examined(stored, server, erasure)
    except StoreError as error:  # an address that nobody can follow
        return _away(judge_away(Unanswered(str(error), refused=True), {}))


def _away(finding: Finding) -> _Examined:
    unknown = Unanswered("MongoDB does not answer")
    return _Examined(_Stored(unknown, unknown, unknown), [finding], [])


async def _ask_stored(database: Database) -> _Stored:
    return _Stored(
        *await asyncio.gather(
            asked(configuration(database), ANSWER_SECONDS),
            asked(bound_settings(database), ANSWER_SECONDS),
            asked(gdpr_policy(database), ANSWER_SECONDS),
        )
    )


async def _examine_server(database: Database, facts: diagnosis.ServerFacts, *, search: bool) -> list[Finding]:
    parameters, profiler, indexes = await asyncio.gather(
        asked(diagnosis.server_parameters(database), ANSWER_SECONDS),
        asked(diagnosis.profiler(database), ANSWER_SECONDS),
        asked(faulty_indexes(database, search=search), ANSWER_SECONDS),
    )
    return [
        judge_server(facts),
        judge_transactions(parameters),
        judge_clocks(facts),
        *judge_log(parameters, profiler),
        *judge_indexes(indexes, search=search),
    ]


async def _examine_erasure(
    database: Database, facts: diagnosis.ServerFacts, interval: timedelta
) -> list[Finding]:
    now = facts.time
    restored = asyncio.create_task(asked(service(database), ANSWER_SECONDS))
    lease, swept, overdue, failed, waiting, entries = await asyncio.gather(
        asked(leads_until(database), ANSWER_SECONDS),
        asked(diagnosis.last_sweep(database), ANSWER_SECONDS),
        asked(diagnosis.all_overdue(database, now), ANSWER_SECONDS),
        asked(failed_alone(database), ANSWER_SECONDS),
        asked(backlog(database), ANSWER_SECONDS),
        asked(quarantined(database), ANSWER_SECONDS),
    )
    return [
        judge_restore(await restored),
        judge_worker(lease, swept, interval, now),
        *judge_overdue(overdue, failed, now),
        judge_outbox(waiting, now),
        judge_quarantine(entries),
    ]
