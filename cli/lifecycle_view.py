"""How a plan and what falls due are printed: dates and counts, nothing of any record."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import click

from audit.templates import timestamp
from cli.quarantine_view import print_facts, print_table
from records.mongo.forecast import Changes, Due, Forecast
from records.planner import Fate
from records.policy import GdprPolicy

_BAR: Final = 30
_BLOCKS: Final = " ▏▎▍▌▋▊▉█"
_WORDS: Final = {
    Fate.EARLIER: "moved earlier",
    Fate.LATER: "moved later",
    Fate.UNCHANGED: "unchanged",
    Fate.PAST: "untouched, since they are due to be deleted",
    Fate.MALFORMED: "untouched, since their dates or versions are none",
    Fate.SENDER: "untouched, since the sender set their dates",
}


def policy_facts(policy: GdprPolicy) -> dict[str, int]:
    """The numbers of a policy, by the names of the API."""
    return {
        "version": policy.version,
        "retentionTime": policy.retention_time,
        "deletionTimeAfterRetention": policy.deletion_time_after_retention,
    }


def forecast_facts(found: Forecast) -> dict[str, Any]:
    """What falls due, by the names of the API."""
    return {"anonymize": _due_facts(found.anonymize), "delete": _due_facts(found.delete)}


def _due_facts(due: Due) -> dict[str, Any]:
    return {"overdue": due.overdue, "dueByDay": due.by_day}


def policy_words(policy: GdprPolicy) -> str:
    """A policy in one line."""
    days = (
        f"{policy.retention_time} days to clean-up, then {policy.deletion_time_after_retention} to deletion"
    )
    return f"version {policy.version}: {days}"


def print_changes(found: Changes) -> None:
    """One line a fate; of those that are moved earlier, how many are due at once."""
    facts: dict[str, Any] = {}
    for fate, word in _WORDS.items():
        facts[word] = f"{found.of(fate):,}"
        if fate is Fate.EARLIER:
            facts["  and so due at once"] = f"{found.at_once:,}"
    print_facts(facts)


def print_forecast(found: Forecast, now: datetime, days: int) -> None:
    """A bar a day, both actions beside each other."""
    rows = list(_rows(found, now, days))
    widest = max([1, *(number for _, *numbers in rows for number in numbers)])
    cells = [
        (name, f"{first:,}", _bar(first, widest), f"{second:,}", _bar(second, widest))
        for name, first, second in rows
    ]
    print_table(("due", "anonymize", "", "delete", ""), cells)


def _rows(found: Forecast, now: datetime, days: int) -> Iterator[tuple[str, int, int]]:
    """Every day, empty ones too: else a gap would look like a busy time."""
    yield "overdue", found.anonymize.overdue, found.delete.overdue
    for number in range(days + 1):
        day = (now + timedelta(days=number)).date().isoformat()
        yield day, _on(found.anonymize.by_day, day), _on(found.delete.by_day, day)


def _on(by_day: Mapping[str, int], day: str) -> int:
    return by_day.get(day, 0)


def _bar(number: int, widest: int) -> str:
    """In eighths of a character; what is there at all is seen."""
    eighths = max(int(number > 0), number * _BAR * 8 // widest)
    whole, rest = divmod(eighths, 8)
    return _BLOCKS[8] * whole + _BLOCKS[rest].strip()


def print_heading(name: str, policy: GdprPolicy, now: datetime) -> None:
    """Which policy, and when it was looked."""
    click.echo(f"{name}  {policy_words(policy)}")
    click.echo(f"looked at  {timestamp(now)}")
