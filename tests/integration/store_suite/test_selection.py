"""The decision is made twice, in MongoDB's language for sweeps and in Python for reads: both say the same."""

from datetime import datetime, timedelta
from typing import Any, Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from records.lifecycle import Decision, decide
from records.mongo.client import Database
from records.mongo.overdue import due_within, overdue
from records.mongo.sweep import Action, Watermark, step_of
from tests.integration.store_suite.data import NOW

Record = dict[str, Any]
TICK: Final = timedelta(milliseconds=1)
MOMENTS: Final = st.sampled_from([NOW + i * TICK for i in range(-3, 4)])
"""Few, so that dates, cutoffs and times to try again meet to the millisecond."""
DECIDED: Final = {Action.ANONYMIZE: Decision.ANONYMIZE, Action.DELETE: Decision.DELETE}


@st.composite
def _record(draw: st.DrawFn) -> Record:
    cleanup, deletion = sorted(draw(st.tuples(MOMENTS, MOMENTS)))
    record: Record = {"gdprCleanupDate": cleanup, "deletionDate": deletion, "anonymized": draw(st.booleans())}
    retry = draw(st.none() | MOMENTS)
    return record if retry is None else {**record, "sweepRetryAt": retry}


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(records=st.lists(_record(), min_size=1, max_size=12), cutoff=MOMENTS, reached=MOMENTS)
async def test_a_sweep_selects_what_the_decision_says_and_never_early(
    database: Database, records: list[Record], cutoff: datetime, reached: datetime
) -> None:
    stored = {str(number): record for number, record in enumerate(records)}
    await database.records.delete_many({})
    await database.records.insert_many([{"_id": key, **record} for key, record in stored.items()])
    for action, decided in DECIDED.items():
        step = step_of(database, action)
        due = {key for key, record in stored.items() if decide(record, cutoff) is decided}
        now_due = {key for key in due if stored[key].get("sweepRetryAt", cutoff) <= cutoff}
        assert await ids(database, step.selected(cutoff), step.index) == now_due
        not_passed = {key for key in now_due if stored[key][step.date] >= reached}
        assert await ids(database, step.from_on(Watermark(reached), cutoff), step.index) == not_passed
        assert (await overdue(database, action, cutoff)).count == len(due)
        coming = [record for record in records if cutoff < record[step.date] <= cutoff + 2 * TICK]
        if action is Action.ANONYMIZE:
            coming = [record for record in coming if not record["anonymized"]]
        assert await due_within(database, action, cutoff, 2 * TICK) == len(coming)


async def ids(database: Database, query: Record, index: str) -> set[str]:
    return {row["_id"] async for row in database.records.find(query, {"_id": 1}, hint=index)}
