"""The demo from its first server to its last claim."""

import asyncio
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

from rich.console import Console

from local.demo.api import Api
from local.demo.api_claims import check_api
from local.demo.children import Child, child, end_together
from local.demo.claims import Claim, check
from local.demo.environment import api_port, demo_environment
from local.demo.figures import Example, Figures, look, watch_example
from local.demo.options import POLICY, DemoOptions
from local.demo.parts import Parts
from local.demo.servers import Say, servers
from local.demo.stream import Sent, order_stream
from local.demo.trail import Trail, collected_trail
from local.demo.trail_claims import check_signed
from local.demo.view import View, show_claims
from local.demo.waiting import Interrupted, Patience, unless
from records.mongo.client import Database, open_database
from records.mongo.errors import StoreError
from records.mongo.policies import first_policy
from runtime.errors import UserError
from runtime.settings import Settings, load_settings

HELD, NOT_HELD, INTERRUPTED = 0, 1, 130
_VERBS: Final = ("work", "consume", "serve")
_LOOK_SECONDS: Final = 1.0
_DRAIN_SECONDS: Final = 10.0
# Together with what the servers take they stay under the 10 s that a Ctrl-C may take.
_CHECK_AFTER_STOP_SECONDS: Final = 4.0
_CHILD_SECONDS: Final = 2.0


async def run_demo(options: DemoOptions, console: Console, environ: Mapping[str, str]) -> int:
    """Runs the demo and returns its exit code: 0 if its claims held, 1 if not, 130 if nothing was checked.

    SIGINT and SIGTERM end it within 10 s. Raises UserError when a part cannot be started, or ends.
    """
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    say = partial(console.print, soft_wrap=True, highlight=False)
    try:
        demo, claims = await _lived(options, console, environ, say, stopping)
    except Interrupted:
        say("Interrupted: nothing was checked.")
        return INTERRUPTED
    show_claims(console, demo.figures, claims)
    return HELD if all(claim.held for claim in claims) else NOT_HELD


class _Demo:
    """What runs, and what is known of it."""

    def __init__(
        self, settings: Settings, database: Database, children: dict[str, Child], api: Api, trail: Trail
    ) -> None:
        self.settings = settings
        self.database = database
        self.consume = children["consume"]
        self.api = api
        self.trail = trail
        self.sent = Sent()
        self.example = Example()
        self.figures: Figures | None = None
        self._parts = Parts(list(children.values()), settings.kafka.servers)

    async def look(self) -> Figures:
        """Raises UserError when a part is gone."""
        self.figures = await look(self.database, self.consume, self.sent, self.trail)
        await self._parts.require(self.sent, self.trail, mongo_answers=self.figures.mongo_answers)
        return self.figures


async def _lived(
    options: DemoOptions, console: Console, environ: Mapping[str, str], say: Say, stopping: asyncio.Event
) -> tuple[_Demo, list[Claim]]:
    async with AsyncExitStack() as stack:
        folder = _folder(options, stack)
        # Before the folder goes: a thread of a start that was broken off may still write there.
        stack.push_async_callback(asyncio.get_running_loop().shutdown_default_executor)
        demo = await unless(stopping, stack.enter_async_context(_started(options, environ, folder, say)))
        say(f"API: {demo.api.address}/docs describes it. For example:\n  {demo.api.call}")
        say(f"Logs and data: {folder}{'' if options.keep else ' (removed at the end)'}")
        async with order_stream(demo.settings, options.seed, options.orders, options.rate) as demo.sent:
            with suppress(Interrupted):
                await unless(stopping, _watch(demo, options, console))
        if stopping.is_set() and not demo.sent.ids:
            raise Interrupted
        claims = await unless(stopping, _settle(demo, Patience(stopping)), _CHECK_AFTER_STOP_SECONDS)
    return demo, claims


def _folder(options: DemoOptions, stack: AsyncExitStack) -> Path:
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
        if any(options.keep.iterdir()):
            raise UserError(f"--keep {options.keep} is not empty: name a new folder, the demo begins anew")
        return options.keep.resolve()
    return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="order-records-")))


@asynccontextmanager
async def _started(
    options: DemoOptions, environ: Mapping[str, str], folder: Path, say: Say
) -> AsyncIterator[_Demo]:
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        wanted = demo_environment(environ)
        load_settings(wanted)  # a wrong variable is told before anything is started
        variables = {**wanted, **await enter(servers(wanted, options, folder, say)), **api_port(wanted)}
        settings = load_settings(variables)
        mongo = settings.mongo
        database = await enter(open_database(mongo.uri.get_secret_value(), mongo.database, mongo.driver))
        await first_policy(database, POLICY)
        children = {verb: await enter(child(verb, variables, folder, _CHILD_SECONDS)) for verb in _VERBS}
        for process in children.values():
            await process.ready()
        trail = await enter(collected_trail(settings))
        stack.push_async_callback(end_together, list(children.values()), _CHILD_SECONDS)
        yield _Demo(settings, database, children, Api.of(settings, folder), trail)


async def _watch(demo: _Demo, options: DemoOptions, console: Console) -> None:
    start = time.monotonic()
    with View(console, demo.api) as view:
        while True:  # ends by its time, by the last order's end, or by being cancelled
            elapsed = time.monotonic() - start
            figures = await demo.look()
            if figures.mongo_answers:
                demo.example = await _example(demo)
            view.show(elapsed, figures, demo.trail, demo.example)
            if _over(options, elapsed, figures):
                return
            await asyncio.sleep(_LOOK_SECONDS)


def _over(options: DemoOptions, elapsed: float, figures: Figures) -> bool:
    """After the time; without one, when all of a bounded number of orders have lived their lives."""
    if options.seconds is not None:
        return elapsed >= options.seconds
    done = figures.stored > 0 and figures.held == 0 and figures.deleted >= figures.stored
    return options.orders is not None and figures.sent >= options.orders and done


async def _example(demo: _Demo) -> Example:
    try:
        return await watch_example(demo.database, demo.sent.example, demo.example)
    except StoreError:
        return demo.example


async def _settle(demo: _Demo, patience: Patience) -> list[Claim]:
    """Waits until what was sent has arrived, then checks."""

    async def all_arrived() -> bool:
        figures = await demo.look()
        return figures.stored + figures.unchanged + figures.quarantined >= demo.sent.events

    await patience.until(all_arrived, _DRAIN_SECONDS)
    claims = await check(demo.database, demo.sent, await demo.look(), demo.trail, patience)
    claims += await check_signed(demo.settings, demo.trail, patience)
    return [*claims, await check_api(demo.database, demo.api, demo.sent.personal)]
