"""The sample orders and the stream made of them."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from local.samples.broken import BROKEN
from local.samples.events import LabelledEvent, sample_events
from local.samples.orders import sample_order
from service.events import decode

AT = datetime(2026, 11, 23, 10, 0, 0, 127_000, tzinfo=UTC)

# Written down by hand from the contract's OrderRecordForCreation: every member at every depth.
MONEY = ("value", "currency", "decimalPlaces")
MEMBERS = {
    *("tenantOrderRecordId", "orderRecordDate", "facilityRef", "customAttributes"),
    *("consumer", "consumer.consumerId", "consumer.email", "consumer.addresses"),
    *(
        f"consumer.addresses.{name}"
        for name in (
            *("additionalAddressInfo", "city", "companyName", "country", "firstName"),
            *("houseNumber", "lastName", "postalCode", "province", "street"),
        )
    ),
    *("lineItems", "lineItems.quantity", "lineItems.measurementUnitKey", "lineItems.customAttributes"),
    *("lineItems.article", "lineItems.article.tenantArticleId", "lineItems.article.title"),
    "lineItems.article.attributes",
    *(
        f"lineItems.article.attributes.{name}"
        for name in ("key", "value", "category", "type", "priority", "keyLocalized", "valueLocalized")
    ),
    *("lineItems.returnPolicy", "lineItems.returnPolicy.isReturnable"),
    *("lineItems.returnPolicy.returnWindowEndDate", "lineItems.warranty"),
    *("lineItems.warranty.warrantyPeriod", "lineItems.warranty.warrantyStartDate"),
    *("origin", "origin.type", "origin.cashierId", "origin.terminalId", "payments"),
    *(
        f"payments.{name}"
        for name in ("paymentMethod", "receiptNumber", "status", "transactionId", "value", "taxValue")
    ),
    *("pricing", "pricing.discounts", "pricing.fees", "pricing.fees.name", "pricing.fees.value"),
    *(
        f"pricing.discounts.{name}"
        for name in (
            *("code", "context", "name", "nameLocalized"),
            *("percentage", "tenantDiscountId", "type", "value"),
        )
    ),
    *("pricing.taxes", "pricing.taxes.ratePercent", "pricing.taxes.scope", "pricing.taxes.type"),
    *("pricing.taxes.taxableValue", "pricing.taxes.value"),
    *(f"payments.value.{name}" for name in MONEY),
    *(f"payments.taxValue.{name}" for name in MONEY),
    *(f"pricing.discounts.value.{name}" for name in MONEY),
    *(f"pricing.fees.value.{name}" for name in MONEY),
    *(f"pricing.taxes.value.{name}" for name in MONEY),
    *(f"pricing.taxes.taxableValue.{name}" for name in MONEY),
}
FREE = {"customAttributes", "keyLocalized", "valueLocalized", "nameLocalized"}


def orders(seed: int, count: int = 500) -> list[dict[str, Any]]:
    return [sample_order(seed, number, at=AT) for number in range(count)]


def paths(value: Any, path: str = "") -> Iterator[str]:
    """The members of an order; what free JSON holds is the sender's."""
    if isinstance(value, list):
        for child in value:
            yield from paths(child, path)
    elif isinstance(value, dict):
        for name, child in value.items():
            here = f"{path}.{name}".lstrip(".")
            yield here
            if name not in FREE:
                yield from paths(child, here)


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for child in value.values() if isinstance(value, dict) else value:
            yield from leaves(child)
    else:
        yield value


def payments(seed: int) -> list[dict[str, Any]]:
    return [payment for order in orders(seed) for payment in order.get("payments", [])]


def discounts(seed: int) -> list[dict[str, Any]]:
    return [d for order in orders(seed) for d in order.get("pricing", {}).get("discounts", [])]


def test_the_same_seed_and_number_make_the_same_order_in_any_sequence() -> None:
    forward = orders(7, 50)
    backward = [sample_order(7, number, at=AT) for number in reversed(range(50))]

    assert forward == backward[::-1]


def test_no_two_seeds_or_numbers_share_an_order_id() -> None:
    ids = {order["tenantOrderRecordId"] for seed in (1, 11, 111) for order in orders(seed, 200)}

    assert len(ids) == 600


def test_an_order_belongs_to_its_caller_alone() -> None:
    for order in orders(3, 100):
        order["lineItems"][0]["article"]["attributes"].clear()
        for discount in order.get("pricing", {}).get("discounts", []):
            discount.get("nameLocalized", {}).clear()

    assert all(order["lineItems"][0]["article"]["attributes"] for order in orders(3))
    assert all(discount["nameLocalized"] for discount in discounts(3) if "nameLocalized" in discount)


@pytest.mark.parametrize("seed", [0, 1, 2, 20_261_123])
def test_any_500_orders_hold_every_member_of_the_contract_and_no_other(seed: int) -> None:
    assert {path for order in orders(seed) for path in paths(order)} == MEMBERS


def test_every_order_keeps_the_limits_that_the_design_adds() -> None:
    for order in orders(1, 1000):
        assert 1 <= len(order["lineItems"]) <= 20
        texts = [leaf for leaf in leaves(order) if isinstance(leaf, str)]
        assert max(map(len, texts)) <= 1024
        assert all(abs(leaf) <= 2**53 for leaf in leaves(order) if isinstance(leaf, int | float))
        assert len(orjson.dumps(order)) < 2**16


def test_an_order_is_completed_at_the_callers_time_whatever_offset_it_is_written_in() -> None:
    dates = [order["orderRecordDate"] for order in orders(1, 100)]

    assert {datetime.fromisoformat(date) for date in dates} == {AT}
    assert len(set(dates)) > 1


def test_orders_are_two_to_three_kilobytes_on_average_with_mostly_few_lines() -> None:
    many = orders(1, 1000)
    counts = Counter(len(order["lineItems"]) for order in many)

    assert 2000 < sum(len(orjson.dumps(order)) for order in many) / 1000 < 3000
    assert counts[1] + counts[2] + counts[3] > 700
    assert max(counts) == 20


def test_money_comes_with_no_two_and_three_decimals_and_sometimes_without_saying() -> None:
    said = {(p["value"]["currency"], p["value"].get("decimalPlaces")) for p in payments(1)}

    assert said >= {("EUR", 2), ("USD", 2), ("GBP", 2), ("JPY", 0), ("KWD", 3), ("EUR", None), ("JPY", None)}


def test_refunds_are_negative_and_every_payment_status_occurs() -> None:
    found = payments(1)
    refunded = [p for p in found if p["status"] in {"REFUNDED", "PARTIALLY_REFUNDED"}]

    assert {p["status"] for p in found} == {
        *("COMPLETED", "FAILED", "CANCELLED", "REFUNDED", "PARTIALLY_REFUNDED")
    }
    assert all(p["value"]["value"] <= 0 for p in refunded)


def test_every_type_of_discount_occurs_with_what_it_needs() -> None:
    found = discounts(1)

    assert {d["type"] for d in found} == {"PERCENTAGE", "ABSOLUTE", "COUPON", "STAFF"}
    assert all(0 <= d["percentage"] <= 100 for d in found if d["type"] == "PERCENTAGE")
    assert all("value" in d for d in found if d["type"] in {"ABSOLUTE", "COUPON"})
    assert all("code" in d for d in found if d["type"] == "COUPON")


def test_people_write_themselves_in_many_alphabets_also_outside_the_consumer() -> None:
    everything = orjson.dumps(orders(1)).decode()

    for name in ("Müller", "Łukasz", "Øystein", "Çelik", "Ángel", "Zoë", "Đorđe", "田中", "Παπαδόπουλος"):
        assert name in everything
    for member in ("giftMessage", "nameOnBack", "engraving", "serialNumber", "loyalty", "holder"):
        assert f'"{member}"' in everything


def test_some_orders_are_from_guests_and_some_from_companies() -> None:
    consumers = [order.get("consumer") for order in orders(1)]

    assert 20 < consumers.count(None) < 150
    assert any("companyName" in address for c in consumers if c for address in c["addresses"])


def events(count: int, start: int = 0) -> list[LabelledEvent]:
    return list(sample_events(5, count, at=AT, duplicates=0.1, broken=0.04, start=start))


def order_of(labelled: LabelledEvent) -> Any:
    value = orjson.loads(labelled.event.value or b"")
    return value.get("payload", value.get("data", value))


def test_a_stream_is_the_same_for_the_same_arguments() -> None:
    assert events(300) == events(300)


def test_a_stream_holds_the_shares_that_were_asked_for() -> None:
    kinds = Counter(labelled.kind for labelled in events(2000))
    broken = sum(kinds[kind] for kind in BROKEN)

    assert kinds.total() == 2000
    assert broken == 80
    assert 140 < kinds["duplicate"] < 250
    assert kinds["valid"] == 2000 - broken - kinds["duplicate"]


def test_broken_events_take_turns_also_where_a_stream_is_cut_in_pieces() -> None:
    pieces = [labelled for start in range(0, 5000, 50) for labelled in events(50, start)]
    kinds = Counter(labelled.kind for labelled in pieces)

    assert {kind for kind in BROKEN if kinds[kind]} == BROKEN.keys()


def test_a_duplicate_repeats_an_earlier_order_with_the_same_content() -> None:
    seen: dict[int, Any] = {}
    for labelled in events(1000):
        if labelled.kind == "valid":
            seen[labelled.number] = order_of(labelled)
        elif labelled.kind == "duplicate":
            assert order_of(labelled) == seen[labelled.number]


def test_all_three_forms_occur_keyed_by_the_order_and_all_valid_ones_are_accepted() -> None:
    content_types = set()
    for labelled in sample_events(6, 500, at=AT):
        incoming = decode(labelled.event.value, labelled.event.headers)
        assert incoming != "skipped"
        assert incoming.unknown_members == 0
        assert labelled.event.key == order_of(labelled)["tenantOrderRecordId"].encode()
        content_types.add(dict(labelled.event.headers).get("content-type"))

    assert content_types == {b"application/cloudevents+json", b"application/json", None}
