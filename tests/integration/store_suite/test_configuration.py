"""What is configured in the database: the first start decides, and what may never change is held."""

import asyncio

import pytest

from records.mongo.client import Database
from records.mongo.configuration import enable_on_first_start, order_records_enabled
from records.mongo.errors import StoreUnavailable
from records.mongo.indexes import build_indexes, missing_indexes
from records.mongo.policies import CachedPolicy, first_policy, gdpr_policy
from records.mongo.search_indexes import SEARCH_INDEXES
from records.mongo.startup import SettingsDiffer, require_indexes, start_up
from records.mongo.state import bind
from records.policy import GdprPolicy


async def test_orders_are_not_taken_until_somebody_enables_them(bare_database: Database) -> None:
    assert not await order_records_enabled(bare_database)


@pytest.mark.parametrize("enabled", [True, False])
async def test_the_first_start_decides_whether_orders_are_taken(
    bare_database: Database, *, enabled: bool
) -> None:
    await enable_on_first_start(bare_database, enabled=enabled)
    await enable_on_first_start(bare_database, enabled=not enabled)
    assert await order_records_enabled(bare_database) is enabled


async def test_without_a_stored_policy_the_contracts_default_holds(bare_database: Database) -> None:
    assert await gdpr_policy(bare_database) == GdprPolicy(30, 180, actor_anonymization=True, version=0)


async def test_the_first_policy_stays(bare_database: Database) -> None:
    policy = GdprPolicy(10, 20, actor_anonymization=False, version=1)
    await first_policy(bare_database, policy)
    await first_policy(bare_database, GdprPolicy(1, 2, version=9))
    assert await gdpr_policy(bare_database) == policy
    assert await CachedPolicy(bare_database).get() == policy


async def test_settings_are_bound_at_the_first_start(bare_database: Database) -> None:
    bound = {"BASE": "created", "LOG_NAME": "order-records"}
    assert await bind(bare_database, bound) == []
    assert await bind(bare_database, bound) == []
    assert await bind(bare_database, {**bound, "LOG_NAME": "other"}) == ["LOG_NAME"]
    assert await bind(bare_database, {"BASE": "orderRecordDate", "LOG_NAME": "x"}) == ["BASE", "LOG_NAME"]
    assert await bind(bare_database, bound) == []


async def test_a_setting_that_was_never_bound_is_bound_when_first_seen(bare_database: Database) -> None:
    assert await bind(bare_database, {"BASE": "created"}) == []
    assert await bind(bare_database, {"BASE": "created", "DAY": "86400"}) == []
    assert await bind(bare_database, {"DAY": "1"}) == ["DAY"]


async def test_processes_that_start_together_agree(bare_database: Database) -> None:
    answers = await asyncio.gather(*(bind(bare_database, {"BASE": base}) for base in "aabbb"))
    winner = (await bare_database.state.find_one({"_id": "bound"}) or {})["BASE"]
    assert answers == [[] if base == winner else ["BASE"] for base in "aabbb"]


async def test_a_process_whose_settings_differ_does_not_start(bare_database: Database) -> None:
    await start_up(bare_database, {"BASE": "created"}, enabled=True)
    with pytest.raises(SettingsDiffer, match=r"^BASE: differs") as failure:
        await start_up(bare_database, {"BASE": "orderRecordDate"}, enabled=False)
    assert "orderRecordDate" not in str(failure.value)
    assert await order_records_enabled(bare_database)


async def test_a_start_that_does_not_say_leaves_the_flag_alone(bare_database: Database) -> None:
    await start_up(bare_database, {}, enabled=None)
    assert await bare_database.state.find_one({"_id": "orderrecords"}) is None


async def test_missing_indexes_are_named_and_built(bare_database: Database) -> None:
    every = [
        "records.cleanup_due",
        "records.deletion_due",
        "records.by_policy",
        "records.sweep_retry",
        "erasure_ledger.expiry",
        "quarantine.quarantine_due",
        "quarantine.quarantine_by_time",
        "quarantine.quarantine_by_record",
        "quarantine.sweep_retry",
        "quarantine.expiry",
        "outbox.by_n",
        "outbox.by_time",
    ]
    assert await missing_indexes(bare_database, search=False) == every
    for_search = {f"records.{index.document['name']}" for index in SEARCH_INDEXES}
    assert set(await missing_indexes(bare_database)) == {*every, *for_search}
    with pytest.raises(StoreUnavailable, match=r"records\.cleanup_due"):
        await require_indexes(bare_database)
    await build_indexes(bare_database)
    await build_indexes(bare_database)
    assert await missing_indexes(bare_database) == []
    await require_indexes(bare_database)
    await bare_database.records.drop_index("deletion_due")
    assert await missing_indexes(bare_database) == ["records.deletion_due"]
