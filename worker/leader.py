"""One worker leads, the others stand by: the lease decides, by MongoDB's clock."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

import structlog

from records.mongo.errors import StoreError
from records.mongo.lease import Lease, SequenceLost
from runtime import metrics
from runtime.errors import UserError
from runtime.process import sleep_unless

log = structlog.get_logger(__name__)

Duty = Callable[[asyncio.Event], Coroutine[Any, Any, None]]

_STANDBY_SECONDS: Final = 1.0
_STEP_DOWN_SECONDS: Final = 4.0
_RELEASE_SECONDS: Final = 2.0


async def lead_or_stand_by(
    lease: Lease, lease_seconds: float, duties: list[Duty], stopping: asyncio.Event
) -> None:
    """Does the duties whenever this worker leads, until `stopping`; then lets another one lead at once.

    Each duty runs until the event it is given is set. An exception of a duty ends the process: its
    supervisor starts a new one, and a standby takes over meanwhile. Raises UserError when the sequence
    number of sweeps went back.
    """
    try:
        await _take_turns(lease, lease_seconds, duties, stopping)
    except SequenceLost as lost:
        raise UserError(str(lost)) from None


async def _take_turns(
    lease: Lease, lease_seconds: float, duties: list[Duty], stopping: asyncio.Event
) -> None:
    while not stopping.is_set():
        if await _unless(stopping, _acquired(lease)):
            log.info("leading")
            metrics.LEADER.set(1)
            try:
                await _lead(lease, lease_seconds, duties, stopping)
            finally:
                metrics.LEADER.set(0)
                log.info("standing by")
        await sleep_unless(stopping, _STANDBY_SECONDS)


async def _lead(lease: Lease, lease_seconds: float, duties: list[Duty], stopping: asyncio.Event) -> None:
    stepping_down = asyncio.Event()
    tasks = [asyncio.create_task(duty(stepping_down)) for duty in duties]
    ends = [asyncio.create_task(_keep(lease, lease_seconds / 3)), asyncio.create_task(stopping.wait())]
    try:
        await asyncio.wait([*tasks, *ends], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stepping_down.set()
        for task in ends:
            task.cancel()
        _, late = await asyncio.wait(tasks, timeout=_STEP_DOWN_SECONDS)
        for task in late:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, *ends, return_exceptions=True)
        await _release(lease)
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome


async def _keep(lease: Lease, every_seconds: float) -> None:
    """Renews until another worker leads, independently of how sweeps go."""
    while True:  # ends by being cancelled, or here
        await asyncio.sleep(every_seconds)
        if not await _acquired(lease, unless_known=True):
            log.warning("the lease was lost")
            return


async def _unless(stopping: asyncio.Event, call: Coroutine[Any, Any, bool]) -> bool:
    """The call's answer; False, and the call cancelled, when the process is to stop first."""
    calling, stopped = asyncio.create_task(call), asyncio.create_task(stopping.wait())
    await asyncio.wait([calling, stopped], return_when=asyncio.FIRST_COMPLETED)
    for task in (calling, stopped):
        task.cancel()
    (answer,) = await asyncio.gather(calling, return_exceptions=True)
    if isinstance(answer, Exception):
        raise answer
    return answer is True and not stopping.is_set()


async def _acquired(lease: Lease, *, unless_known: bool = False) -> bool:
    """Whether this worker leads; the answer when MongoDB does not tell is the caller's."""
    try:
        return await lease.acquire()
    except StoreError as error:
        log.warning("the lease cannot be read", error=str(error))
        return unless_known


async def _release(lease: Lease) -> None:
    try:
        async with asyncio.timeout(_RELEASE_SECONDS):
            await lease.release()
    except (StoreError, TimeoutError) as error:
        log.warning("the lease runs out by itself", error=type(error).__name__)
