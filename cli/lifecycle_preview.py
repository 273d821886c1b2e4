"""`order-records lifecycle preview`: what falls due by day, and what a changed policy would do."""

import asyncio
from dataclasses import dataclass, replace
from typing import Any, Final

import click

from cli.connected import connected
from cli.lifecycle_plan import DEADLINE, Planned, planned, policy_in_force, too_slow
from cli.lifecycle_view import (
    forecast_facts,
    policy_facts,
    policy_words,
    print_changes,
    print_forecast,
    print_heading,
)
from cli.quarantine_options import AS_JSON
from cli.quarantine_view import text
from records.mongo.client import Database
from records.mongo.forecast import Forecast, forecast
from records.mongo.read_deadline import QueryTooSlow, reading
from records.mongo.read_only import ReadOnly
from records.policy import MAX_POLICY_DAYS, DateRules, GdprPolicy
from runtime.settings import Settings, load_settings

_POLICY_DAYS: Final = click.IntRange(1, MAX_POLICY_DAYS)


@dataclass(frozen=True)
class _Wanted:
    """How far to look ahead, for how long to count, and another policy's numbers, if any."""

    days: int
    seconds: float
    retention: int | None
    deletion: int | None

    @property
    def asks_what_if(self) -> bool:
        return (self.retention, self.deletion) != (None, None)

    def policy(self, current: GdprPolicy) -> GdprPolicy:
        """The policy to plan for; a number that is not given stays as it is."""
        return current.changed_to(
            replace(
                current,
                retention_time=self.retention or current.retention_time,
                deletion_time_after_retention=self.deletion or current.deletion_time_after_retention,
            )
        )


@dataclass(frozen=True)
class _Seen:
    """What was found."""

    current: GdprPolicy
    below: int
    forecast: Forecast
    plan: Planned

    def facts(self, days: int) -> dict[str, Any]:
        """By the names that `--json` uses."""
        return {
            "policy": policy_facts(self.current),
            "belowPolicy": self.below,
            "days": days,
            **forecast_facts(self.forecast),
            **self.plan.facts(),
        }


@click.command()
@click.option("--days", type=click.IntRange(1, 366), default=30, show_default=True, help="Look so far ahead.")
@click.option("--retention-time", type=_POLICY_DAYS, help="What if clean-up came after so many days?")
@click.option("--deletion-time", type=_POLICY_DAYS, help="What if deletion came so many days after clean-up?")
@DEADLINE
@AS_JSON
def preview(
    *, days: int, retention_time: int | None, deletion_time: int | None, seconds: float, as_json: bool
) -> None:
    """Say what falls due on each of the next days, what is overdue, and what a policy would move.

    Without another policy's numbers: what `lifecycle recompute` would do with the policy in force. With
    them: what it would do once the policy is so; a number that is not given stays as it is. Nothing is
    changed. Dates are as they are stored; they move only when `recompute` is confirmed with the digest that
    is printed here.

    \b
    Example:
      order-records lifecycle preview --days 14
      order-records lifecycle preview --retention-time 14 --deletion-time 180
    """  # noqa: D301 (click reads the \b)
    wanted = _Wanted(days, seconds, retention_time, deletion_time)
    seen = asyncio.run(_look(load_settings(), wanted))
    if as_json:
        click.echo(text(seen.facts(days)))
    else:
        _print(seen, wanted)


async def _look(settings: Settings, wanted: _Wanted) -> _Seen:
    rules = DateRules.of(**settings.retention.date_numbers())
    async with connected(settings, settings.bound(None)) as database:
        current = await policy_in_force(database)
        in_force = await planned(database, current, rules, wanted.seconds)
        policy = wanted.policy(current)
        plan = in_force
        if policy.version != current.version:
            plan = await planned(database, policy, rules, wanted.seconds)
        ahead = await _forecast(database, plan, wanted)
    return _Seen(current, in_force.changes.below, ahead, plan)


async def _forecast(database: Database, plan: Planned, wanted: _Wanted) -> Forecast:
    try:
        async with reading("", wanted.seconds) as deadline:
            return await forecast(ReadOnly(database), plan.now, wanted.days, deadline)
    except QueryTooSlow:
        raise too_slow(wanted.seconds) from None


def _print(seen: _Seen, wanted: _Wanted) -> None:
    print_heading("in force", seen.current, seen.plan.now)
    click.echo()
    print_forecast(seen.forecast, seen.plan.now, wanted.days)
    click.echo()
    click.echo(f"{seen.below:,} records have dates by an earlier policy than version {seen.current.version}.")
    if wanted.asks_what_if:
        click.echo(f"What if  {policy_words(seen.plan.policy)}")
    click.echo("Recomputing dates would leave records so:")
    print_changes(seen.plan.changes)
    when = "" if seen.plan.policy.version == seen.current.version else ", once the policy is so"
    click.echo(f"To do this{when}: order-records lifecycle recompute --confirm {seen.plan.digest}")
