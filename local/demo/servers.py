"""MongoDB and Kafka for the demo: an address in the settings, else real ones of its own."""

import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from local.servers.in_process_kafka import InProcessKafka
from local.servers.kafka import KafkaKind, choose_kafka
from local.servers.mongod import Mongod
from runtime.environment import variable
from runtime.settings import Kafka

Say = Callable[[str], None]

_URI = variable("mongo", "uri")
_DATABASE = variable("mongo", "database")
_SERVERS = variable("kafka", "bootstrap_servers")
_NAMES = (variable("kafka", "order_topic"), variable("kafka", "audit_topic"))
_OTHER_NAMES = (variable("kafka", "checkpoint_topic"), variable("kafka", "group_id"))


@asynccontextmanager
async def servers(
    environ: Mapping[str, str], kafka: KafkaKind, folder: Path, say: Say
) -> AsyncIterator[dict[str, str]]:
    """The variables that lead to both servers; what was started is said, and ended with the block.

    On servers that somebody else runs, database, topics and group get names of their own: the demo's
    short days must never meet real records.
    """
    async with AsyncExitStack() as stack:
        found = {
            **await _mongo(environ, folder, stack, say),
            **await _kafka(environ, kafka, folder, stack, say),
        }
        yield found


async def _mongo(environ: Mapping[str, str], folder: Path, stack: AsyncExitStack, say: Say) -> dict[str, str]:
    if _URI in environ:
        database = f"order_records_demo_{secrets.token_hex(4)}"
        say(f"MongoDB: the address in {_URI}, database {database}")
        return {_URI: environ[_URI], _DATABASE: database}
    mongod = await Mongod.start(folder / "mongod")
    stack.push_async_callback(mongod.stop)
    say(mongod.source)
    return {_URI: mongod.uri, _DATABASE: "order_records"}


async def _kafka(
    environ: Mapping[str, str], kind: KafkaKind, folder: Path, stack: AsyncExitStack, say: Say
) -> dict[str, str]:
    if _SERVERS in environ:
        suffix = f"demo-{secrets.token_hex(4)}"
        say(f"Kafka: the address in {_SERVERS}, topics and group ending in {suffix}")
        named = {name: f"{name.rsplit('__', 1)[1].lower()}-{suffix}" for name in (*_NAMES, *_OTHER_NAMES)}
        return {_SERVERS: environ[_SERVERS], **named}
    broker = await choose_kafka(kind, folder / "kafka")
    stack.push_async_callback(broker.stop)
    say(broker.source)
    if isinstance(broker, InProcessKafka):
        kafka = Kafka()
        await broker.touch([kafka.order_topic, kafka.audit_topic, kafka.checkpoint_topic])
    return {_SERVERS: broker.bootstrap}
