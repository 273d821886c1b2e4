"""What falls due, and what a policy would move: counted on the server, with a client that cannot write."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from records.clock import MAX_DIFFERENCE
from records.mongo.indexes import BY_POLICY, CLEANUP_DUE, DELETION_DUE
from records.mongo.planner import at_once_expression, below, fate_expression
from records.mongo.read_deadline import ReadDeadline
from records.mongo.read_only import ReadOnly
from records.mongo.transaction import TRANSACTION_SECONDS
from records.planner import BY_SENDER, Fate, Planner
from records.policy import DateRules, GdprPolicy

AHEAD: Final = MAX_DIFFERENCE + timedelta(seconds=TRANSACTION_SECONDS)
"""A date so near counts as passed: before it is moved, a reader whose clock is ahead may go by it."""


def planner(policy: GdprPolicy, rules: DateRules, now: datetime) -> Planner:
    """The planner for this policy at this time (UTC, milliseconds)."""
    return Planner(policy, rules, now + AHEAD)


@dataclass(frozen=True)
class Due:
    """Of one action: how many are past their date, and how many fall due by day (`YYYY-MM-DD` in UTC)."""

    overdue: int
    by_day: dict[str, int]


@dataclass(frozen=True)
class Forecast:
    """What falls due within the next days."""

    anonymize: Due
    delete: Due


@dataclass(frozen=True)
class Changes:
    """What applying a policy does to the records that are there, by their fates."""

    fates: dict[Fate, int]
    at_once: int

    def of(self, fate: Fate) -> int:
        """How many have this fate."""
        return self.fates.get(fate, 0)

    @property
    def below(self) -> int:
        """How many have dates by an earlier policy."""
        return sum(number for fate, number in self.fates.items() if fate is not Fate.SENDER)

    def facts(self) -> dict[str, int]:
        """By the names that the API and `--json` use."""
        counted = [fate for fate in Fate if fate is not Fate.CURRENT]
        return {"dueAtOnce": self.at_once, **{fate.value: self.of(fate) for fate in counted}}


async def forecast(database: ReadOnly, now: datetime, days: int, deadline: ReadDeadline) -> Forecast:
    """What is due now, and what falls due within so many days; to be called within `reading`."""
    until = now + timedelta(days=days)
    cleanup = {"anonymized": False, "gdprCleanupDate": {"$lte": until}, "deletionDate": {"$gt": now}}
    deletion = {"deletionDate": {"$lte": until}}
    return Forecast(
        await _due(database, cleanup, "$gdprCleanupDate", CLEANUP_DUE, now, deadline),
        await _due(database, deletion, "$deletionDate", DELETION_DUE, now, deadline),
    )


async def _due(
    database: ReadOnly, query: dict[str, Any], date: str, index: str, now: datetime, deadline: ReadDeadline
) -> Due:
    day = {"$dateToString": {"date": date, "format": "%Y-%m-%d"}}
    group = {"_id": {"$cond": [{"$lte": [date, now]}, None, day]}, "records": {"$sum": 1}}
    pipeline = [{"$match": query}, {"$group": group}, {"$sort": {"_id": 1}}]
    rows = database.records.aggregate(pipeline, hint=index, maxTimeMS=deadline.milliseconds)
    counts = {row["_id"]: row["records"] async for row in rows}
    return Due(counts.pop(None, 0), counts)


async def changes(database: ReadOnly, planner: Planner, deadline: ReadDeadline) -> Changes:
    """What applying the policy would do; to be called within `reading`."""
    at_once = {"$sum": {"$cond": [at_once_expression(planner), 1, 0]}}
    group = {"_id": fate_expression(planner), "records": {"$sum": 1}, "atOnce": at_once}
    rows = [
        row
        async for row in database.records.aggregate(
            [{"$match": below(planner)}, {"$group": group}], hint=BY_POLICY, maxTimeMS=deadline.milliseconds
        )
    ]
    fates = {Fate(row["_id"]): int(row["records"]) for row in rows}
    by_sender = await database.records.count(
        {"datesBy": BY_SENDER}, BY_POLICY, maxTimeMS=deadline.milliseconds
    )
    return Changes({**fates, Fate.SENDER: by_sender}, sum(row["atOnce"] for row in rows))
