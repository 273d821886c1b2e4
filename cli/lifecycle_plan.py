"""What `preview` and `recompute` both do first: look, with a database that cannot be written to."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import click

from audit.templates import timestamp
from cli.connected import reading_time
from cli.lifecycle_view import policy_facts
from records.mongo.client import Database
from records.mongo.forecast import Changes, changes, planner
from records.mongo.policies import gdpr_policy
from records.mongo.read_deadline import QueryTooSlow, reading
from records.mongo.read_only import ReadOnly
from records.policy import DateRules, GdprPolicy
from records.policy_document import plan_digest
from runtime.errors import UserError

DEADLINE: Final = click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=120.0,
    show_default=True,
    help="Count for at most so long.",
)


@dataclass(frozen=True)
class Planned:
    """A policy, what applying it would do, and by what it is confirmed."""

    policy: GdprPolicy
    now: datetime
    digest: str
    changes: Changes

    def facts(self) -> dict[str, Any]:
        """By the names that `--json` uses."""
        plan = {"policy": policy_facts(self.policy), **self.changes.facts(), "digest": self.digest}
        return {"now": timestamp(self.now), "plan": plan}


async def planned(database: Database, policy: GdprPolicy, rules: DateRules, seconds: float) -> Planned:
    """What applying this policy would do. Raises UserError, StoreUnavailable, StoreError."""
    now, reads = await reading_time(database), ReadOnly(database)
    try:
        async with reading("", seconds) as deadline:
            found = await changes(reads, planner(policy, rules, now), deadline)
    except QueryTooSlow:
        raise too_slow(seconds) from None
    return Planned(policy, now, plan_digest(policy, rules), found)


async def policy_in_force(database: Database) -> GdprPolicy:
    """The policy by which new records are dated. Raises StoreUnavailable."""
    return await gdpr_policy(ReadOnly(database))


def too_slow(seconds: float) -> UserError:
    """What is said when counting takes longer than was allowed."""
    return UserError(f"counting took longer than {seconds:g} s: allow more with --seconds")
