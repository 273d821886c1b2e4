"""A wait for a connection that is given up by two deadlines, one shortly after the other."""

import asyncio

from pymongo.lock import _async_cond_wait, _async_create_condition, _async_create_lock

from records.mongo.pool_waits import mend_pool_waits

PATIENCE_SECONDS = 5.0
STEPS = 5
"""Of the event loop: enough for a cancellation to get wherever it goes."""


async def test_a_wait_that_is_cancelled_twice_neither_takes_nor_keeps_a_lock_of_others() -> None:
    mend_pool_waits()
    lock = _async_create_lock()
    freed = _async_create_condition(lock)

    async def wait_for_a_connection() -> None:
        async with freed:
            await _async_cond_wait(freed, 60.0)

    waiting = asyncio.create_task(wait_for_a_connection())
    await _steps(STEPS)
    async with lock:  # so whoever is cancelled has to wait for it
        waiting.cancel()
        await _steps(STEPS)
        waiting.cancel()
        await _steps(1)
        assert lock.locked()

    await asyncio.wait([waiting], timeout=PATIENCE_SECONDS)
    assert waiting.cancelled()
    async with asyncio.timeout(PATIENCE_SECONDS), lock:
        pass


async def _steps(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)
