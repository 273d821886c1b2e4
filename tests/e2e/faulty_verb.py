"""A verb that fails on request at a named step; all else is the verb itself, as it is in production.

    python -m tests.e2e.faulty_verb consume stored@2=kill quarantining=raise:1 fetched=hang:2

`@N` means at the N-th time (the first one without it); the steps are in tests/e2e/faults.py. A word like
--session_timeout_ms=6000 is an option of its Kafka consumer. It also shows how many asyncio tasks there are.
"""

import asyncio
import sys
from collections.abc import Sequence
from typing import Any, Final

from prometheus_client import Gauge

import cli.processes
from cli.main import main
from runtime.metrics import REGISTRY
from service.safe_consumer import SafeConsumer
from tests.e2e.consume_steps import between_steps_of_consume
from tests.e2e.faults import Fault, Faults, replace
from tests.e2e.work_steps import between_steps_of_work

TASKS: Final = "tests_asyncio_tasks"


def _set_options(words: Sequence[str]) -> None:
    """Who commits by a timer does so every five seconds: too late for a short test to see it."""
    pairs = (word.removeprefix("--").split("=") for word in words)
    changed = {"auto_commit_interval_ms": 100, **{name: int(value) for name, value in pairs}}
    original = SafeConsumer.__init__

    def with_options(*arguments: Any, **options: Any) -> None:
        original(*arguments, **{**options, **changed})

    replace(SafeConsumer, "__init__", with_options)


def _count_tasks() -> None:
    gauge = Gauge(TASKS, "asyncio tasks of the process", registry=REGISTRY)
    for name in ("run_consume", "run_work"):
        original = getattr(cli.processes, name)

        async def counted(*arguments: Any, original: Any = original) -> None:
            loop = asyncio.get_running_loop()
            gauge.set_function(lambda: len(asyncio.all_tasks(loop)))
            await original(*arguments)

        replace(cli.processes, name, counted)


if __name__ == "__main__":
    verb, *words = sys.argv[1:]
    faults = Faults([Fault.of(word) for word in words if not word.startswith("--")])
    {"consume": between_steps_of_consume, "work": between_steps_of_work}[verb](faults)
    _set_options([word for word in words if word.startswith("--")])
    _count_tasks()
    sys.argv[1:] = [verb]
    main()
