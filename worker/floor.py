"""The floor of what the notary may sign: how much was signed before, whatever becomes of the topics.

Whoever owns both of them could cut them at an old checkpoint, and have what comes then signed by us. It is
raised before a checkpoint can be seen, from what it was known to be, so in order; and never lowered.
"""

from audit.checkpoints import Checkpoint
from audit.following import Fault, TrailFault
from records.mongo.client import Database
from records.mongo.signed import raise_signed, signed_so_far


class FloorMoved(Exception):
    """Another notary has signed since: what it has signed is to be compared first."""


class Floor:
    """Remembered for as long as the process lives."""

    def __init__(self) -> None:
        self._known: Checkpoint | None = None

    async def look(self) -> Checkpoint | None:
        """What was signed so far. Raises StoreUnavailable."""
        return self._known

    async def raise_to(self, checkpoint: Checkpoint) -> None:
        """Before it is signed; what was looked at last was compared with it, and is no larger.

        Writes nothing where it is the same. Raises FloorMoved, TrailFault, StoreUnavailable.
        """
        known = self._known
        if known is None or known.size < checkpoint.size:
            await self._store(known, checkpoint)
            self._known = checkpoint
        elif known != checkpoint:
            text = f"the {known.size} events that were signed are not what is to be signed next"
            raise TrailFault(Fault.DIFFERENT, text)

    async def _store(self, before: Checkpoint | None, checkpoint: Checkpoint) -> None:
        """Nothing more."""


class StoredFloor(Floor):
    """In the database, which is in other hands than the topics."""

    def __init__(self, database: Database, log_name: str) -> None:
        super().__init__()
        self._database, self._log_name = database, log_name

    async def look(self) -> Checkpoint | None:
        """Reads it."""
        found = await signed_so_far(self._database, self._log_name)
        self._known = None if found is None else Checkpoint(self._log_name, *found)
        return self._known

    async def _store(self, before: Checkpoint | None, checkpoint: Checkpoint) -> None:
        was = None if before is None else (before.size, before.root)
        now = (checkpoint.size, checkpoint.root)
        if not await raise_signed(self._database, self._log_name, was, now):
            raise FloorMoved
