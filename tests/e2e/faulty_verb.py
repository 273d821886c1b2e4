"""A verb that fails on request at a named step; all else is the verb itself, as it is in production.

    python -m tests.e2e.faulty_verb consume stored@2=kill quarantining=raise:1 fetched=hang:2

`@N` means at the N-th time (the first one without it). A word like --session_timeout_ms=6000 is an option of
its Kafka consumer. It also shows how many asyncio tasks there are.
"""

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from prometheus_client import Gauge

import cli.processes
import service.consumer
import service.ingest
from cli.main import main
from records.mongo.errors import StoreUnavailable
from runtime.metrics import REGISTRY
from service.safe_consumer import SafeConsumer

TASKS: Final = "tests_asyncio_tasks"
STEPS: Final = ("fetched", "parsing", "stored", "quarantining", "durable", "committing", "revoked")
"""Before anything is done with a batch; at each tenth event that is parsed; when records are stored; before
the quarantine is written; when all is durable; while offsets are being committed; when a rebalance takes
partitions away."""
_EVENTS_PARSED: Final = 10
_COMMIT_SENT_SECONDS: Final = 0.002


@dataclass(frozen=True)
class Fault:
    """What happens at a step from its `first` time on: `kill` ends the process, `hang` takes `number`
    seconds, `raise` fails `number` times, as if MongoDB were away.
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
        assert step in STEPS, step
        assert deed in {"kill", "hang", "raise"}, deed
        return cls(step, int(first or 1), deed, float(number or 1))

    def due(self, time: int) -> bool:
        return self.first <= time < self.first + (self.number if self.deed == "raise" else 1)


class Faults:
    """Counts how often each step was reached, and does what is asked for there."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._faults = faults
        self._times = Counter[str]()

    def _reached(self, step: str) -> list[Fault]:
        self._times[step] += 1
        due = [each for each in self._faults if each.step == step and each.due(self._times[step])]
        if any(each.deed == "kill" for each in due):
            os.kill(os.getpid(), signal.SIGKILL)
        return due

    async def reach(self, step: str) -> None:
        for fault in self._reached(step):
            if fault.deed == "hang":
                await asyncio.sleep(fault.number)
            elif fault.deed == "raise":
                raise StoreUnavailable("asked for by a test")

    def install(self) -> None:
        """Puts itself between the steps of `consume`."""
        ingest: Any = service.ingest
        consumer = service.consumer
        take, decode = ingest.Ingest.take, ingest.decode
        _replace(ingest.Ingest, "take", self._around(take, "fetched", "durable"))
        _replace(ingest, "store", self._around(ingest.store, None, "stored"))
        _replace(ingest, "quarantine", self._around(ingest.quarantine, "quarantining", None))
        revoked = consumer._Membership.on_partitions_revoked
        _replace(consumer._Membership, "on_partitions_revoked", self._when_revoked(revoked))
        _replace(SafeConsumer, "commit", self._within_commit(SafeConsumer.commit))

        def decode_counted(*arguments: Any) -> Any:
            if (self._times["event"] + 1) % _EVENTS_PARSED == 0:
                self._reached("parsing")
            self._times["event"] += 1
            return decode(*arguments)

        _replace(ingest, "decode", decode_counted)

    def _around(
        self, original: Callable[..., Awaitable[Any]], before: str | None, after: str | None
    ) -> Callable[..., Coroutine[Any, Any, Any]]:
        async def wrapped(*arguments: Any, **options: Any) -> Any:
            if before:
                await self.reach(before)
            result = await original(*arguments, **options)
            if after:
                await self.reach(after)
            return result

        return wrapped

    def _when_revoked(self, original: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
        async def wrapped(itself: Any, revoked: Any) -> None:
            if revoked:
                await self.reach("revoked")
            await original(itself, revoked)

        return wrapped

    def _within_commit(self, original: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
        async def wrapped(*arguments: Any) -> Any:
            commit = asyncio.ensure_future(original(*arguments))
            await asyncio.wait([commit], timeout=_COMMIT_SENT_SECONDS)
            await self.reach("committing")
            return await commit

        return wrapped


def _replace(owner: Any, name: str, by: Any) -> None:
    assert hasattr(owner, name), f"{owner} has no {name}: this file has to follow"
    setattr(owner, name, by)


def _set_options(words: Sequence[str]) -> None:
    """Who commits by a timer does so every five seconds: too late for a short test to see it."""
    pairs = (word.removeprefix("--").split("=") for word in words)
    changed = {"auto_commit_interval_ms": 100, **{name: int(value) for name, value in pairs}}
    original = SafeConsumer.__init__

    def with_options(*arguments: Any, **options: Any) -> None:
        original(*arguments, **{**options, **changed})

    _replace(SafeConsumer, "__init__", with_options)


def _count_tasks() -> None:
    gauge = Gauge(TASKS, "asyncio tasks of the process", registry=REGISTRY)
    for name in ("run_consume", "run_work"):
        original = getattr(cli.processes, name)

        async def counted(*arguments: Any, original: Any = original) -> None:
            loop = asyncio.get_running_loop()
            gauge.set_function(lambda: len(asyncio.all_tasks(loop)))
            await original(*arguments)

        _replace(cli.processes, name, counted)


if __name__ == "__main__":
    verb, *words = sys.argv[1:]
    Faults([Fault.of(word) for word in words if not word.startswith("--")]).install()
    _set_options([word for word in words if word.startswith("--")])
    _count_tasks()
    sys.argv[1:] = [verb]
    main()
