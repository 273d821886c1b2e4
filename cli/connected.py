"""A verb's way to the database, and what every verb has to ask before it may change something."""

import getpass
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from records.clock import ClockUntrusted
from records.keys import RecordKeys
from records.mongo.client import Database, open_database
from records.mongo.clock import CheckedClock
from records.mongo.indexes import missing_indexes
from records.mongo.outbox import Stamp
from records.mongo.policies import gdpr_policy
from records.mongo.quarantine_acts import Act
from records.mongo.restored import Pulse
from records.mongo.startup import SettingsDiffer
from records.mongo.state import differing
from records.policy import DateRules
from records.policy_document import policy_digest
from runtime.environment import variable
from runtime.errors import UserError
from runtime.process import build
from runtime.settings import Settings


@asynccontextmanager
async def connected(settings: Settings, bound: dict[str, str]) -> AsyncIterator[Database]:
    """The deployment's database. `bound` are the settings that have to be its own, variable to value.

    It is only looked at: a verb that was led to the wrong database must leave nothing there. Raises
    SettingsDiffer, UserError, StoreUnavailable, StoreError.
    """
    mongo = settings.mongo
    async with open_database(mongo.uri.get_secret_value(), mongo.database, mongo.driver) as database:
        if names := await differing(database, bound):
            raise SettingsDiffer(names)
        if missing := await missing_indexes(database, search=False):
            raise UserError(
                f"database {mongo.database} lacks {', '.join(missing)}: start `order-records work`, which"
                f" builds them, or name the right database in {variable('mongo', 'database')}"
            )
        yield database


async def reading_time(database: Database) -> datetime:
    """The time by which things are shown: by neither clock past their date. Raises StoreUnavailable."""
    return await CheckedClock(database).latest()


async def trusted_now(database: Database) -> datetime:
    """The time by which dates may be judged. Raises UserError, StoreUnavailable."""
    try:
        return await CheckedClock(database).now()
    except ClockUntrusted as error:
        raise UserError(f"nothing is done until the clocks agree: {error}") from None


async def require_compared(database: Database) -> None:
    """A backup that was put back has forgotten policies, and what must not come back.

    Raises UserError, TrailAhead, StoreUnavailable.
    """
    if (await Pulse(database).look()).may_be_backup:
        raise UserError(
            "nothing is changed: the database was silent for over an hour, so it may be a backup; start "
            "`order-records work`, which compares it with the audit topic"
        )


async def act_of(settings: Settings, database: Database, keys: RecordKeys, actor: str | None) -> Act:
    """Who acts, when, and under which policy. Raises UserError, TrailAhead, StoreUnavailable."""
    await require_compared(database)
    dates = DateRules.of(**settings.retention.date_numbers())
    policy = await gdpr_policy(database)
    stamp = Stamp(build(), policy.version, policy_digest(policy, dates))
    return Act(pseudonym(keys, actor), await trusted_now(database), stamp)


def pseudonym(keys: RecordKeys, actor: str | None) -> str:
    """The actor's name on the audit topic; by default the user of this system. Raises UserError."""
    try:
        return keys.pseudonym(getpass.getuser() if actor is None else actor)
    except (KeyError, OSError, ImportError):
        raise UserError("this system has no name for its user: say who asks by --actor") from None
