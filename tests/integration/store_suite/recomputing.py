"""Applying a policy in tests of the store: who has confirmed what, and what was announced."""

from datetime import timedelta
from typing import Any, Final

from audit.templates import expand
from records.mongo.client import Database
from records.mongo.policies import first_policy, gdpr_policy
from records.mongo.recompute import Batch, Confirmed, Recompute, Waiting
from records.policy import DateRules, GdprPolicy

ACTOR: Final = "5f1e578d1ca982d2a636924b631770b9"
RULES: Final = DateRules()
SHORTER: Final = GdprPolicy(10, 20, version=4)
"""The suite's records have version 3."""
AT_ONCE: Final = timedelta(0)


async def confirmed(database: Database, policy: GdprPolicy = SHORTER) -> Confirmed:
    """What somebody has confirmed who has seen this policy, which is in force."""
    await first_policy(database, policy)
    return Confirmed(await gdpr_policy(database), RULES, ACTOR, "1.2.3")


async def run(database: Database, given: Confirmed, settle: timedelta = AT_ONCE) -> list[Batch | Waiting]:
    return [step async for step in Recompute(database, given, settle).run()]


async def audited(database: Database) -> list[dict[str, Any]]:
    entries = await database.outbox.find({"kind": "dates.recomputed"}).to_list(None)
    assert all(expand(entry, "order-records") for entry in entries)
    names = ("records", "movedEarlier", "movedLater", "dueAtOnce", "actor")
    return [dict(zip(names, item, strict=True)) for entry in entries for item in entry["items"]]


async def totals(database: Database) -> tuple[int, int, int, int]:
    events = await audited(database)
    records, earlier, later, at_once = (
        sum(event[name] for event in events)
        for name in ("records", "movedEarlier", "movedLater", "dueAtOnce")
    )
    return records, earlier, later, at_once


async def below(database: Database) -> list[str]:
    query = {"datesBy": "policy", "policyVersion": {"$lt": SHORTER.version}}
    return [row["_id"] async for row in database.records.find(query)]
