"""`order-records audit begin`: another trail, where the one before is lost or is not signed any more."""

import asyncio
from typing import Any, Final

import click

from audit.comparison import EndReader, TrailEnd, Verdict, compare
from cli.connected import connected, pseudonym, trusted_now
from cli.leading import leading
from cli.quarantine_options import ACTOR, AS_JSON
from cli.quarantine_view import print_facts, text
from records.keys import RecordKeys
from records.mongo.begun import (
    BeginGrounds,
    Beginning,
    Begun,
    TrailMoved,
    TrailUsed,
    Variables,
    begin_trail,
    was_begun,
)
from records.mongo.client import Database
from records.mongo.errors import LeaseLost
from records.mongo.judgement import Stand, Trail, stand
from records.mongo.restored import Ahead, TrailAhead
from records.mongo.state import bound_settings
from records.policy import DateRules
from runtime.environment import variable
from runtime.errors import UserError
from runtime.kafka_settings import Kafka
from runtime.process import build, told
from runtime.settings import Settings, load_settings
from runtime.topics import KAFKA_AWAY, topic_partitions
from runtime.trail import BackwardReading, partition_reader

_READ_SECONDS: Final = 600.0
_VARIABLES: Final = Variables(variable("audit", "log_name"), variable("kafka", "audit_topic"))


@click.command()
@click.option(
    "--reason",
    "grounds",
    type=click.Choice(list(BeginGrounds)),
    required=True,
    help="Why the trail before cannot go on: the fault for which it is not signed any more; LOST, where its "
    "topic is gone for good or has nothing of this database; NEW_DATABASE, where it is another database's.",
)
@ACTOR
@AS_JSON
def begin(*, grounds: str, actor: str | None, as_json: bool) -> None:
    """Begin another audit trail, where the one before is lost or is not signed any more.

    Run it with the settings of the new trail: another ORDER_RECORDS_AUDIT__LOG_NAME, and for
    ORDER_RECORDS_KAFKA__AUDIT_TOPIC and __CHECKPOINT_TOPIC other topics, on which there is nothing yet.
    A log name or an audit topic that any trail of this database had before is refused.
    `work` must not run; start all processes with these settings afterwards. Numbers of erasures go on
    after the last one that was sent, and what waits to be sent goes to the new trail. Its first event
    (trail.begun) says so, names the trail before and why it ended, with a pseudonym of whoever asks. The
    database is compared with the trail before first: one that was put back from a backup is refused.
    Where the trail of the settings was begun already, nothing is changed.

    \b
    Example:
      order-records audit begin --reason GAP --actor on-call
    """  # noqa: D301 (click reads the \b)
    settings = load_settings()
    facts = asyncio.run(begun_anew(settings, BeginGrounds(grounds), actor))
    if as_json:
        click.echo(text(facts))
    else:
        print_facts(facts)
        click.echo("note  start all processes with these settings now")


async def begun_anew(settings: Settings, grounds: BeginGrounds, actor: str | None) -> dict[str, Any]:
    """Begins it, and says what that came to. Raises UserError, TrailAhead, SettingsDiffer, StoreError."""
    keys, trail = RecordKeys.derive(settings.secrets.require("id_key")), settings.bound_trail()
    others = {name: it for name, it in settings.bound(keys.fingerprint).items() if name not in trail}
    async with connected(settings, others) as database:
        name, _ = pseudonym(keys, actor), await trusted_now(database)
        try:
            before = await _before(settings, database)
            if before is None:
                return _facts(settings, None)
            async with leading(settings, database) as lease:
                await _require_empty(settings.kafka)
                await _compare(settings.kafka, database, before, grounds)
                rules = DateRules.of(**settings.retention.date_numbers())
                wanted = Beginning(before, _trail(settings), grounds, name, build(), rules)
                return _facts(settings, await begin_trail(database, lease, _VARIABLES, wanted))
        except KAFKA_AWAY as error:
            raise UserError(f"Kafka does not give what is needed, try again: {told(error)}") from None
        except (TrailMoved, TrailUsed) as error:
            raise UserError(str(error)) from None
        except LeaseLost:
            raise UserError("a worker leads meanwhile: stop `work`, and run this again") from None


def _trail(settings: Settings) -> Trail:
    return Trail(settings.kafka.audit_topic, settings.audit.log_name)


async def _before(settings: Settings, database: Database) -> Trail | None:
    """The trail that is bound; None where it is that of the settings, and was begun. Raises UserError."""
    bound, wanted = await bound_settings(database), settings.bound_trail()
    if not wanted.keys() <= bound.keys():
        raise UserError("this database has no audit trail yet: start `order-records work`, which begins one")
    same = [name for name, value in wanted.items() if bound[name] == value]
    if len(same) == len(wanted) and await was_begun(database):
        return None
    if same:
        raise UserError(
            f"{', '.join(same)}: another trail has a new log name and a new topic; set another one"
        )
    return Trail(bound[_VARIABLES.topic], bound[_VARIABLES.log_name])


async def _require_empty(kafka: Kafka) -> None:
    """Raises UserError: on a topic that was used before, offsets and names would not be the new trail's."""
    for topic in (kafka.audit_topic, kafka.checkpoint_topic):
        if await topic_partitions(kafka, topic):
            async with partition_reader(kafka, topic) as (_, _, end):
                if end:
                    raise UserError(f"topic {topic} has records already: another trail has new topics")


async def _compare(kafka: Kafka, database: Database, before: Trail, grounds: BeginGrounds) -> None:
    """Whether the reason fits what is there. Raises TrailAhead for a backup, UserError, and KAFKA_AWAY."""
    reader = EndReader(before.log_name)
    there = kafka.model_copy(update={"audit_topic": before.topic})
    await BackwardReading(there, reader.take, lambda: reader.found).go_on(_READ_SECONDS)
    end = reader.end()
    found = await stand(database, end.n)
    verdict = compare(end, found)
    if verdict is Verdict.AHEAD:
        told_by = (end.n, end.policy_version, found.n, found.policy_version)
        raise TrailAhead(Ahead(verdict, before.topic, *told_by))
    if unfit := why_unfit(grounds, verdict, end, found):
        raise UserError(unfit.format(topic=before.topic))


def why_unfit(grounds: BeginGrounds, verdict: Verdict, end: TrailEnd, found: Stand) -> str | None:
    """None where the reason can be the true one, as far as the database and the trail before tell."""
    if grounds is BeginGrounds.NEW_DATABASE:
        return _NOT_NEW if found.sent else None
    if verdict is Verdict.FRESH_DATABASE:
        return _NEW
    return _NOT_LOST if grounds is BeginGrounds.LOST and end.told else None


_NOT_NEW: Final = "erasures of this database were announced, so it is not new"
_NEW: Final = "audit topic {topic} is another database's: the reason is NEW_DATABASE"
_NOT_LOST: Final = "audit topic {topic} is there and tells of this database: it is not lost"


def _facts(settings: Settings, begun: Begun | None) -> dict[str, Any]:
    """By the names that `--json` uses."""
    facts: dict[str, Any] = {
        "changed": begun is not None,
        "logName": settings.audit.log_name,
        "topic": settings.kafka.audit_topic,
    }
    if begun is None:
        return facts
    signed = begun.before.signed
    return facts | {
        "lastN": begun.last_n,
        "logNameBefore": begun.before.trail.log_name,
        "topicBefore": begun.before.trail.topic,
        "signedBefore": None if signed is None else signed[0],
    }
