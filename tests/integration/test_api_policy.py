"""A policy is tried before it is put, and the API tells which were in force."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from records.mongo.client import Database
from records.policy import DateRules, GdprPolicy
from records.policy_document import plan_digest
from tests.api_app import client_of, context, order, own_database, put

PATH = "/api/configurations/gdpr"


@pytest.fixture
async def database(mongo_uri: str) -> AsyncIterator[Database]:
    async with own_database(mongo_uri) as database:
        yield database


@pytest.fixture
async def client(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(context(database)) as client:
        yield client


async def everything(database: Database) -> dict[str, list[Any]]:
    names = ("records", "outbox", "state", "erasure_ledger", "quarantine")
    return {name: await database.state.database[name].find().to_list(None) for name in names}


async def test_a_dry_run_answers_what_the_change_would_do_and_changes_nothing(
    client: httpx.AsyncClient, database: Database
) -> None:
    far = (datetime.now(UTC) + timedelta(days=5)).isoformat()
    await put(client, order(1), order(2), order(3, gdprCleanupDate=far))
    before = await everything(database)

    wanted = {"version": 0, "retentionTime": 10, "deletionTimeAfterRetention": 20}
    tried = await client.put(PATH, json=wanted, params={"dryRun": "true"})

    assert tried.status_code == 200
    assert tried.json() == {
        "id": "gdpr",
        "version": 1,
        "retentionTime": 10,
        "deletionTimeAfterRetention": 20,
        "actorAnonymization": True,
        "plan": {
            "digest": plan_digest(GdprPolicy(10, 20, version=1), DateRules()),
            "dueAtOnce": 0,
            "movedEarlier": 2,
            "movedLater": 0,
            "unchanged": 0,
            "dueForDeletion": 0,
            "malformed": 0,
            "bySender": 1,
        },
    }
    assert await everything(database) == before
    assert (await client.put(PATH, json=wanted)).json()["version"] == 1


async def test_a_dry_run_of_what_is_in_force_says_what_is_left_to_do(client: httpx.AsyncClient) -> None:
    await put(client, order(1))
    changed = (await client.put(PATH, json={"version": 0, "retentionTime": 10})).json()

    tried = (await client.put(PATH, json=changed, params={"dryRun": "true"})).json()

    assert {**tried, "plan": None} == {**changed, "plan": None}
    assert tried["plan"]["movedEarlier"] == 1


async def test_a_stale_dry_run_is_a_conflict_and_one_without_the_right_is_refused(
    client: httpx.AsyncClient, database: Database
) -> None:
    stale = await client.put(PATH, json={"version": 7, "retentionTime": 10}, params={"dryRun": "true"})
    assert (stale.status_code, stale.json()[0]["version"]) == (409, 0)
    async with client_of(context(database), "CONFIG_READ", "LIFECYCLE_READ") as reader:
        refused = await reader.put(PATH, json={"version": 0, "retentionTime": 10}, params={"dryRun": "true"})
    assert refused.status_code == 403


async def test_the_lifecycle_tells_which_policies_were_in_force_and_nobodys_name(
    client: httpx.AsyncClient,
) -> None:
    assert (await client.get("/api/lifecycle")).json()["policyHistory"] == []
    for version, days in enumerate((10, 20)):
        changed = (await client.put(PATH, json={"version": version, "retentionTime": days})).json()

    history = (await client.get("/api/lifecycle")).json()["policyHistory"]

    assert [each["retentionTime"] for each in history] == [20, 10]
    numbers = {"retentionTime": 20, "deletionTimeAfterRetention": 180, "actorAnonymization": True}
    assert history[0] == {"version": 2, "since": changed["lastModified"], **numbers}
