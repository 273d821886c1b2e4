"""The erasure table against the schema and against the design: nobody forgets a member."""

from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import pytest
from typing_extensions import get_type_hints, is_typeddict

from records.erasure import (
    DISCOUNT_TYPES,
    ERASURE_TABLE,
    PAYMENT_METHODS,
    PRICE_CATEGORIES,
    Each,
    Erase,
    Keep,
    KeepAmong,
    Members,
    Rule,
)
from records.payload import OrderPayload
from tests import kept_paths

# What MongoDB holds beside the order: written down by hand from the design's section 5 and the contract's
# OrderRecord. Whoever stores another member adds it here and gives it a row.
_STORED: set[str] = {
    *("_id", "version", "created", "lastModified", "anonymized", "gdprCleanupDate", "deletionDate"),
    *("datesBy", "policyVersion", "contentDigest", "lineItems.id", "pricing.total"),
    "pricing.total.priceBreakdown",
}
_TOTALS = ("subTotal", "total", "totalFees", "totalLineItemSurcharges", "totalTaxes", "totalDiscounts.value")
_BREAKDOWN = ("totalDiscounts.breakdown.lineItemDiscounts", "totalDiscounts.breakdown.orderDiscounts")
_STORED |= {
    f"pricing.total.priceBreakdown.{path}"
    for amount in (*_TOTALS, *_BREAKDOWN)
    for path in (amount, f"{amount}.value", f"{amount}.currency", f"{amount}.decimalPlaces")
} | {f"pricing.total.priceBreakdown.{path}" for path in ("totalDiscounts", "totalDiscounts.breakdown")}


def members_of_schema(annotation: Any, path: str = "") -> Iterator[str]:
    """The paths of all members below a TypedDict; lists are walked through."""
    if is_typeddict(annotation):
        for name, child in get_type_hints(annotation).items():
            yield f"{path}.{name}".lstrip(".")
            yield from members_of_schema(child, f"{path}.{name}".lstrip("."))
    elif get_origin(annotation) in (Annotated, list, Union, UnionType):
        for argument in get_args(annotation):
            yield from members_of_schema(argument, path)


def rows(rule: Rule, path: str = "") -> Iterator[tuple[str, Rule]]:
    """The rows of the table, each with its path."""
    if isinstance(rule, Each):
        yield from rows(rule.rules, path)
    elif isinstance(rule, Members):
        for name, child in rule.rules.items():
            here = f"{path}.{name}".lstrip(".")
            yield here, child
            yield from rows(child, here)


ROWS = dict(rows(ERASURE_TABLE))
SCHEMA = {*members_of_schema(OrderPayload)} | _STORED


@pytest.mark.parametrize("member", sorted(SCHEMA))
def test_every_member_of_a_stored_record_has_a_row(member: str) -> None:
    assert member in ROWS


@pytest.mark.parametrize("path", sorted(ROWS))
def test_every_row_is_about_a_member_that_records_have(path: str) -> None:
    assert path in SCHEMA


def test_the_walk_reaches_the_deepest_members() -> None:
    assert {
        *("consumer.addresses.lastName", "lineItems.article.attributes.valueLocalized"),
        *("pricing.discounts.value.decimalPlaces", "lineItems.warranty.warrantyStartDate", "origin.type"),
    } <= SCHEMA
    assert len(SCHEMA) > 120


def test_exactly_the_members_that_the_design_keeps_are_kept() -> None:
    kept = {path for path, rule in ROWS.items() if isinstance(rule, Keep | KeepAmong)}

    assert kept == kept_paths.KEPT


def test_kept_only_among_closed_lists_are_payment_methods_and_types_of_discount() -> None:
    among = {path: rule for path, rule in ROWS.items() if isinstance(rule, KeepAmong)}

    assert among == {
        "payments.paymentMethod": KeepAmong(PAYMENT_METHODS, otherwise="OTHER"),
        "pricing.discounts.type": KeepAmong(DISCOUNT_TYPES),
    }
    assert set(PAYMENT_METHODS) == kept_paths.PAYMENT_METHODS
    assert set(DISCOUNT_TYPES) == kept_paths.DISCOUNT_TYPES


def test_attributes_are_the_only_list_whose_objects_may_go_whole() -> None:
    chosen = {path: rule.only_categories for path, rule in ROWS.items() if isinstance(rule, Each)}

    assert {path for path, only in chosen.items() if only} == {"lineItems.article.attributes"}
    assert set(chosen["lineItems.article.attributes"]) == kept_paths.PRICE_CATEGORIES == set(PRICE_CATEGORIES)


def test_every_erasure_says_why() -> None:
    assert all(rule.why for rule in ROWS.values() if isinstance(rule, Erase))
