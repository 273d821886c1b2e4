"""What the decoder of orders takes and refuses, where the contract's words say more than a schema can.

Names, types, limits and what is required: test_api_contract.py.
"""

import hashlib
from typing import Any

import orjson
import pytest
from pydantic import TypeAdapter, ValidationError

from records.payload import OrderPayload
from tests.contract.order_contract import CURRENCIES_SHA256

ADAPTER = TypeAdapter(OrderPayload)
SCHEMA = ADAPTER.json_schema()
LINE = {"article": {"tenantArticleId": "A-1", "attributes": []}, "quantity": 1}
LEAST = {"orderRecordDate": "2026-06-17T12:00:00Z", "facilityRef": "f", "lineItems": [LINE]}
NOTE_LIMIT = 15_360 - len('{"note":""}')


def validate(**members: Any) -> Any:
    return ADAPTER.validate_json(orjson.dumps(LEAST | members))


def test_the_currencies_are_the_contracts() -> None:
    codes = SCHEMA["$defs"]["MonetaryValue"]["properties"]["currency"]["enum"]

    assert hashlib.sha256(",".join(sorted(codes)).encode()).hexdigest() == CURRENCIES_SHA256


@pytest.mark.parametrize("name", ["", *sorted(SCHEMA["$defs"])])
def test_every_object_is_closed_so_that_unknown_members_can_be_counted(name: str) -> None:
    assert (SCHEMA["$defs"][name] if name else SCHEMA)["additionalProperties"] is False


def test_an_order_of_nothing_but_the_required_members_is_valid() -> None:
    assert validate()["lineItems"] == [LINE]


@pytest.mark.parametrize(
    "discount",
    [
        {"type": "PERCENTAGE", "value": {"value": 1, "currency": "EUR"}},
        {"type": "ABSOLUTE", "percentage": 10},
        {"type": "PERCENTAGE", "percentage": 100.001},
    ],
)
def test_a_discount_needs_what_the_contract_requires_of_its_type(discount: Any) -> None:
    with pytest.raises(ValidationError):
        validate(pricing={"discounts": [discount]})


@pytest.mark.parametrize("discount", [{}, {"type": "COUPON"}, {"type": "PERCENTAGE", "percentage": 0}])
def test_other_discounts_are_free(discount: Any) -> None:
    assert validate(pricing={"discounts": [discount]})["pricing"]["discounts"] == [discount]


@pytest.mark.parametrize("period", ["P2Y", "-P1Y2M3DT4H5M6S", "P3W", "PT1H", "P", "PT"])
def test_a_warranty_is_any_duration_that_the_contracts_pattern_takes(period: str) -> None:
    line = LINE | {"warranty": {"warrantyPeriod": period}}

    assert validate(lineItems=[line])["lineItems"] == [line]


@pytest.mark.parametrize("period", ["P٢Y", "P1Y\n", "xP1Y", "P1W2D", "1Y"])
def test_a_warranty_is_nothing_else(period: str) -> None:
    with pytest.raises(ValidationError):
        validate(lineItems=[LINE | {"warranty": {"warrantyPeriod": period}}])


@pytest.mark.parametrize("holder", ["order", "line"])
def test_custom_attributes_hold_15360_characters_as_json_and_not_one_more(holder: str) -> None:
    def send(characters: int) -> Any:
        attributes = {"customAttributes": {"note": "ü" * characters}}
        return validate(**(attributes if holder == "order" else {"lineItems": [LINE | attributes]}))

    send(NOTE_LIMIT)
    with pytest.raises(ValidationError):
        send(NOTE_LIMIT + 1)


@pytest.mark.parametrize("attributes", [None, {}, {"a": {"b": [1, None, {"c": "$x.y"}]}}])
def test_custom_attributes_may_be_null_and_nest(attributes: Any) -> None:
    assert validate(customAttributes=attributes)["customAttributes"] == attributes


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-06-17 12:00:00+00:00", "2026-06-17T12:00:00+00:00"),  # as the contract's examples write it
        ("2026-06-17t14:30:00.1239z", "2026-06-17T14:30:00.123000+00:00"),
        ("2026-06-17T12:00:00.123456789+05:30", "2026-06-17T06:30:00.123000+00:00"),
        ("2026-06-17T23:59:59.9999-23:59", "2026-06-18T23:58:59.999000+00:00"),
    ],
)
def test_a_date_time_is_read_as_utc_and_cut_to_milliseconds(text: str, instant: str) -> None:
    assert validate(orderRecordDate=text)["orderRecordDate"].isoformat() == instant


@pytest.mark.parametrize(
    "text",
    [
        *("2026-11-23T10:00:00+00:60", "2026-11-23T10:00:00-05:99", "2026-11-23T10:00:00+24:00"),
        *("2026-11-23T24:00:00Z", "2026-11-23T10:00:60Z", "2026-11-23T10:60:00Z", "2026-02-29T00:00:00Z"),
        *("0000-01-01T00:00:00Z", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"),
        *("2026-11-23T10:00:00.Z", "2026-11-23T10:00:00.1234567890Z", "٢026-11-23T10:00:00Z"),
    ],
)
def test_a_time_that_no_clock_shows_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        validate(orderRecordDate=text)
