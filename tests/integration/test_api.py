"""The REST API over a real MongoDB: what each endpoint does, and what a client relies on."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from audit.templates import timestamp
from records.mongo.attestation import Standing, attest, attestation_due
from records.mongo.client import Database, open_database
from tests.api_app import ENDPOINTS, client_of, context, order, own_database, put
from tests.integration.store_suite.data import STAMP


@pytest.fixture
async def database(mongo_uri: str) -> AsyncIterator[Database]:
    async with own_database(mongo_uri) as opened:
        yield opened


@pytest.fixture
async def client(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(context(database)) as opened:
        yield opened


async def test_a_record_just_created_is_in_get_list_and_search_at_once(client: httpx.AsyncClient) -> None:
    created = (await put(client, order(1)))["details"][0]
    assert created["status"] == "CREATED"
    record = created["orderRecord"]

    assert (await client.get(f"/api/orderrecords/{record['id']}")).json() == record
    listed = (await client.get("/api/orderrecords")).json()
    assert listed == {"orderRecords": [record], "total": 1}
    query = {"tenantOrderRecordId": {"eq": record["tenantOrderRecordId"]}}
    found = await client.post(
        "/api/orderrecords/search", json={"query": query, "options": {"withTotal": True}}
    )
    assert found.json()["orderRecords"] == [record]
    assert found.json()["total"] == 1


async def test_each_order_of_a_put_is_judged_alone_and_the_order_is_kept(client: httpx.AsyncClient) -> None:
    await put(client, order(1))
    wrong = order(2)
    del wrong["facilityRef"]
    answered = await put(client, order(1), wrong, order(3), order(3), order(1, facilityRef="elsewhere"), 5)
    statuses = [detail["status"] for detail in answered["details"]]
    assert statuses == ["UNCHANGED", "FAILED", "CREATED", "UNCHANGED", "FAILED", "FAILED"]
    assert answered["summary"] == {"created": 1, "updated": 0, "unchanged": 2}
    assert {detail["error"]["type"] for detail in answered["details"] if "error" in detail} == {"VALIDATION"}
    assert "/facilityRef" in answered["details"][1]["error"]["message"]


async def test_dates_that_cannot_be_kept_are_named_by_their_place(client: httpx.AsyncClient) -> None:
    later, earlier = "2027-06-02T00:00:00Z", "2027-06-01T00:00:00Z"
    turned = order(1, gdprCleanupDate=later, deletionDate=earlier)
    far = order(2, deletionDate="2999-01-01T00:00:00Z")

    details = (await put(client, turned, far))["details"]

    assert [detail["status"] for detail in details] == ["FAILED", "FAILED"]
    places = [detail["error"]["message"].partition(": ")[0] for detail in details]
    assert places == ["/gdprCleanupDate", "/deletionDate"]


async def test_of_very_many_faults_of_an_order_the_first_are_told_and_how_many_more_there_are(
    client: httpx.AsyncClient,
) -> None:
    wrong = order(1, payments=[{}] * 50)
    message = (await put(client, wrong))["details"][0]["error"]["message"]
    *told, more = message.split("; ")
    assert [fault.partition(": ")[0] for fault in told] == [f"/payments/{i}/value" for i in range(20)]
    assert more == "and 30 more faults"


async def test_an_idempotency_key_names_orders_that_have_no_number(client: httpx.AsyncClient) -> None:
    nameless = order(1)
    del nameless["tenantOrderRecordId"]
    first = await put(client, nameless, nameless, **{"Idempotency-Key": "once"})
    again = await put(client, nameless, nameless, **{"Idempotency-Key": "once"})
    assert [d["status"] for d in first["details"]] == ["CREATED", "CREATED"]
    assert [d["status"] for d in again["details"]] == ["UNCHANGED", "UNCHANGED"]
    assert (await put(client, nameless))["details"][0]["status"] == "CREATED"


async def test_an_expired_record_is_shown_without_the_person_and_then_not_at_all(database: Database) -> None:
    # The shortest policy, and days of 50 ms: due before the next look, deleted 9 s later.
    async with client_of(context(database, day=timedelta(milliseconds=50))) as client:
        record = (await put(client, order(1)))["details"][0]["orderRecord"]
        await asyncio.sleep(1.6)
        seen = (await client.get(f"/api/orderrecords/{record['id']}")).json()
        assert seen["anonymized"] is True
        assert seen["version"] == 2
        assert seen["lastModified"] == seen["gdprCleanupDate"]
        assert "customAttributes" not in seen
        assert (await put(client, order(1, facilityRef="other")))["details"][0]["status"] == "UNCHANGED"
        await database.records.update_one({}, {"$set": {"deletionDate": datetime.now(UTC)}})
        assert (await client.get(f"/api/orderrecords/{record['id']}")).status_code == 404
        assert (await client.get("/api/orderrecords")).json() == {"orderRecords": [], "total": 0}


async def test_disabled_refuses_orders_and_still_shows_records(client: httpx.AsyncClient) -> None:
    await put(client, order(1))
    disabled = {"version": 1, "isOrderRecordsEnabled": False}
    assert (await client.put("/api/configurations/orderrecords", json=disabled)).status_code == 200
    assert (await client.put("/api/orderrecords", json={"operations": [order(2)]})).status_code == 403
    assert (await client.get("/api/orderrecords")).json()["total"] == 1


async def test_the_configuration_locks_optimistically_and_unchanged_writes_nothing(
    mongo_uri: str, fresh_database: str
) -> None:
    path = "/api/configurations/orderrecords"
    async with open_database(mongo_uri, fresh_database) as database, client_of(context(database)) as client:
        default = {"id": "orderrecords", "version": 0, "isOrderRecordsEnabled": False}
        assert (await client.get(path)).json() == default
        first = await client.put(path, json={"version": 0, "isOrderRecordsEnabled": True})
        assert (first.status_code, first.json()["version"]) == (201, 1)
        same = await client.put(path, json=first.json())
        assert (same.status_code, same.json()) == (200, first.json())
        stale = await client.put(path, json={"version": 0, "isOrderRecordsEnabled": False})
        assert stale.status_code == 409
        assert (stale.json()[0]["requestVersion"], stale.json()[0]["version"]) == (0, 1)


async def test_a_changed_policy_is_announced_by_a_pseudonym_and_unchanged_writes_nothing(
    client: httpx.AsyncClient, database: Database
) -> None:
    path = "/api/configurations/gdpr"
    assert (await client.get(path)).json()["retentionTime"] == 30
    changed = await client.put(path, json={"version": 0, "retentionTime": 10})
    expected = {"id": "gdpr", "version": 1, "retentionTime": 10, "deletionTimeAfterRetention": 180}
    dates = {name: changed.json()[name] for name in ("created", "lastModified")}
    assert changed.json() == {**expected, "actorAnonymization": True, **dates}
    assert (await client.put(path, json=changed.json())).json() == changed.json()
    entries = await database.outbox.find({}).to_list()
    assert [entry["kind"] for entry in entries] == ["policy.changed"]
    assert entries[0]["items"][0][:3] == [10, 180, True]
    assert len(entries[0]["items"][0][3]) == 32
    stale = await client.put(path, json={"version": 0, "retentionTime": 5})
    assert (stale.status_code, stale.json()[0]["version"]) == (409, 1)


async def test_a_changed_policy_holds_for_the_very_next_order(client: httpx.AsyncClient) -> None:
    await put(client, order(1))  # by the policy before
    changed = {"version": 0, "retentionTime": 10, "deletionTimeAfterRetention": 20}
    assert (await client.put("/api/configurations/gdpr", json=changed)).status_code == 200

    record = (await put(client, order(2)))["details"][0]["orderRecord"]

    created, cleanup, deletion = (
        datetime.fromisoformat(record[date]) for date in ("created", "gdprCleanupDate", "deletionDate")
    )
    assert cleanup - created == timedelta(days=10)
    assert deletion - cleanup == timedelta(days=20)


async def test_a_page_of_huge_records_is_refused_and_a_smaller_one_is_not(client: httpx.AsyncClient) -> None:
    text = [{"category": "basePrice", "key": "value", "value": "1"}] + [
        {"key": f"k{i}", "value": "x" * 1_000} for i in range(99)
    ]
    lines = [{"quantity": 1, "article": {"tenantArticleId": "A", "attributes": text}}] * 9
    for start in (1, 11):
        await put(client, *(order(number, lineItems=lines) for number in range(start, start + 10)))
    bodies = [{"query": {}}, {"query": {}, "sort": [{"payments": {"status": "ASC"}}]}]
    refusals = [await client.get("/api/orderrecords")]
    refusals += [await client.post("/api/orderrecords/search", json=body) for body in bodies]
    for refused in refusals:
        assert refused.status_code == 400
        assert "ask for fewer" in refused.json()[0]["description"]
    assert len((await client.get("/api/orderrecords?size=10")).json()["orderRecords"]) == 10


async def test_putting_back_the_default_policy_writes_nothing(
    client: httpx.AsyncClient, database: Database
) -> None:
    path = "/api/configurations/gdpr"
    default = (await client.get(path)).json()
    same = await client.put(path, json=default)
    assert (same.status_code, same.json()) == (200, default)
    assert await database.outbox.count_documents({}) == 0


async def test_the_lifecycle_shows_dates_and_counts_and_no_order(client: httpx.AsyncClient) -> None:
    await put(client, order(1), order(2))
    shown = (await client.get("/api/lifecycle")).json()
    assert sum(shown["anonymize"]["dueByDay"].values()) == 2
    assert shown["anonymize"]["overdue"] == {"count": 0}
    assert shown["quarantine"] == {}
    assert shown["trail"] == {"n": 0, "unsent": 0}


async def test_the_lifecycle_shows_how_the_trail_stands(
    client: httpx.AsyncClient, database: Database
) -> None:
    assert await attestation_due(database)
    attested = await attest(database, Standing(400, 1460), STAMP)
    await database.state.insert_one({"_id": "lease", "owner": "", "n": 431})
    trail = (await client.get("/api/lifecycle")).json()["trail"]
    assert (trail["n"], trail["unsent"]) == (431, 1)
    assert attested is not None
    assert trail["lastAttestation"] == trail["unsentSince"] == timestamp(attested)


async def test_the_document_describes_every_route_and_no_other_form_of_faults(
    client: httpx.AsyncClient,
) -> None:
    document = (await client.get("/openapi.json")).json()
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert described == {(method, path) for method, path, _ in ENDPOINTS}
    assert "422" not in str(document)
    assert (await client.get("/docs")).status_code == 200
