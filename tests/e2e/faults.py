"""Faults at named steps of a process: what a test asks for, and when it is due."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from records.mongo.errors import StoreUnavailable

CONSUME_STEPS: Final = ("fetched", "parsing", "stored", "quarantining", "durable", "committing", "revoked")
"""Before anything is done with a batch; at each tenth event that is parsed; when records are stored; before
the quarantine is written; when all is durable; while offsets are being committed; when a rebalance takes
partitions away."""
WORK_STEPS: Final = ("leading", "renewing", "selected", "changed", "written", "ending", "swept")
"""When the lease was taken; before it is taken or renewed; in a sweep's transaction when ids are selected,
when they are changed, when the outbox is written; while the transaction is being committed; after it."""
RELAY_STEPS: Final = ("sending", "acknowledged", "removing")
"""Before an entry of the outbox is sent; when all its events are acknowledged; while it is being removed."""
NOTARY_STEPS: Final = ("looking", "found", "reading", "signing", "signed", "noting", "noted")
"""Before it looks for its last checkpoints, and when it has them; at each look at the audit topic; before a
checkpoint is signed; when it is signed and not yet sent; while it is sent; when it is acknowledged, and the
notary does not know it yet."""
_SENT_SECONDS: Final = 0.002
"""So long after a call began its request is on its way."""

Step = Callable[..., Coroutine[Any, Any, Any]]


@dataclass(frozen=True)
class Fault:
    """What happens at a step from its `first` time on.

    `kill` ends the process, `hang` takes `number` seconds, `block` too and nothing else runs meanwhile,
    `raise` fails `number` times, as if MongoDB were away.
    """

    step: str
    first: int
    deed: str
    number: float

    @classmethod
    def of(cls, word: str) -> Self:
        where, _, what = word.partition("=")
        step, _, first = where.partition("@")
        deed, _, number = what.partition(":")
        assert step in (*CONSUME_STEPS, *WORK_STEPS, *RELAY_STEPS, *NOTARY_STEPS), step
        assert deed in {"kill", "hang", "block", "raise"}, deed
        assert step != "parsing" or deed == "kill", "parsing is passed by: nothing else would happen there"
        return cls(step, int(first or 1), deed, float(number or 1))

    def due(self, time: int) -> bool:
        return self.first <= time < self.first + (self.number if self.deed == "raise" else 1)


class Faults:
    """Counts how often each step was reached, and does what is asked for there."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._faults = faults
        self._times = Counter[str]()

    def pass_by(self, step: str) -> list[Fault]:
        """Where nothing can wait: only a kill happens at once; the others that are due are returned."""
        self._times[step] += 1
        due = [each for each in self._faults if each.step == step and each.due(self._times[step])]
        if any(each.deed == "kill" for each in due):
            os.kill(os.getpid(), signal.SIGKILL)
        return due

    async def reach(self, step: str) -> None:
        for fault in self.pass_by(step):
            if fault.deed == "hang":
                await asyncio.sleep(fault.number)
            elif fault.deed == "block":
                time.sleep(fault.number)  # noqa: ASYNC251 - heartbeats are to stop, too
            elif fault.deed == "raise":
                raise StoreUnavailable("asked for by a test")

    def around(self, original: Callable[..., Awaitable[Any]], before: str | None, after: str | None) -> Step:
        """The call, with a step before it and one after it."""

        async def wrapped(*arguments: Any, **options: Any) -> Any:
            if before:
                await self.reach(before)
            result = await original(*arguments, **options)
            if after:
                await self.reach(after)
            return result

        return wrapped

    def within(self, original: Step, step: str) -> Step:
        """The call, with a step while it is under way."""

        async def wrapped(*arguments: Any, **options: Any) -> Any:
            call = asyncio.ensure_future(original(*arguments, **options))
            await asyncio.wait([call], timeout=_SENT_SECONDS)
            await self.reach(step)
            return await call

        return wrapped


def replace(owner: Any, name: str, by: Any) -> None:
    """Puts something in the place of a function or method of ours."""
    assert hasattr(owner, name), f"{owner} has no {name}: this file has to follow"
    setattr(owner, name, by)
