"""`order-records quarantine skip`: steps over a record that cannot even be fetched."""

import asyncio
from datetime import timedelta

import click

from cli.connected import act_of, connected
from cli.parameters import Word
from cli.quarantine_options import ACTOR, AS_JSON
from cli.quarantine_view import text
from records.keys import RecordKeys
from records.mongo.quarantine_skips import Range, skip, skipped_until
from records.quarantine import Position, SkipGrounds
from runtime.errors import UserError
from runtime.order_topic import order_topic_facts
from runtime.process import told
from runtime.settings import Settings, load_settings
from runtime.topics import KAFKA_AWAY
from runtime.unfetchable import unfetchable


@click.command("skip")
@click.argument("topic", type=Word())
@click.argument("partition", type=click.IntRange(min=0))
@click.argument("offset", type=click.IntRange(min=0))
@click.option(
    "--reason", required=True, type=click.Choice(list(SkipGrounds)), help="Why; announced on the audit topic."
)
@ACTOR
@AS_JSON
def skip_record(
    *, topic: str, partition: int, offset: int, reason: str, actor: str | None, as_json: bool
) -> None:
    """Step over a record that cannot be fetched and holds up its partition.

    The log line "a record cannot be fetched" names it. Nobody can read its bytes, so nothing of it is kept
    but a pointer; records that were sent in one batch with it are lost with it, and the answer says up to
    which offset. Whoever reads the partition steps over it within seconds. Stepping over is an audit event
    (quarantine.skipped). Repeating it changes nothing.

    \b
    Example:
      order-records quarantine skip order-completed 4 18273 --reason DAMAGED
    """  # noqa: D301 (click reads the \b)
    settings = load_settings()
    if topic != settings.kafka.order_topic:
        raise UserError(f"the order topic is {settings.kafka.order_topic}, not {topic}")
    until, new = asyncio.run(_skip(settings, partition, offset, SkipGrounds(reason), actor))
    if as_json:
        facts = {"topic": topic, "partition": partition, "offset": offset}
        click.echo(text({**facts, "untilOffset": until, "result": "skipped" if new else "already skipped"}))
        return
    click.echo(
        f"{topic}/{partition}: offsets {offset} to {until - 1} {'are' if new else 'were already'}"
        f" stepped over; reading goes on at {until}"
    )


async def _skip(
    settings: Settings, partition: int, offset: int, grounds: SkipGrounds, actor: str | None
) -> tuple[int, bool]:
    keys = RecordKeys.derive(settings.secrets.require("id_key"))
    topic, ledger_time = settings.kafka.order_topic, timedelta(days=settings.retention.ledger_days)
    async with connected(settings, settings.bound(keys.fingerprint)) as database:
        try:
            facts = await order_topic_facts(settings.kafka, None)
            if known := await skipped_until(database, topic, partition, offset, facts.topic_id):
                return known, False
            found = await unfetchable(settings.kafka, facts, partition, offset)
        except KAFKA_AWAY as error:
            raise UserError(f"Kafka does not say what is there: {told(error)}") from None
        act = await act_of(settings, database, keys, actor)
        position = Position(topic, partition, offset, found.timestamp)
        new = await skip(database, Range(position, found.until, found.topic_id), grounds, act, ledger_time)
    return found.until, new
