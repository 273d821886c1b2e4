"""The daily attestation: one a day whoever asks, and what was done since the one before."""

import asyncio
from datetime import timedelta
from typing import Any, Final

import orjson
import pytest

from audit.quick_facts import model_facts
from audit.templates import expand
from audit.types import ATTESTATION
from audit.verdict import Verdict
from records.mongo.attestation import (
    ATTESTED,
    Standing,
    attest,
    attestation_due,
    last_attestation,
    oplog_hours,
    trail_state,
)
from records.mongo.client import Database
from records.mongo.outbox import unsent
from records.mongo.sweep import Action, SweepContext, sweep
from tests.integration.store_suite.data import CLEANUP_DUE, DAY, DELETION_DUE, NOW, STAMP, prepared, store_all
from tests.trails import Told, Trail, assert_found, kinds, verify

LOG: Final = "order-records"
BARE: Final = Standing(400, 1460)
"""Nothing could be found out."""


async def attested(database: Database) -> list[dict[str, Any]]:
    """What the outbox says of it, as the trail will have it."""
    entries = await database.outbox.find({"kind": ATTESTED}).sort("time", 1).to_list(None)
    values = [record.value for entry in entries for record in expand(entry, LOG)]
    assert all(model_facts(value, LOG).type == ATTESTATION for value in values)
    return [orjson.loads(value) for value in values]


async def set_back(database: Database, span: timedelta) -> None:
    """As if the last one had been made so much earlier."""
    milliseconds = span // timedelta(milliseconds=1)
    earlier = [{"$set": {"time": {"$subtract": ["$time", milliseconds]}}}]
    await database.state.update_one({"_id": ATTESTED}, earlier)


async def make(database: Database, standing: Standing = BARE) -> bool:
    return await attestation_due(database) and await attest(database, standing, STAMP) is not None


async def test_a_day_has_one_attestation_however_often_it_is_asked_for(database: Database) -> None:
    assert await last_attestation(database) is None
    assert await make(database)
    first = await last_attestation(database)
    assert not await make(database)
    assert await attest(database, BARE, STAMP) is None
    assert await last_attestation(database) == first
    assert len(await attested(database)) == 1


async def test_two_leaders_that_race_write_one_between_them(database: Database) -> None:
    for days in range(1, 6):
        assert await attestation_due(database)
        written = await asyncio.gather(*(attest(database, BARE, STAMP) for _ in range(4)))
        assert sum(time is not None for time in written) == 1
        assert len(await attested(database)) == days
        await set_back(database, DAY)


@pytest.mark.parametrize(
    ("days", "again"),
    [(1, True), (30, True), (0, False), (-1, False), (-2, True), (-400, True)],
)
async def test_the_next_day_has_its_own_and_a_clock_that_was_wrong_does_not_silence_it(
    database: Database,
    days: int,
    again: bool,  # noqa: FBT001 - a row
) -> None:
    await make(database)
    await set_back(database, days * DAY)
    assert await make(database) is again


async def test_an_attestation_that_knows_nothing_else_says_what_is_set(database: Database) -> None:
    await make(database)
    (event,) = await attested(database)
    data = event["data"]
    assert (data["n"], data["auditRetentionDays"], data["residual"]) == (0, 1460, {"ledgerDays": 400})
    assert data["overdue"] == data["oldestOverdue"] == data["quarantine"] == {}
    assert data["period"] == {"until": event["time"]}
    assert data["done"] == {"anonymize": 0, "delete": 0, "eraseQuarantined": 0}


async def test_it_says_what_was_overdue_and_how_long_the_rest_stays(database: Database) -> None:
    counts, oldest = {Action.ANONYMIZE: 7, Action.DELETE: 0}, {Action.ANONYMIZE: NOW}
    await make(database, Standing(400, 1460, counts, oldest, 3, 1, 72, -1))
    data = (await attested(database))[0]["data"]
    assert data["overdue"] == {"anonymize": 7, "delete": 0}
    assert data["oldestOverdue"].keys() == {"anonymize"}
    assert data["quarantine"] == {"entries": 3, "sealed": 1}
    assert data["residual"] == {"ledgerDays": 400, "oplogHours": 72, "orderTopicSeconds": -1}


async def test_each_says_what_was_done_since_the_one_before(
    database: Database, context: SweepContext
) -> None:
    await store_all(database, *(prepared(number, CLEANUP_DUE) for number in range(5)))
    await store_all(database, *(prepared(number, DELETION_DUE) for number in range(10, 13)))
    await sweep(context, Action.ANONYMIZE, 2)
    await make(database)
    await set_back(database, DAY)
    await sweep(context, Action.ANONYMIZE, 100)
    await sweep(context, Action.DELETE, 100)
    await make(database)
    await set_back(database, DAY)
    await make(database)

    first, second, third = (each["data"] for each in await attested(database))
    assert (first["n"], second["n"], third["n"]) == (1, 3, 3)
    assert first["done"] == {"anonymize": 2, "delete": 0, "eraseQuarantined": 0}
    assert second["done"] == {"anonymize": 3, "delete": 3, "eraseQuarantined": 0}
    assert third["done"] == {"anonymize": 0, "delete": 0, "eraseQuarantined": 0}
    assert "since" not in first["period"]
    assert second["period"]["since"] < second["period"]["until"] <= third["period"]["until"]


async def a_day_later(database: Database) -> None:
    """As if all that was announced had been a day earlier."""
    await set_back(database, DAY)
    for entry in await database.outbox.find().to_list(None):
        entry["time"] -= DAY
        if entry["kind"] == ATTESTED:
            entry["items"][0][0] = [time and time - DAY for time in entry["items"][0][0]]
        await database.outbox.replace_one({"_id": entry["_id"]}, entry)


async def verified(database: Database) -> Verdict:
    """What comes of a trail of all that waits to be sent."""
    entries = await unsent(database, 100)
    trail = Trail([Told(record.value) for entry in entries for record in expand(entry, LOG)])
    trail.sign()
    return verify(trail)


async def test_its_figures_are_those_of_the_batches_that_a_verification_counts(
    database: Database, context: SweepContext
) -> None:
    for day in range(3):
        await store_all(database, *(prepared(10 * day + number, CLEANUP_DUE) for number in range(3)))
        await store_all(database, prepared(10 * day + 5, DELETION_DUE), prepared(10 * day + 6, DELETION_DUE))
        for action, size in ((Action.ANONYMIZE, 2), (Action.DELETE, 9), (Action.ANONYMIZE, 9)):
            await sweep(context, action, size)
        await make(database)
        await a_day_later(database)
    verdict = await verified(database)
    assert (kinds(verdict), verdict.counted) == ([], 3)
    await database.outbox.update_one({"kind": "deleted", "n": 5}, {"$pop": {"items": 1}})
    verdict = await verified(database)
    assert_found(
        verdict, 5, "DONE_DIFFERS", "2 records deleted since the one before, and batches 4 to 6 have 1"
    )


async def test_the_oplog_tells_how_far_it_reaches_back(database: Database) -> None:
    hours = await oplog_hours(database)
    assert hours is not None
    assert hours >= 1


async def test_the_state_of_the_trail_has_the_last_number_and_what_waits(
    database: Database, context: SweepContext
) -> None:
    empty = await trail_state(database)
    assert (empty.attested, empty.unsent, empty.unsent_since) == (None, 0, None)
    await store_all(database, prepared(1, CLEANUP_DUE))
    await sweep(context, Action.ANONYMIZE, 10)
    await make(database)
    found = await trail_state(database)
    assert (found.n, found.unsent) == (1, 2)
    assert found.unsent_since is not None
    assert found.attested is not None
    assert found.unsent_since < found.attested == await last_attestation(database)
