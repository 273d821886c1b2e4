"""MongoDB and Kafka for the demo: an address in the settings, else real ones of its own."""

import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

from local.demo.leftovers import drop_database, drop_topics
from local.demo.options import DemoOptions
from local.servers.in_process_kafka import InProcessKafka
from local.servers.kafka import choose_kafka
from local.servers.mongod import Mongod
from runtime.environment import variable
from runtime.kafka_settings import Kafka

Say = Callable[[str], None]

_URI: Final = variable("mongo", "uri")
_DATABASE: Final = variable("mongo", "database")
_SERVERS: Final = variable("kafka", "bootstrap_servers")
_TOPICS: Final = ("order_topic", "audit_topic", "checkpoint_topic")
_NAMES: Final = (*_TOPICS, "group_id")
_STOP_SECONDS: Final = 3.0


@asynccontextmanager
async def servers(
    environ: Mapping[str, str], options: DemoOptions, folder: Path, say: Say
) -> AsyncIterator[dict[str, str]]:
    """The variables that lead to both servers; what was started is said, and ended with the block.

    On servers that somebody else runs, database, topics and group get names of their own, since the demo's
    short days must never meet real records; database and topics are dropped with the block unless they are
    to be kept. An empty variable counts as unset, as in the settings.
    """
    async with AsyncExitStack() as stack:
        found = {
            **await _mongo(environ, options, folder, stack, say),
            **await _kafka(environ, options, folder, stack, say),
        }
        yield found


async def _mongo(
    environ: Mapping[str, str], options: DemoOptions, folder: Path, stack: AsyncExitStack, say: Say
) -> dict[str, str]:
    uri = environ.get(_URI)
    if uri:
        database = f"order_records_demo_{secrets.token_hex(4)}"
        say(f"MongoDB: the address in {_URI}, database {database} ({_fate(options)})")
        if not options.keep:
            stack.push_async_callback(drop_database, uri, database, say)
        return {_URI: uri, _DATABASE: database}
    mongod = await Mongod.start(folder / "mongod")
    # What is thrown away needs no orderly end.
    stack.push_async_callback(partial(mongod.stop, kill=not options.keep, grace_seconds=_STOP_SECONDS))
    say(mongod.source)
    return {_URI: mongod.uri, _DATABASE: "order_records"}


async def _kafka(
    environ: Mapping[str, str], options: DemoOptions, folder: Path, stack: AsyncExitStack, say: Say
) -> dict[str, str]:
    bootstrap = environ.get(_SERVERS)
    if bootstrap:
        suffix = f"demo-{secrets.token_hex(4)}"
        named = {variable("kafka", name): f"{name}-{suffix}" for name in _NAMES}
        say(f"Kafka: the address in {_SERVERS}, topics and group ending in {suffix} ({_fate(options)})")
        if not options.keep:
            stack.push_async_callback(drop_topics, {**environ, **named}, say)
        return {_SERVERS: bootstrap, **named}
    broker = await choose_kafka(options.kafka, folder / "kafka")
    say(broker.source)
    usual = Kafka()
    if isinstance(broker, InProcessKafka):
        stack.push_async_callback(broker.stop)
        await broker.touch([usual.order_topic, usual.audit_topic, usual.checkpoint_topic])
    else:
        stop = partial(broker.stop, kill=not options.keep, grace_seconds=_STOP_SECONDS)
        stack.push_async_callback(stop)
    return {_SERVERS: broker.bootstrap, **{variable("kafka", n): getattr(usual, n) for n in _NAMES}}


def _fate(options: DemoOptions) -> str:
    return "kept" if options.keep else "dropped at the end"
