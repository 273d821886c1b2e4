"""The demo from its first server to its last claim."""

import asyncio
import base64
import os
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from local.demo.children import Child, child
from local.demo.claims import Claim, check
from local.demo.figures import Example, Figures, look, watch_example
from local.demo.options import DAY_SECONDS, POLICY, DemoOptions
from local.demo.servers import servers
from local.demo.stream import Sent, order_stream
from local.demo.trail import Trail, collected_trail
from local.demo.view import View
from records.mongo.client import Database, open_database
from records.mongo.errors import StoreError
from records.mongo.policies import first_policy
from runtime.environment import variable
from runtime.errors import UserError
from runtime.process import sleep_unless
from runtime.settings import Settings, load_settings

_LOOK_SECONDS: Final = 1.0
_DRAIN_SECONDS: Final = 10.0
_HURRIED_SECONDS: Final = 3.0


async def run_demo(options: DemoOptions, console: Console, environ: Mapping[str, str]) -> bool:
    """Runs the demo and says whether its claims held. Raises UserError when a part cannot be started."""
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    say = partial(console.print, soft_wrap=True, highlight=False)
    async with AsyncExitStack() as stack:
        folder = _folder(options, stack)
        found = await stack.enter_async_context(servers(environ, options.kafka, folder, say))
        child_environ = {**environ, **found, **_demo_settings()}
        settings = load_settings(child_environ)
        demo = await stack.enter_async_context(_started(settings, child_environ, folder))
        say(f"Logs and data: {folder}{'' if options.keep else ' (removed at the end)'}")
        await _stream(demo, settings, options, console, stopping)
        claims = await _settle(demo, hurried=stopping.is_set())
    _summary(console, demo, claims)
    return all(claim.held for claim in claims)


class _Demo:
    """What runs, and what is known of it."""

    def __init__(self, database: Database, consume: Child, trail: Trail) -> None:
        self.database = database
        self.consume = consume
        self.trail = trail
        self.sent = Sent()
        self.example = Example()
        self.figures: Figures | None = None

    async def look(self) -> Figures:
        self.figures = await look(self.database, self.consume, self.sent, self.trail)
        return self.figures


def _folder(options: DemoOptions, stack: AsyncExitStack) -> Path:
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
        if any(options.keep.iterdir()):
            raise UserError(f"--keep {options.keep} is not empty: name a new folder, the demo begins anew")
        return options.keep.resolve()
    return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="order-records-")))


def _demo_settings() -> dict[str, str]:
    def key() -> str:
        return base64.b64encode(os.urandom(32)).decode()

    return {
        variable("secrets", "id_key"): key(),
        variable("secrets", "quarantine_key"): key(),
        variable("secrets", "audit_signing_key"): key(),
        variable("kafka", "create_topics"): "true",
        variable("enabled_on_first_start"): "true",
        variable("retention", "day_seconds"): str(DAY_SECONDS),
        variable("worker", "sweep_interval_seconds"): "1",
    }


@asynccontextmanager
async def _started(settings: Settings, environ: Mapping[str, str], folder: Path) -> AsyncIterator[_Demo]:
    uri = settings.mongo.uri.get_secret_value()
    async with open_database(uri, settings.mongo.database, settings.mongo.driver) as database:
        await first_policy(database, POLICY)
        async with child("work", environ, folder) as work, child("consume", environ, folder) as consume:
            await work.ready()
            await consume.ready()
            async with collected_trail(settings) as trail:
                yield _Demo(database, consume, trail)


async def _stream(
    demo: _Demo, settings: Settings, options: DemoOptions, console: Console, stopping: asyncio.Event
) -> None:
    start = time.monotonic()
    async with order_stream(settings, options.seed, options.orders, options.rate) as demo.sent:
        with View(console) as view:
            while not stopping.is_set():
                elapsed = time.monotonic() - start
                figures = await demo.look()
                demo.example = await _example(demo)
                view.show(elapsed, figures, demo.trail, demo.example)
                if _over(options, elapsed, figures):
                    return
                await sleep_unless(stopping, _LOOK_SECONDS)


def _over(options: DemoOptions, elapsed: float, figures: Figures) -> bool:
    """After the time; without one, when all of a bounded number of orders have lived their lives."""
    if options.seconds is not None:
        return elapsed >= options.seconds
    return options.orders is not None and figures.sent >= options.orders and _lived(figures)


def _lived(figures: Figures) -> bool:
    return figures.stored > 0 and figures.held == 0 and figures.deleted >= figures.stored


async def _example(demo: _Demo) -> Example:
    try:
        return await watch_example(demo.database, demo.sent.example, demo.example)
    except StoreError:
        return demo.example


async def _settle(demo: _Demo, *, hurried: bool) -> list[Claim]:
    """Waits until what was sent has arrived, then checks; after a Ctrl-C there is less patience."""
    patience = _HURRIED_SECONDS if hurried else _DRAIN_SECONDS
    deadline = time.monotonic() + patience
    figures = await demo.look()
    while figures.stored + figures.unchanged + figures.quarantined < demo.sent.events:
        if time.monotonic() > deadline:
            break
        await asyncio.sleep(0.2)
        figures = await demo.look()
    return await check(demo.database, demo.sent, figures, demo.trail, announce_seconds=patience)


def _summary(console: Console, demo: _Demo, claims: list[Claim]) -> None:
    figures = demo.figures
    if figures:
        console.print(
            f"\nSent {figures.sent} events: {figures.stored} stored, {figures.unchanged} unchanged, "
            f"{figures.quarantined} quarantined; {figures.anonymized} anonymized, {figures.deleted} deleted; "
            f"{figures.audit_events} audit events.",
            soft_wrap=True,
        )
    table = Table("claim", "held", "figures")
    for claim in claims:
        table.add_row(claim.promise, "[green]yes[/]" if claim.held else "[bold red]NO[/]", claim.figures)
    console.print(table)
