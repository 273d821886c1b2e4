"""What today's key says of events that a retired key has signed: the root it must have been.

Whoever has got hold of a retired key can make a whole export by it. But a root that today's key has signed
later allows no other events before it, and so only one root for each smaller size.
"""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from typing import Final

from audit.checkpoints import Checkpoint
from audit.findings import Findings
from audit.keys import VerifierKey
from audit.merkle import CompactRange, leaf_hashes
from cli.audit_reading import Shown, Wanted, planned
from cli.audit_source import Source, Topics
from runtime.errors import UserError
from runtime.kafka_settings import Kafka
from runtime.process import told
from runtime.topics import KAFKA_AWAY, topic_partitions

_ANSWER_SECONDS: Final = 20.0
_AWAY: Final = "Kafka does not say whether the audit trail is there, try again: {error}"


async def vouched(
    source: Source, keys: Sequence[VerifierKey], seen: Checkpoint | None, size: int, shown: Shown
) -> Checkpoint | None:
    """The first `size` events as they must be by today's key; None where it does not speak for so many here.

    `seen` is what is known of this source itself, if today's key has not signed it either. Its events are
    read up to the next size that counts, and have to have the root of that. Raises UserError.
    """
    plan = await planned(source, keys, Wanted(since=seen), Findings(), shown)
    start, place = plan.book.start(), plan.book.vouched_from(size)
    if start is None or start.tree.size > size or place is None:
        return None
    tree, stop = start.tree.copy(), plan.book.sizes[place]
    if not await _grow(source, tree, size, shown):
        return None
    found = Checkpoint.of(keys[0].name, tree)
    signed = await _grow(source, tree, stop, shown) and tree.root() == plan.book.root(place)
    return found if signed else None


async def live_trail(kafka: Kafka) -> Source | None:
    """The trail on its topics, if both are there. Raises UserError."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            for topic in (kafka.audit_topic, kafka.checkpoint_topic):
                if not await topic_partitions(kafka, topic):
                    return None
    except KAFKA_AWAY as error:
        raise UserError(_AWAY.format(error=told(error))) from None
    return Topics(kafka)


async def _grow(source: Source, tree: CompactRange, size: int, shown: Shown) -> bool:
    """Appends the events up to a size; False where there are not so many. A root tells which they are."""
    if tree.size == size:
        return True

    def progress(done: int, total: int) -> None:
        shown("events", done, total)

    async with aclosing(source.events(tree.size, size, progress)) as batches:
        async for batch in batches:
            tree.append_all(leaf_hashes(batch.values))
    return tree.size == size
