"""The API while clocks differ: nothing is stored by a wrong clock, and nothing is shown past its date."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from records.mongo.client import Database
from records.mongo.clock import CheckedClock
from runtime import metrics
from service.api.clock import WatchedClock
from service.api.context import ApiContext
from tests.api_app import client_of, context, order, own_database, places, put

HOUR = timedelta(hours=1)
SHORT_DAY = timedelta(milliseconds=50)


class WrongWall:
    """This machine's clock, as wrong as the test says."""

    def __init__(self) -> None:
        self.error = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.error


@pytest.fixture
async def database(mongo_uri: str) -> AsyncIterator[Database]:
    async with own_database(mongo_uri) as opened:
        yield opened


@pytest.fixture
def wall() -> WrongWall:
    return WrongWall()


@pytest.fixture
def api(database: Database, wall: WrongWall) -> ApiContext:
    """With days so short that a record is due 1.5 s after it was created."""
    clock = WatchedClock(CheckedClock(database, wall))
    return replace(context(database, day=SHORT_DAY), clock=clock)


@pytest.mark.parametrize("error", [HOUR, -HOUR, timedelta(seconds=40)])
async def test_by_a_clock_that_is_wrong_no_order_is_stored_until_it_is_right_again(
    api: ApiContext, database: Database, wall: WrongWall, error: timedelta
) -> None:
    async with client_of(api) as client:
        with capture_logs() as lines:
            wall.error = error
            operations = {"operations": [order(1), {"broken": True}]}
            refused = [await client.put("/api/orderrecords", json=operations) for _ in range(3)]
        for each in refused:
            assert each.status_code == 503
            assert 1 <= int(each.headers["retry-after"]) <= 5
            assert places(each) == [""]
            assert "clock" in each.json()[0]["description"]
        critical = [line for line in lines if line["log_level"] == "critical"]
        assert [line["event"] for line in critical] == ["no order is stored until the clocks agree"]
        assert metrics.CLOCK_STOPPED._value.get() == 1
        assert await database.records.count_documents({}) == 0

        wall.error = timedelta()
        assert (await put(client, order(1)))["details"][0]["status"] == "CREATED"
        assert metrics.CLOCK_STOPPED._value.get() == 0


async def test_a_difference_that_is_allowed_stops_nothing(api: ApiContext, wall: WrongWall) -> None:
    wall.error = timedelta(seconds=-20)
    async with client_of(api) as client:
        assert (await put(client, order(1)))["details"][0]["status"] == "CREATED"


@pytest.mark.parametrize("error", [-HOUR, HOUR])
async def test_no_clock_shows_a_person_past_the_date(
    api: ApiContext, wall: WrongWall, error: timedelta
) -> None:
    async with client_of(api) as client:
        identifier = (await put(client, order(1)))["details"][0]["orderRecord"]["id"]
        wall.error = error
        await asyncio.sleep(1.6)
        found = await client.post("/api/orderrecords/search", json={"query": {"anonymized": {"eq": True}}})
        listed = (await client.get("/api/orderrecords")).json()["orderRecords"]
        shown = await client.get(f"/api/orderrecords/{identifier}")
    if error > timedelta():  # by that clock the record is gone, and it is there again when it is right
        assert [found.json()["orderRecords"], listed, shown.status_code] == [[], [], 404]
    else:
        assert [record["anonymized"] for record in (*found.json()["orderRecords"], *listed)] == [True, True]
        assert shown.json()["anonymized"] is True
        assert "consumer" not in shown.json() or shown.json()["consumer"].keys() <= {"addresses"}


async def test_mongodb_is_asked_for_its_time_once_in_five_seconds_and_not_by_every_request(
    api: ApiContext, database: Database
) -> None:
    async def asked() -> int:
        status = await database.client.admin.command("serverStatus")
        hellos: int = status["metrics"]["commands"]["hello"]["total"]
        return hellos

    async with client_of(api) as client:
        for _ in range(2):  # at first, each new connection of the pool says hello as well
            before = await asked()
            await asyncio.gather(*(client.get("/api/orderrecords/x") for _ in range(60)))
        assert await asked() - before < 10
