"""An order made ready to be stored: what counts as the same content, and what the document holds."""

from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import bson
import orjson
import pytest
from bson.codec_options import CodecOptions
from pydantic import TypeAdapter, ValidationError

from local.samples.orders import sample_order
from records.dates import lifecycle_dates
from records.identity import NaturalKey, line_id, record_id
from records.keys import RecordKeys
from records.payload import OrderPayload
from records.policy import DateRules, GdprPolicy
from records.reasons import Refused
from records.record import PreparedRecord, RecordRules, content_digest, prepare
from records.totals import price_breakdown

AT = datetime(2026, 11, 23, 10, 0, 0, 127_000, tzinfo=UTC)
KEYS = RecordKeys.derive(bytes(range(32)))
RULES = RecordRules(KEYS, GdprPolicy(version=3), DateRules())
NAME = NaturalKey.of_order("ORD-1")
ADAPTER = TypeAdapter(OrderPayload)
DATES = {"gdprCleanupDate": "2026-12-23T10:00:00.000Z", "deletionDate": "2027-12-23T10:00:00.000Z"}
ORDERS = [sample_order(8, number, at=AT) | (DATES if number % 3 == 0 else {}) for number in range(12)]
numbered = pytest.mark.parametrize("number", range(12))


def valid(order: Any) -> OrderPayload:
    return ADAPTER.validate_json(orjson.dumps(order))


def prepared(order: Any, name: NaturalKey = NAME, created: datetime = AT) -> PreparedRecord:
    return prepare(valid(order), name, created, RULES)


def digest(order: Any) -> bytes:
    return prepared(order).content_digest


def document(record: PreparedRecord) -> dict[str, Any]:
    return bson.decode(record.document, CodecOptions(tz_aware=True))


def without_nulls(order: Any) -> OrderPayload:
    validated: Any = valid(order)
    for holder in (validated, *validated["lineItems"]):
        if holder.get("customAttributes", 0) is None:
            del holder["customAttributes"]
    return validated  # type: ignore[no-any-return]


def reversed_members(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: reversed_members(value[name]) for name in reversed(value)}
    return [reversed_members(child) for child in value] if isinstance(value, list) else value


def in_another_time_zone(value: Any) -> Any:
    """The same instants, written as a clock in Kathmandu shows them."""
    if isinstance(value, dict):
        return {
            name: _shifted(child) if name.endswith("Date") else in_another_time_zone(child)
            for name, child in value.items()
        }
    return [in_another_time_zone(child) for child in value] if isinstance(value, list) else value


def _shifted(instant: str) -> str:
    return datetime.fromisoformat(instant).astimezone(timezone(timedelta(hours=5, minutes=45))).isoformat()


def changes(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], list[Any]]]:
    """Every value of an order with other values for it, of which the schema takes at least one."""
    if isinstance(node, dict | list):
        for name, child in node.items() if isinstance(node, dict) else enumerate(node):
            yield from changes(child, (*path, name))
    elif isinstance(node, bool):
        yield path, [not node]
    elif isinstance(node, int | float):
        yield path, [node + 1, node - 1]
    elif isinstance(node, str):
        dates = ["2026-12-01T00:00:00.001Z", "2027-11-01T00:00:00.001Z"]
        closed = ["USD", "JPY", "FAILED", "REFUNDED", "tax", "shop", "STRING", "NUMBER", "P5Y", "P7M"]
        yield (
            path,
            dates if str(path[-1]).endswith("Date") else [o for o in (node + "x", *closed) if o != node],
        )


def with_value(order: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = node = deepcopy(order)
    for part in path[:-1]:
        node = node[part]
    node[path[-1]] = value
    return changed


def lists(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], list[Any]]]:
    if isinstance(node, list):
        yield path, node
    for name, child in node.items() if isinstance(node, dict) else enumerate(node):
        if isinstance(child, dict | list):
            yield from lists(child, (*path, name))


@numbered
def test_content_is_the_same_whatever_the_order_of_members_and_the_time_zone(number: int) -> None:
    order = ORDERS[number]

    assert digest(reversed_members(order)) == digest(order)
    assert digest(in_another_time_zone(order)) == digest(order)


@numbered
def test_null_and_absent_custom_attributes_are_the_same_content(number: int) -> None:
    order = deepcopy(ORDERS[number])
    for holder in (order, *order["lineItems"]):
        holder.pop("customAttributes", None)
    with_nulls = order | {"customAttributes": None}
    with_nulls["lineItems"] = [line | {"customAttributes": None} for line in order["lineItems"]]

    assert digest(with_nulls) == digest(order)
    assert "customAttributes" not in document(prepared(with_nulls))
    assert digest(order | {"customAttributes": {}}) != digest(order)


@pytest.mark.parametrize(("currency", "places"), [("EUR", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4), ("XAU", 2)])
def test_the_currencys_own_decimal_places_may_be_said_or_not(currency: str, places: int) -> None:
    def paid(**more: int) -> Any:
        return ORDERS[0] | {"payments": [{"value": {"value": 1, "currency": currency, **more}}]}

    assert digest(paid()) == digest(paid(decimalPlaces=places))
    assert digest(paid()) != digest(paid(decimalPlaces=places + 1))


@numbered
def test_any_other_value_is_other_content(number: int) -> None:
    order = ORDERS[number]
    known = {digest(order)}
    for path, others in changes(order):
        for other in others:
            try:
                changed = prepared(with_value(order, path, other)).content_digest
            except (ValidationError, Refused):
                continue
            assert changed not in known, path
            known.add(changed)
            break
        else:
            assert path == ("origin", "type")  # the only one of its kind
    assert len(known) > 20


@numbered
def test_a_missing_member_is_other_content(number: int) -> None:
    order = ORDERS[number]
    optional = set(order) - OrderPayload.__required_keys__ - {"tenantOrderRecordId"}

    for name in optional:
        without = {member: value for member, value in order.items() if member != name}
        assert (digest(without) == digest(order)) == (order[name] is None)


@numbered
def test_another_order_of_a_list_is_other_content(number: int) -> None:
    for path, items in lists(ORDERS[number]):
        if items != items[::-1]:
            assert digest(with_value(ORDERS[number], path, items[::-1])) != digest(ORDERS[number]), path


def test_the_senders_dates_are_part_of_the_content() -> None:
    order = ORDERS[1]

    seen = {digest(order | {n: DATES[n] for n in names}) for names in ([], [*DATES][:1], [*DATES][1:], DATES)}

    assert len(seen) == 4


def test_who_it_is_when_it_came_and_what_the_policy_makes_of_it_are_not_part_of_the_content() -> None:
    one = prepared(ORDERS[1])
    other = prepare(
        valid(ORDERS[1]),
        NaturalKey.of_event("/shop/1", "e-1"),
        AT + timedelta(days=3),
        RecordRules(KEYS, GdprPolicy(retention_time=1, version=9), DateRules()),
    )

    assert one.content_digest == other.content_digest
    assert (one.id, one.gdpr_cleanup_date) != (other.id, other.gdpr_cleanup_date)


def test_the_digest_says_its_version_and_is_worth_nothing_without_the_key() -> None:
    order = valid(ORDERS[2])

    assert content_digest(KEYS.content, order)[:1] == b"\x01"
    assert len(content_digest(KEYS.content, order)) == 33
    assert content_digest(KEYS.content, order) != content_digest(KEYS.identity, order)


@numbered
def test_the_document_is_the_order_with_ids_dates_and_private_members(number: int) -> None:
    order = without_nulls(ORDERS[number])
    dates = lifecycle_dates(order, AT, RULES.policy, RULES.dates)
    record = prepared(ORDERS[number])

    stored = document(record)

    assert stored["_id"] == record.id == record_id(KEYS.identity, NAME)
    assert [line.pop("id") for line in stored["lineItems"]] == [
        line_id(record.id, position) for position in range(len(stored["lineItems"]))
    ]
    breakdown = price_breakdown(order, "exclusive")
    if breakdown is not None:
        assert stored["pricing"].pop("total") == {"priceBreakdown": breakdown}
        order.setdefault("pricing", {})
    assert stored == {
        **order,
        "_id": record.id,
        "version": 1,
        "created": AT,
        "lastModified": AT,
        "anonymized": False,
        "gdprCleanupDate": dates.gdpr_cleanup_date,
        "deletionDate": dates.deletion_date,
        "datesBy": "sender" if number % 3 == 0 else "policy",
        "policyVersion": 3,
        "contentDigest": record.content_digest,
    }


@numbered
def test_every_delivery_of_an_order_makes_the_same_bytes(number: int) -> None:
    assert prepared(ORDERS[number]) == prepared(ORDERS[number])


# Worked out by hand from the key derivation and the canonical text, not with this code.
# Frozen: stored digests are compared with those of later builds. If it changed, every redelivery of an
# order would be a conflict; a new canonical form needs a new version byte beside this one.
def test_the_digest_of_one_order_never_changes() -> None:
    line = {"article": {"tenantArticleId": "A-1", "attributes": []}, "quantity": 1, "customAttributes": None}
    order = {"facilityRef": "f-1", "lineItems": [line], "orderRecordDate": "2026-11-23T11:00:00.1279+01:00"}
    order |= {
        "payments": [{"value": {"value": 1999, "currency": "EUR"}}],
        "tenantOrderRecordId": "ORD-Müller",
    }

    assert digest(order).hex() == "0182511fa1f4bb3e570e1cd8be21a08a84c6d69c4b2f97b295606ac49ac3e35682"
