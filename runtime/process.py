"""How a process lives: signals, event loop, health port, and an end that always comes."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Final, TypeVar

import structlog
import uvloop

from runtime.health import Health
from runtime.logs import configure_logging, install_exception_handlers
from runtime.loop_guard import end_when_stuck
from runtime.settings import Process, Settings

log = structlog.get_logger(__name__)

EXIT_SECONDS: Final = 18.0
"""A stop that hangs is cut here: Kubernetes and the operator are promised 20 s."""
_LONGEST_PAUSE_SECONDS: Final = 2.0
_REMIND_SECONDS: Final = 60.0
_STOPS: Final = (signal.SIGTERM, signal.SIGINT)
_OUR_PACKAGES: Final = frozenset({"records", "audit", "runtime", "service", "worker"})

Main = Callable[[Settings, Health, asyncio.Event], Awaitable[None]]
Result = TypeVar("Result")


def build() -> str:
    """The version of this build, as audit events and logs name it."""
    return version("order-records")


def run(process: Process, settings: Settings, main: Main) -> None:
    """Runs a process until it ends by itself or by SIGTERM or SIGINT. Raises UserError from its start."""
    configure_logging(process, settings.log.level)
    uvloop.run(_run(process, settings, main))


async def _run(process: Process, settings: Settings, main: Main) -> None:
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    install_exception_handlers(loop)
    for number in _STOPS:
        loop.add_signal_handler(number, _stop, stopping)
    async with Health(settings.health.host, settings.health_port(process)) as health:
        end_when_stuck(health)
        log.info("started", build=build(), health_port=health.port)
        try:
            await main(settings, health, stopping)
        finally:
            stopping.set()  # what is left of it must end: a cancellation may have been swallowed
    log.info("ended")
    _end_undisturbed(loop)


def _end_undisturbed(loop: asyncio.AbstractEventLoop) -> None:
    """Python puts default handlers back at its own end, in place of all but those that ignore: a second
    SIGTERM would then turn a clean end into a death.
    """
    for number in _STOPS:
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)


def _stop(stopping: asyncio.Event) -> None:
    if stopping.is_set():
        return
    log.info("stopping")
    stopping.set()
    asyncio.get_running_loop().call_later(EXIT_SECONDS, os._exit, 1)


async def until_answered(
    call: Callable[[], Awaitable[Result]],
    unavailable: type[Exception] | tuple[type[Exception], ...],
    stopping: asyncio.Event,
    what: str,
) -> Result | None:
    """The call's result, once `what` answers; None when the process is to stop first.

    Says once, and then every minute, that it waits.
    """
    loop = asyncio.get_running_loop()
    pause, say_at = 0.1, loop.time()
    while not stopping.is_set():
        try:
            return await finish_unless(stopping, call())
        except unavailable as error:
            if loop.time() >= say_at:
                log.warning("waiting", until=f"{what} answers", error=told(error))
                say_at = loop.time() + _REMIND_SECONDS
        await sleep_unless(stopping, pause)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
    return None


def told(error: Exception) -> str:
    """The class of an error, and its text where the class is ours: other texts may hold data."""
    name, text = type(error).__name__, str(error)
    ours = type(error).__module__.partition(".")[0] in _OUR_PACKAGES
    return f"{name}: {text}" if ours and text else name


async def finish_unless(event: asyncio.Event, work: Awaitable[Result]) -> Result | None:
    """The result of the work; None when the event is set first: then the work is cancelled."""
    doing, waiting = asyncio.ensure_future(work), asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait({doing, waiting}, return_when=asyncio.FIRST_COMPLETED)
        return doing.result() if doing.done() else None
    finally:
        doing.cancel()
        waiting.cancel()
        await asyncio.gather(doing, waiting, return_exceptions=True)


@asynccontextmanager
async def beside(work: Coroutine[None, None, None], stopping: asyncio.Event) -> AsyncIterator[None]:
    """Runs the work beside the block; when it ends, the block is to stop, and its error is the block's."""
    task = asyncio.create_task(work)
    task.add_done_callback(lambda _: stopping.set())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait((task,))
    if not task.cancelled():
        task.result()


async def sleep_unless(event: asyncio.Event, seconds: float) -> bool:
    """Sleeps so many seconds, or until the event is set: then True."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
