"""The erasure table is compiled twice, for the sweep and for reads: both leave the same of any record."""

from collections.abc import Iterator
from typing import Any, Final
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo import MongoClient
from pymongo.collection import Collection

from records.leftovers import leftovers
from records.mask import mask
from records.mongo.mask import anonymize_pipeline, scalars_pipeline
from tests.strategies import stored_records

Record = dict[str, Any]

EXAMPLES: Final = 60
RECORDS_AT_ONCE: Final = 8
_FEW: Final = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]


@pytest.fixture
def collection(mongo_uri: str) -> Iterator[Collection[Record]]:
    with MongoClient[Record](mongo_uri, tz_aware=True) as client:
        name = f"test_{uuid4().hex[:12]}"
        yield client[name]["records"]
        client.drop_database(name)


def assert_alike(collection: Collection[Record], records: list[Record]) -> None:
    """Both compilations, applied to each record as it is stored, leave the same."""
    collection.insert_many(records)
    try:
        stored = list(collection.find().sort("_id"))
        collection.update_many({}, anonymize_pipeline())
        overgrown = [
            left["_id"] for left in collection.find() if any(each.overgrown for each in leftovers(left))
        ]
        collection.update_many({"_id": {"$in": overgrown}}, scalars_pipeline())
        for record, left in zip(stored, collection.find().sort("_id"), strict=True):
            assert typed(left) == typed(mask(record))
    finally:
        collection.delete_many({})


def not_yet(records: list[Record]) -> list[Record]:
    return [{**record, "_id": str(i), "anonymized": False} for i, record in enumerate(records)]


@settings(max_examples=EXAMPLES // 6, deadline=None, suppress_health_check=_FEW)
@given(records=st.lists(stored_records(), min_size=1, max_size=RECORDS_AT_ONCE).map(not_yet))
def test_what_takes_out_objects_in_the_place_of_values_leaves_all_else(
    collection: Collection[Record], records: list[Record]
) -> None:
    collection.insert_many([mask(record) for record in records])
    try:
        before = list(collection.find().sort("_id"))
        collection.update_many({}, scalars_pipeline())
        assert [typed(left) for left in collection.find().sort("_id")] == [typed(each) for each in before]
    finally:
        collection.delete_many({})


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=_FEW)
@given(records=st.lists(stored_records(), min_size=1, max_size=RECORDS_AT_ONCE).map(not_yet))
def test_the_sweep_leaves_what_reads_show(collection: Collection[Record], records: list[Record]) -> None:
    assert_alike(collection, records)


ODD: Final = [
    {"consumer": [{"addresses": [{"country": "DE"}]}]},
    {"consumer": {"addresses": {"country": "DE"}}},
    {"consumer": {"addresses": [[{"country": "DE"}], None, "DE", {"country": None, "city": "Bonn"}]}},
    {"lineItems": None, "payments": "none", "origin": 7, "pricing": {"taxes": None, "fees": {}}},
    {"lineItems": [{"article": {"attributes": [["salesPrice"], {"category": ["salesPrice"]}, {}]}}]},
    {"lineItems": [{"article": [{"attributes": [{"category": "tax"}]}], "returnPolicy": []}]},
    {"payments": [{"paymentMethod": None}, {"paymentMethod": ["CARD"]}, {"paymentMethod": {}}, {}]},
    {"pricing": {"discounts": [{"type": None}, {"type": ["COUPON"]}, {"type": "COUPON"}, {}]}},
    {"pricing": {"total": {"priceBreakdown": {"totalDiscounts": {"breakdown": None, "value": 3}}}}},
    {"facilityRef": "$consumer.email", "consumer": {"email": "e@example.com"}, "unknown": {"x": 1}},
    {"facilityRef": None, "orderRecordDate": None, "tenantOrderRecordId": {"kept": "no more"}},
    {"facilityRef": ["x"], "lineItems": [{"article": {"title": {"de": "x"}}, "quantity": []}, {"id": {}}]},
    {
        "payments": [
            {"value": {"value": {"x": 1}, "currency": ["EUR"]}, "status": {}, "paymentMethod": "VISA"}
        ]
    },
    {"pricing": {"taxes": [{"ratePercent": [7]}], "discounts": [{"type": "COUPON", "percentage": {}}]}},
    {"policyVersion": [1], "datesBy": {}, "created": [None], "origin": {"type": ["POS"], "terminalId": {}}},
]


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_the_sweep_leaves_what_reads_show_of_oddities(collection: Collection[Record], odd: Record) -> None:
    private = {"_id": "1", "version": 1, "anonymized": False, "gdprCleanupDate": None}
    assert_alike(collection, [private | odd])


def typed(value: Any) -> Any:
    """The value such that 1, 1.0 and true differ."""
    if isinstance(value, dict):
        return {name: typed(member) for name, member in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    return (type(value), value)
