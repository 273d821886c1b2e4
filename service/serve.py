"""The `serve` process: the REST API, ready once the database is as it should be and a key is there."""

import asyncio
from functools import partial
from typing import Final

import structlog

from records.keys import RecordKeys
from records.mongo.client import Database, open_database
from records.mongo.clock import CheckedClock
from records.mongo.errors import StoreUnavailable
from records.mongo.policies import CachedPolicy
from records.mongo.restored import Pulse
from records.mongo.startup import require_indexes, start_up
from records.policy import DateRules
from runtime.garbage import collect_rarely
from runtime.health import Health
from runtime.process import beside, build, sleep_unless, until_answered
from runtime.settings import Settings
from service.api.app import create_app
from service.api.auth import Authenticator
from service.api.auth_settings import check_auth_settings
from service.api.clock import WatchedClock
from service.api.context import ApiContext
from service.api.door import Door
from service.api.held import HeldWrites
from service.api.keys import KeySource, open_keys
from service.api.server import serve_app, shell
from service.figures import watch

log = structlog.get_logger(__name__)

_LOOK_SECONDS: Final = 1.0


async def serve(settings: Settings, health: Health, stopping: asyncio.Event) -> None:
    """Runs until `stopping`. Raises UserError, SettingsDiffer, TrailAhead or WentBack when it may not.

    The port is open from the start: while MongoDB is away, a client hears when to come back.
    """
    settings.require_secrets("id_key")
    check_auth_settings(settings.auth)
    health.ready("start", "checking")
    health.ready("port", "not open yet")
    mongo, door = settings.mongo, Door()
    async with (
        open_database(mongo.uri.get_secret_value(), mongo.database, mongo.driver) as database,
        open_keys(settings.auth) as token_keys,
        beside(_work(settings, database, token_keys, door, health, stopping), stopping),
    ):
        await serve_app(
            door, settings.api.host, settings.api.port, stopping, listening=partial(_listening, health)
        )


async def _work(
    settings: Settings,
    database: Database,
    token_keys: KeySource,
    door: Door,
    health: Health,
    stopping: asyncio.Event,
) -> None:
    """Opens the door once the database is as it should be, then keeps watch until `stopping`."""
    keys = RecordKeys.derive(settings.secrets.require("id_key"))
    await _start_up(settings, database, keys, stopping)
    service = await until_answered((pulse := Pulse(database)).look, StoreUnavailable, stopping, "MongoDB")
    if service is None:
        return
    api, held = _context(settings, database, keys, token_keys), HeldWrites(pulse, service)
    app = shell(held.guard(create_app(api)), admits=api.admits)
    collect_rarely()
    door.open(app)
    health.ready("start", True)
    await asyncio.gather(
        _watch_keys(token_keys, health, stopping), watch(database, api.clock, stopping), held.watch(stopping)
    )


def _listening(health: Health, port: int) -> None:
    health.ready("port", True)
    log.info("listening", port=port)


async def _start_up(
    settings: Settings, database: Database, keys: RecordKeys, stopping: asyncio.Event
) -> None:
    async def checked() -> None:
        await start_up(database, settings.bound(keys.fingerprint), enabled=settings.enabled_on_first_start)
        await require_indexes(database, search=settings.search.indexes)

    await until_answered(checked, StoreUnavailable, stopping, "MongoDB")


def _context(settings: Settings, database: Database, keys: RecordKeys, token_keys: KeySource) -> ApiContext:
    return ApiContext(
        database=database,
        clock=WatchedClock(CheckedClock(database)),
        keys=keys,
        dates=DateRules.of(**settings.retention.date_numbers()),
        tax_mode=settings.pricing.tax_mode,
        policy=CachedPolicy(database),
        authenticator=Authenticator(settings.auth, token_keys),
        indexed=settings.search.indexes,
        build=build(),
    )


async def _watch_keys(token_keys: KeySource, health: Health, stopping: asyncio.Event) -> None:
    """Without a key nobody can be let in."""
    while not stopping.is_set():
        health.ready("keys", True if token_keys.loaded else "no key to verify tokens with yet")
        await sleep_unless(stopping, _LOOK_SECONDS)
