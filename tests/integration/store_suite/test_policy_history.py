"""What the database remembers of policies: each change in its own transaction, a hundred at most."""

from dataclasses import replace

import pytest

from records.mongo.client import Database
from records.mongo.policies import (
    MAX_HISTORY,
    change_policy,
    changed_policy,
    first_policy,
    gdpr_policy,
    policy_history,
)
from records.mongo.read_only import ReadOnly
from records.mongo.state import VersionConflict
from records.policy import DateRules, GdprPolicy


async def change(database: Database, days: int) -> GdprPolicy:
    wanted = replace(await gdpr_policy(database), retention_time=days)
    return await change_policy(database, wanted, "ann", "1.2.3", DateRules())


async def test_the_default_that_nobody_has_stored_has_no_history(database: Database) -> None:
    assert await policy_history(database) == []


async def test_every_change_is_remembered_the_newest_first_and_what_changes_nothing_is_not(
    database: Database,
) -> None:
    for days in (10, 20, 20, 10):
        await change(database, days)

    history = await policy_history(database)

    assert [(each.policy.version, each.policy.retention_time) for each in history] == [
        (3, 10),
        (2, 20),
        (1, 10),
    ]
    assert history[0].policy == await gdpr_policy(database)
    assert history[0].since == (await gdpr_policy(database)).last_modified
    assert history == sorted(history, key=lambda each: each.since, reverse=True)
    assert "ann" not in str(await database.state.find_one({"_id": "gdpr"}))


async def test_the_history_is_bounded(database: Database) -> None:
    await first_policy(database, GdprPolicy(1, 1, version=1))
    for days in range(2, MAX_HISTORY + 4):
        await change(database, days)

    versions = [each.policy.version for each in await policy_history(database)]

    assert versions == list(range(MAX_HISTORY + 3, 3, -1))


async def test_a_first_policy_is_the_first_of_its_history(database: Database) -> None:
    await first_policy(database, GdprPolicy(10, 20, version=1))
    await first_policy(database, GdprPolicy(1, 2, version=9))
    assert [each.policy for each in await policy_history(database)] == [GdprPolicy(10, 20, version=1)]


async def test_what_a_change_would_come_to_is_told_without_making_it(database: Database) -> None:
    await change(database, 10)
    reads, wanted = ReadOnly(database), GdprPolicy(20, 20, version=1)

    assert await changed_policy(reads, wanted) == GdprPolicy(20, 20, version=2)
    same = await gdpr_policy(database)
    assert await changed_policy(reads, same) == same
    with pytest.raises(VersionConflict):
        await changed_policy(reads, replace(wanted, version=0))
    assert await gdpr_policy(database) == same


async def test_a_read_only_database_takes_no_pipeline_that_writes(database: Database) -> None:
    for stage in ({"$out": "copy"}, {"$merge": {"into": "copy"}}):
        with pytest.raises(ValueError, match="read-only"):
            [row async for row in ReadOnly(database).records.aggregate([{"$match": {}}, stage])]
