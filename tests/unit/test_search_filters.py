"""A filter asks what is seen, in words that are all ours."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given

from records.erasure import Erase, Keep
from records.expired import as_seen_filter, rule_at
from records.filters import EVERYTHING, AllOf, AnyOf, Compare, Exists, Filter
from records.mongo.search_filters import compile_filter
from records.search import parse_search
from tests.search_model import QUERIES

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)


def query(**members: Any) -> Filter:
    return parse_search(orjson.dumps({"query": members})).query


@given(search=QUERIES)
def test_nothing_of_the_sender_becomes_a_name_or_an_operator(search: dict[str, Any]) -> None:
    tree = as_seen_filter(query(**search), NOW)
    ours = {"$and", "$or", "$elemMatch", "$exists", "$eq", "$ne", "$in", "$nin", "$gt", "$gte", "$lt", "$lte"}
    compiled = compile_filter(tree, now=NOW, identity_key=bytes(32))
    names = set(names_in(compiled))
    assert {name for name in names if name.startswith("$")} <= ours
    assert all(name.startswith("$") or rule_or_list(name) for name in names)


def names_in(node: Any) -> list[str]:
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    own = [*node] if isinstance(node, dict) else []
    return own + [name for child in children for name in names_in(child)]


def rule_or_list(name: str) -> bool:
    inner = ("lastName", "companyName", "article.tenantArticleId", "receiptNumber", "transactionId")
    return name in inner or not isinstance(rule_at(name.removesuffix(".0")), Erase) or name in ERASABLE


ERASABLE = ("consumer.consumerId", "origin.cashierId")


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        *(("consumer.consumerId", False), ("consumer.addresses.lastName", False)),
        *(("consumer.addresses.companyName", False), ("origin.cashierId", False)),
        *(("payments.transactionId", False), ("payments.receiptNumber", True), ("origin.terminalId", True)),
        *(("tenantOrderRecordId", True), ("lineItems.article.tenantArticleId", True)),
        *(("orderRecordDate", True), ("facilityRef", True), ("unheard.of", False)),
    ],
)
def test_each_filter_is_on_a_member_that_is_kept_or_erased_whole(path: str, *, kept: bool) -> None:
    assert isinstance(rule_at(path), Keep if kept else Erase)


def test_a_search_that_asks_only_for_kept_members_needs_one_reading() -> None:
    visible = Compare("deletionDate", "gt", NOW)
    assert as_seen_filter(EVERYTHING, NOW) == visible
    kept = query(facilityRef={"eq": "x"}, payments={"contains": {"receiptNumber": {"notEq": "x"}}})
    assert isinstance(kept, AllOf)
    assert as_seen_filter(kept, NOW) == AllOf((visible, *kept.filters))


def test_a_search_for_an_erased_value_looks_only_at_what_is_not_expired() -> None:
    name = query(consumer={"addresses": {"contains": {"lastName": {"eq": "x"}}}})
    not_expired = Compare("gdprCleanupDate", "gt", NOW)
    assert as_seen_filter(name, NOW) == AllOf((Compare("deletionDate", "gt", NOW), not_expired, name))


def test_an_expired_record_is_anonymized_already() -> None:
    visible, expired = Compare("deletionDate", "gt", NOW), Compare("gdprCleanupDate", "lte", NOW)
    anonymized = query(anonymized={"eq": True})
    stored = AllOf((Compare("gdprCleanupDate", "gt", NOW), anonymized))
    assert as_seen_filter(anonymized, NOW) == AllOf((visible, AnyOf((stored, expired))))
    not_anonymized = query(anonymized={"eq": False})
    assert as_seen_filter(not_anonymized, NOW) == AllOf(
        (visible, Compare("gdprCleanupDate", "gt", NOW), not_anonymized)
    )


def test_an_expired_record_is_unequal_to_every_erased_value() -> None:
    other_name = query(consumer={"addresses": {"contains": {"lastName": {"notEq": "x"}}}})
    seen = as_seen_filter(other_name, NOW)
    expired = AllOf((Compare("gdprCleanupDate", "lte", NOW), Exists("consumer.addresses", exists=True)))
    not_expired = AllOf((Compare("gdprCleanupDate", "gt", NOW), other_name))
    assert seen == AllOf((Compare("deletionDate", "gt", NOW), AnyOf((not_expired, expired))))
