"""`order-records lifecycle recompute`: the policy in force for records whose dates are by an earlier one."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

import click

from cli.connected import connected, pseudonym, require_compared, trusted_now
from cli.console import progress_on_stderr
from cli.interrupts import end_cleanly
from cli.lifecycle_plan import DEADLINE, Planned, planned, policy_in_force
from cli.lifecycle_view import policy_facts, policy_words, print_changes
from cli.quarantine_options import ACTOR, AS_JSON
from cli.quarantine_view import print_facts, text
from records.keys import RecordKeys
from records.mongo.forecast import Changes
from records.mongo.recompute import Batch, Confirmed, NeverSettled, PlanOutdated, Recompute, Waiting
from records.planner import Fate
from records.policy import DateRules, GdprPolicy
from runtime.errors import UserError
from runtime.process import build
from runtime.settings import Settings, load_settings

_OUTDATED: Final = (
    "this digest is not that of the policy in force, {policy}: see what it would do by `order-records "
    "lifecycle preview`, and confirm with the digest that is printed there"
)
_CHANGED: Final = (
    "the policy was changed meanwhile, so it stopped: what was done is done; see what the new one would do "
    "by `order-records lifecycle preview`"
)
_NEVER_SETTLED: Final = (
    "records still turn up with dates by an earlier policy: is there a process that does not see the change? "
    "What was found is done; run it again later"
)


@dataclass
class _Done:
    """What was changed so far."""

    policy: GdprPolicy | None = None
    fates: Counter[Fate] = field(default_factory=Counter)
    at_once: int = 0
    left: Changes | None = None
    """What is there once nothing more is to be done; None where it ended before."""

    def add(self, batch: Batch) -> None:
        self.fates.update(batch.fates)
        self.at_once += batch.at_once

    def facts(self) -> dict[str, Any]:
        left = Changes({}, 0) if self.left is None else self.left
        return {
            "complete": self.left is not None,
            "records": self.fates.total(),
            **{fate.value: self.fates[fate] for fate in (Fate.EARLIER, Fate.LATER, Fate.UNCHANGED)},
            "dueAtOnce": self.at_once,
            **{fate.value: left.of(fate) for fate in (Fate.PAST, Fate.MALFORMED)},
        }

    def print(self, *, as_json: bool) -> None:
        policy = {} if self.policy is None else {"policy": policy_facts(self.policy)}
        if as_json:
            click.echo(text({**policy, **self.facts()}))
        else:
            print_facts(self.facts())


@click.command()
@click.option("--confirm", metavar="DIGEST", help="The digest of the plan, as it is printed without this.")
@DEADLINE
@ACTOR
@AS_JSON
def recompute(*, confirm: str | None, seconds: float, actor: str | None, as_json: bool) -> None:
    """Apply the policy in force to records whose dates are by an earlier one, once that is confirmed.

    Without --confirm it says what it would do, and by which digest to confirm that. Dates that a sender has
    set are not touched, nor are dates that have passed. It may be stopped and repeated at any time, beside
    running processes; each batch is an audit event (dates.recomputed) with a pseudonym of whoever asks.

    \b
    Example:
      order-records lifecycle recompute
      order-records lifecycle recompute --confirm sha256:9f2c...
    """  # noqa: D301 (click reads the \b)
    if confirm is None:
        _refuse(asyncio.run(_plan(load_settings(), seconds)), as_json=as_json)
    done = _Done()
    try:
        asyncio.run(_recompute(load_settings(), confirm, seconds, actor, done))
    except asyncio.CancelledError:
        raise click.Abort from None
    finally:  # what was done before it ended is done
        if done.left is not None or done.fates:
            done.print(as_json=as_json)


def _refuse(plan: Planned, *, as_json: bool) -> NoReturn:
    if as_json:
        click.echo(text(plan.facts()))
    else:
        click.echo(f"in force  {policy_words(plan.policy)}")
        print_changes(plan.changes)
    raise click.UsageError(
        "nothing was changed. To do this: order-records lifecycle recompute --confirm " + plan.digest
    )


async def _plan(settings: Settings, seconds: float) -> Planned:
    async with connected(settings, settings.bound(None)) as database:
        return await planned(database, await policy_in_force(database), _rules(settings), seconds)


def _rules(settings: Settings) -> DateRules:
    return DateRules.of(**settings.retention.date_numbers())


async def _recompute(settings: Settings, digest: str, seconds: float, actor: str | None, done: _Done) -> None:
    end_cleanly()
    keys = RecordKeys.derive(settings.secrets.require("id_key"))
    async with connected(settings, settings.bound(keys.fingerprint)) as database:
        await require_compared(database)
        policy = await policy_in_force(database)
        confirmed = Confirmed(policy, _rules(settings), pseudonym(keys, actor), build())
        if digest != confirmed.digest:
            raise UserError(_OUTDATED.format(policy=policy_words(policy)))
        await trusted_now(database)
        done.policy = policy
        plan = await planned(database, policy, confirmed.rules, seconds)
        await _run(Recompute(database, confirmed).run(), done, plan.changes.below)
        done.left = (await planned(database, policy, confirmed.rules, seconds)).changes


async def _run(steps: AsyncGenerator[Batch | Waiting], done: _Done, total: int) -> None:
    try:
        with progress_on_stderr() as progress:
            task = progress.add_task("recomputing", total=total)
            async with aclosing(steps):
                async for step in steps:
                    if isinstance(step, Waiting):
                        progress.update(task, description=f"waiting {step.seconds:.0f} s for other processes")
                    else:
                        done.add(step)
                        progress.update(task, advance=step.records, description="recomputing")
    except PlanOutdated:
        raise UserError(_CHANGED) from None
    except NeverSettled:
        raise UserError(_NEVER_SETTLED) from None
