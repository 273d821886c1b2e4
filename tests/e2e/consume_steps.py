"""The steps of `consume` at which a test may have a fault."""

from collections.abc import Callable
from typing import Any, Final

import service.consumer
import service.ingest
from service.safe_consumer import SafeConsumer
from tests.e2e.faults import Faults, replace

_EVENTS_PARSED: Final = 10


def between_steps_of_consume(faults: Faults) -> None:
    """Puts the faults between the steps of this process."""
    ingest: Any = service.ingest
    membership = service.consumer._Membership
    replace(ingest.Ingest, "take", faults.around(ingest.Ingest.take, "fetched", "durable"))
    replace(ingest, "store", faults.around(ingest.store, None, "stored"))
    replace(ingest, "quarantine", faults.around(ingest.quarantine, "quarantining", None))
    replace(membership, "on_partitions_revoked", _when_revoked(faults, membership.on_partitions_revoked))
    replace(SafeConsumer, "commit", faults.within(SafeConsumer.commit, "committing"))
    replace(ingest, "decode", _counting(faults, ingest.decode))


def _when_revoked(faults: Faults, original: Callable[..., Any]) -> Callable[..., Any]:
    async def wrapped(itself: Any, revoked: Any) -> None:
        if revoked:
            await faults.reach("revoked")
        await original(itself, revoked)

    return wrapped


def _counting(faults: Faults, original: Callable[..., Any]) -> Callable[..., Any]:
    parsed = 0

    def wrapped(*arguments: Any) -> Any:
        nonlocal parsed
        parsed += 1
        if parsed % _EVENTS_PARSED == 0:
            faults.pass_by("parsing")
        return original(*arguments)

    return wrapped
