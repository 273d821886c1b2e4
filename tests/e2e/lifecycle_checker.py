"""What must hold for the way out, whatever happened: every act once, announced in order, nobody named."""

from datetime import UTC, datetime

from records.policy import GdprPolicy
from tests.e2e.checker import (
    QUARANTINED,
    TrailFacts,
    check_lives,
    check_nobody_named,
    check_sequence,
    read_trail,
)
from tests.e2e.deployment import Deployment, until
from tests.e2e.expected import due_of, people
from tests.e2e.ingest_checker import all_read
from tests.e2e.produced import SEED, Produced


async def check_lived(
    deployment: Deployment, produced: Produced, policy: GdprPolicy, seconds: float = 60
) -> TrailFacts:
    """Every order lived its whole life within so many seconds, and a replay of the topic changes nothing.

    At least one `consume` and one `work` must be running. Returns the trail.
    """
    await all_read(deployment, produced, seconds)
    await _all_lived(deployment, produced, seconds)
    trail = read_trail(await deployment.audit_values())
    check_sequence(trail)
    # Whoever was killed or missed can keep the others from reading, or erasing, for a minute.
    due = await due_of(deployment, list(produced.ids.values()), list(produced.ids), policy)
    check_lives(trail, due, some_came_late=True)
    broken = len(produced.broken)
    assert await deployment.database.quarantine.count_documents({}) == broken
    assert trail.subjects(QUARANTINED).total() == len(trail.subjects(QUARANTINED)) == broken
    await _check_replayed(deployment, produced)
    values = await deployment.audit_values()
    assert len(read_trail(values).events) == len(trail.events), "a replay was announced"
    outputs = {"audit topic": b"\n".join(values).decode(), "logs": deployment.logs()}
    check_nobody_named(outputs, people(SEED, 300, datetime.now(UTC)))
    return trail


async def _all_lived(deployment: Deployment, produced: Produced, seconds: float) -> None:
    database, orders = deployment.database, len(produced.orders)

    async def lived() -> bool:
        gone = await database.ledger.count_documents({})
        held = await database.records.count_documents({})
        waiting = await database.outbox.count_documents({})
        return gone == orders and not held and not waiting

    await until(lived, seconds, "everything erased and announced")


async def _check_replayed(deployment: Deployment, produced: Produced) -> None:
    """Everything is read again by another group, and nothing comes back."""
    database, group = deployment.database, f"{deployment.settings.kafka.group_id}-replay"
    replaying = await deployment.start("consume", ORDER_RECORDS_KAFKA__GROUP_ID=group)
    await all_read(deployment, produced, 120, group)
    await replaying.process.end()
    assert await database.records.count_documents({}) == 0
    assert await database.ledger.count_documents({}) == len(produced.orders)
    assert await database.quarantine.count_documents({}) == len(produced.broken)
