"""The stop of an aiokafka consumer, which always ends, and whole: without Kafka, and in spite of it.

aiokafka's fetcher cancels its own tasks at its end and awaits them. One that sleeps after a failed request,
as it does most of the time while a broker is away, then gives a CancelledError that nobody asked for:
nothing that catches errors catches it, and the connections stay.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer

from runtime.process import told

log = structlog.get_logger(__name__)

STOP_SECONDS: Final = 5.0
"""Longer than a farewell takes of a broker that answers; a member that is gone without one times out."""
_TASKS_SECONDS: Final = 1.0
_TASKS_OF_A_GROUP: Final = (
    "_coordination_task",
    "_heartbeat_task",
    "_commit_refresh_task",
    "_reset_committed_task",
)


async def stop_whole(consumer: AIOKafkaConsumer, stop: Callable[[], Awaitable[None]]) -> None:
    """Stops by the consumer's own `stop`, and where that fails or hangs by its tasks and connections.

    Never fails; takes seven seconds at most. Only a cancellation from outside goes on.
    """
    task = asyncio.current_task()
    asked = task.cancelling() if task else 0
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await stop()
    except (Exception, asyncio.CancelledError) as error:
        if task and task.cancelling() > asked:
            raise
        if not isinstance(error, asyncio.CancelledError):
            log.warning("Kafka did not take the farewell", error=told(error))
        await _break_off(consumer)


async def _break_off(consumer: AIOKafkaConsumer) -> None:
    tasks = [task for task in _tasks(consumer) if not task.done()]
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=_TASKS_SECONDS)
    try:
        async with asyncio.timeout(_TASKS_SECONDS):
            await consumer._client.close()  # noqa: SLF001 - no public way
    except Exception as error:  # noqa: BLE001 - whatever it is, the consumer is at its end
        log.warning("a connection to Kafka was not closed", error=told(error))


def _tasks(consumer: AIOKafkaConsumer) -> Iterator[asyncio.Task[Any]]:
    fetcher, coordinator = consumer._fetcher, consumer._coordinator  # noqa: SLF001 - no public way
    if fetcher is not None:
        yield from (fetcher._fetch_task, *fetcher._pending_tasks)  # noqa: SLF001
    for name in _TASKS_OF_A_GROUP:
        if (task := getattr(coordinator, name, None)) is not None:
            yield task
