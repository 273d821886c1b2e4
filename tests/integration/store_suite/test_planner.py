"""The planner is compiled twice, for people and for MongoDB: both say and do the same to any record."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo import MongoClient
from pymongo.collection import Collection

from records.mongo.planner import (
    at_once_expression,
    below,
    fate_expression,
    recomputable,
    recompute_pipeline,
)
from records.planner import Fate, Planner
from tests.policy_plans import PLANNERS, WRITTEN, applied, odd_records, records

Record = dict[str, Any]

_FEW: Final = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
LISTS: Final = st.lists(records() | records(dates_by=("policy",)) | odd_records(), min_size=1, max_size=12)


@pytest.fixture
def collection(mongo_uri: str) -> Iterator[Collection[Record]]:
    with MongoClient[Record](mongo_uri, tz_aware=True) as client:
        name = f"test_{uuid4().hex[:12]}"
        yield client[name]["records"]
        client.drop_database(name)


@settings(max_examples=60, deadline=None, suppress_health_check=_FEW)
@given(PLANNERS, LISTS)
def test_mongodb_says_and_does_to_each_record_what_the_planner_says(
    collection: Collection[Record], planner: Planner, found: list[Record]
) -> None:
    collection.insert_many([{**each, "_id": f"{number:03}"} for number, each in enumerate(found)])
    try:
        stored = list(collection.find().sort("_id"))
        planned = [planner.plan(each) for each in stored]
        asked = [{"$sort": {"_id": 1}}, {"$project": expressions(planner)}]
        said = list(collection.aggregate(asked))
        assert [(Fate(row["fate"]), row["atOnce"]) for row in said] == [(p.fate, p.at_once) for p in planned]

        chosen = {row["_id"] for row in collection.find(recomputable(planner), {"_id": 1})}
        assert chosen == {
            each["_id"] for each, plan in zip(stored, planned, strict=True) if plan.fate in WRITTEN
        }
        collection.update_many(recomputable(planner), recompute_pipeline(planner))
        left = list(collection.find().sort("_id"))
        moved: Record = {row["_id"]: row.get("lastModified") for row in left}
        expected = [
            dict(applied(planner, each, moved[each["_id"]])) if each["_id"] in chosen else each
            for each in stored
        ]
        assert left == expected
        assert collection.count_documents(recomputable(planner)) == 0
    finally:
        collection.delete_many({})


def expressions(planner: Planner) -> Record:
    return {"fate": fate_expression(planner), "atOnce": at_once_expression(planner)}


@settings(max_examples=25, deadline=None, suppress_health_check=_FEW)
@given(PLANNERS, st.lists(records(), min_size=1, max_size=12))
def test_those_below_are_all_whose_dates_an_earlier_policy_has_set(
    collection: Collection[Record], planner: Planner, found: list[Record]
) -> None:
    collection.insert_many([{**each, "_id": f"{number:03}"} for number, each in enumerate(found)])
    try:
        fates = Counter(planner.plan(each).fate for each in found)
        assert collection.count_documents(below(planner)) == sum(
            fates[fate] for fate in (*WRITTEN, Fate.PAST, Fate.MALFORMED)
        )
    finally:
        collection.delete_many({})
