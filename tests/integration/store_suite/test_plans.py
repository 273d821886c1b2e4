"""No query scans a collection or sorts in memory: each sweep's select walks its index in due order."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import pytest

from records.mongo.client import Database, Document
from records.mongo.indexes import BY_ID, CLEANUP_DUE, DELETION_DUE, QUARANTINE_DUE
from records.mongo.ingest import store
from records.mongo.ledger import ledger_facts
from records.mongo.lifecycle import lifecycle_figures
from records.mongo.outbox import backlog, remove, unsent
from records.mongo.overdue import (
    due_within,
    failed_alone,
    next_due,
    oldest_overdue,
    overdue,
)
from records.mongo.quarantine import quarantine
from records.mongo.quarantine_acts import Act, drop, show
from records.mongo.quarantine_reads import Selection, counted, kept_documents, listed, named_documents
from records.mongo.quarantine_replay import Judged, replay
from records.mongo.read_deadline import QueryTooSlow
from records.mongo.sweep import Action, SweepContext, Watermark, postpone_oldest, step_of, sweep
from records.mongo.trace import whereabouts
from records.quarantine import DropGrounds, ShowGrounds
from tests.integration.store_suite import data
from tests.integration.store_suite.data import KEY, LEDGER_TIME, NOW, STAMP, prepared, raw_event, refused

INDEXES = {
    Action.ANONYMIZE: CLEANUP_DUE,
    Action.DELETE: DELETION_DUE,
    Action.ERASE_QUARANTINED: QUARANTINE_DUE,
}


def stages(plan: Any) -> Iterator[Document]:
    """Every stage of an explained plan, inner ones too."""
    if isinstance(plan, dict):
        if "stage" in plan:
            yield plan
        for child in plan.values():
            yield from stages(child)
    elif isinstance(plan, list):
        for child in plan:
            yield from stages(child)


async def fill(database: Database) -> None:
    """Some of everything: due, not due, refused, erased."""
    batch = [prepared(number, data.CLEANUP_DUE) for number in range(20)]
    batch += [prepared(number, data.DELETION_DUE) for number in range(20, 40)]
    batch += [prepared(number) for number in range(40, 80)]
    await store(database, batch, NOW)
    events = [refused(raw_event(offset), due=NOW) for offset in range(20)]
    await quarantine(database, events, KEY, STAMP, NOW, LEDGER_TIME)


async def do_everything(context: SweepContext) -> None:
    database = context.database
    await fill(database)
    for action in Action:
        await overdue(database, action, NOW)
        await next_due(database, action, NOW)
        await due_within(database, action, NOW, data.DAY)
        await oldest_overdue(database, action, NOW)
        assert len(await sweep(context, action, 5, Watermark())) == 5
        await postpone_oldest(context, action, data.DAY)
    await lifecycle_figures(database, NOW, 366)
    await ledger_facts(database)
    await fill(database)
    await people_look(database)
    await failed_alone(database)
    await backlog(database)
    for entry in await unsent(database, 20):
        await remove(database, [entry["_id"]])


async def people_look(database: Database) -> None:
    """The quarantine as its verbs see it, and one order as `trace` does."""
    selection = Selection(reason="NOT_JSON", topic="orders", since=NOW - data.DAY * 365 * 9)
    for kept_only in (True, False):
        assert await listed(database, selection, NOW - data.DAY, 3, kept_only=kept_only)
        assert await counted(database, selection, NOW - data.DAY, kept_only=kept_only)
    assert [page async for page in kept_documents(database, selection, NOW - data.DAY, 2)]
    await whereabouts(database, prepared(1).id, NOW)
    ids = [raw_event(offset).position.entry_id for offset in (18, 19)]
    act = Act("5f1e578d1ca982d2a636924b631770b9", NOW - data.DAY, STAMP)
    assert [page async for page in named_documents(database, ids, act.now, 1)]
    await show(database, ids[0], KEY, ShowGrounds.INCIDENT, act)
    await drop(database, ids[:1], DropGrounds.SENT_AGAIN, act, LEDGER_TIME)
    await replay(database, [Judged(ids[1], prepared(500))], act)


@asynccontextmanager
async def profiled(database: Database) -> AsyncIterator[list[Document]]:
    """Fills the list with what MongoDB did meanwhile, each with its plan."""
    owner, entries = database.state.database, list[Document]()
    await owner.drop_collection("system.profile")
    await owner.command({"profile": 2, "slowms": 0})
    try:
        yield entries
    finally:
        await owner.command({"profile": 0})
    entries += await owner["system.profile"].find({"planSummary": {"$exists": True}}).to_list(None)


@pytest.mark.parametrize("action", INDEXES)
async def test_a_sweep_selects_by_its_index_alone(context: SweepContext, action: Action) -> None:
    await fill(context.database)
    step = step_of(context.database, action)
    for watermark in (Watermark(), Watermark(NOW - data.DAY)):
        query = step.from_on(watermark, NOW)
        cursor = step.collection.find(query, hint=step.index).sort(step.date, 1).limit(10)
        winner = (await cursor.explain())["queryPlanner"]["winningPlan"]
        scans = [stage for stage in stages(winner) if stage["stage"] == "IXSCAN"]
        assert [scan["indexName"] for scan in scans] == [INDEXES[action]]
        assert {stage["stage"] for stage in stages(winner)}.isdisjoint({"COLLSCAN", "SORT"})
        (bounds,) = scans[0]["indexBounds"][step.date]
        assert (watermark.reached is None) != bounds.startswith(f"[new Date({millis(NOW - data.DAY)})")


def millis(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def by_day_or_reason(entry: Document) -> bool:
    """Counts for those who watch: a few groups are sorted, and the quarantine is small enough to be read."""
    pipeline = entry["command"].get("pipeline", ())
    return any("$group" in stage for stage in pipeline) and "maxTimeMS" in entry["command"]


async def test_nothing_scans_a_collection_or_sorts_in_memory(context: SweepContext) -> None:
    async with profiled(context.database) as entries:
        await do_everything(context)
    scans = [
        (entry["ns"], entry["op"], entry["planSummary"])
        for entry in entries
        if ("COLLSCAN" in entry["planSummary"] or entry.get("hasSortStage")) and not by_day_or_reason(entry)
    ]
    assert len(entries) > 20
    assert scans == []


async def test_a_sweep_as_it_runs_reads_no_more_than_it_changes(context: SweepContext) -> None:
    await fill(context.database)
    async with profiled(context.database) as entries:
        for action in Action:
            await sweep(context, action, 5)
    read = {
        e["command"]["hint"]: e["docsExamined"]
        for e in entries
        if e["op"] == "query" and "hint" in e["command"]
    }
    changes = [e for e in entries if e["op"] in {"update", "remove"} and "hint" in e["command"]]
    assert [(e["planSummary"], e["docsExamined"]) for e in changes] == [("IXSCAN { _id: 1 }", 5)] * 3
    assert set(read) == {*INDEXES.values(), BY_ID}
    assert read[BY_ID] == 5  # what was anonymized is looked through
    assert read[DELETION_DUE] == read[QUARANTINE_DUE] == 5
    assert read[CLEANUP_DUE] <= 25  # those past their deletion date come first and are passed over


COUNTED = {Action.ANONYMIZE: (20, 40), Action.DELETE: (20, 60), Action.ERASE_QUARANTINED: (20, 0)}
"""What is overdue after `fill`, and what is coming within 400 days."""


@pytest.mark.parametrize("action", INDEXES)
async def test_what_is_overdue_and_what_is_coming_is_counted_by_the_index_of_its_date(
    context: SweepContext, action: Action
) -> None:
    database = context.database
    await fill(database)
    async with profiled(database) as entries:
        late = (await overdue(database, action, NOW)).count
        coming = await due_within(database, action, NOW, 400 * data.DAY)
    assert (late, coming) == COUNTED[action]
    counts = [entry for entry in entries if "aggregate" in entry["command"]]
    assert [entry["command"]["hint"] for entry in entries] == [INDEXES[action]] * 3
    scans = {entry["planSummary"].split()[0] for entry in counts}
    if action is Action.ANONYMIZE:  # which has to look whether the deletion comes first
        assert scans == {"IXSCAN"}
    else:
        assert (scans, [entry["docsExamined"] for entry in counts]) == ({"COUNT_SCAN"}, [0, 0])


async def test_whoever_watches_erasure_waits_for_no_query_longer_than_its_deadline(
    database: Database, breakable: Database, failing: data.Failing
) -> None:
    await fill(database)
    async with profiled(database) as entries:
        await lifecycle_figures(database, NOW, 30)
    assert len(entries) >= 9
    assert [entry for entry in entries if "maxTimeMS" not in entry["command"]] == []
    with failing("aggregate", "alwaysOn", errorCode=50), pytest.raises(QueryTooSlow) as slow:
        await lifecycle_figures(breakable, NOW, 30)
    assert slow.value.narrow == "ask for fewer days"


async def test_a_listing_reads_no_content_and_counts_by_the_index_alone(database: Database) -> None:
    await fill(database)
    selection = Selection(reason="NOT_JSON", topic="orders")
    async with profiled(database) as entries:
        await counted(database, selection, NOW - data.DAY)
        assert len(await listed(database, selection, NOW - data.DAY, 3)) == 3
    count, listing = entries
    assert (count["docsExamined"], listing["docsExamined"]) == (0, 3)
    assert max(entry["responseLength"] for entry in entries) < 2000


async def test_the_outbox_gives_no_more_than_was_asked_for(database: Database) -> None:
    await database.outbox.insert_many([{"_id": str(n), "n": n, "time": NOW} for n in range(1, 301)])
    async with profiled(database) as entries:
        assert [entry["n"] for entry in await unsent(database, 20)] == list(range(1, 21))
    assert max(entry["nreturned"] for entry in entries) == 20
    assert [entry["cursorid"] for entry in entries if "cursorid" in entry] == []  # none is left open
