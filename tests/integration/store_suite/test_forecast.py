"""What a policy would do is counted on the server, by the index, and is what is then done."""

import pytest

from cli.lifecycle_plan import planned
from records.mongo import recompute as recompute_module
from records.mongo.client import Database
from records.mongo.forecast import changes, planner
from records.mongo.indexes import BY_POLICY
from records.mongo.read_deadline import reading
from records.mongo.read_only import ReadOnly
from records.planner import Fate
from runtime.errors import UserError
from tests.integration.store_suite import data
from tests.integration.store_suite.data import DAY, LIVE, NOW, Failing, prepared, store_all
from tests.integration.store_suite.recomputing import RULES, SHORTER, confirmed, run, totals
from tests.integration.store_suite.test_plans import profiled


async def test_what_the_preview_counts_is_what_is_then_done(database: Database) -> None:
    created = (LIVE, NOW - 15 * DAY, data.CLEANUP_DUE, data.DELETION_DUE)
    await store_all(database, *(prepared(n, at) for n, at in enumerate(created * 5)))
    await store_all(database, prepared(50, LIVE, gdprCleanupDate=(NOW + DAY).isoformat()))
    given = await confirmed(database)

    async with reading("", 5) as deadline:
        counted = await changes(ReadOnly(database), planner(SHORTER, RULES, NOW), deadline)
    await run(database, given)

    expected = {Fate.EARLIER: 15, Fate.PAST: 5, Fate.SENDER: 1}
    assert {fate: number for fate, number in counted.fates.items() if number} == expected
    assert (counted.at_once, counted.below) == (5, 20)
    assert await totals(database) == (15, 15, 0, 5)


async def test_selecting_and_counting_walk_the_index_alone_and_read_nothing_twice(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recompute_module, "BATCH", 7)
    await store_all(database, *(prepared(number) for number in range(70)))
    given = await confirmed(database)
    async with profiled(database) as entries:
        async with reading("", 5) as deadline:
            await changes(ReadOnly(database), planner(SHORTER, RULES, NOW), deadline)
        await run(database, given)
    finds = [e for e in entries if e["command"].get("hint") == BY_POLICY and "find" in e["command"]]
    counts = [e for e in entries if "aggregate" in e["command"] and e["ns"].endswith(".records")]

    assert len(finds) == 12  # ten full batches, the end of the pass, and a pass that finds nothing
    assert all(entry["docsExamined"] == entry["nreturned"] for entry in finds)
    assert max(entry["keysExamined"] for entry in finds) <= 8
    assert [entry["docsExamined"] for entry in counts] == [70, 0]
    assert not any("COLLSCAN" in e["planSummary"] or e.get("hasSortStage") for e in finds + counts)


async def test_counting_that_takes_too_long_says_what_helps(breakable: Database, failing: Failing) -> None:
    with failing("aggregate", {"times": 1}, errorCode=50), pytest.raises(UserError, match="--seconds"):
        await planned(breakable, SHORTER, RULES, 5)
