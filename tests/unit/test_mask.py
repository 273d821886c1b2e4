"""The erasure table applied to a document: what is erased is gone, what is kept is untouched."""

from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from records.leftovers import Leftover, is_bare, leftovers
from records.mask import mask
from tests.kept_paths import DISCOUNT_TYPES, KEPT, PAYMENT_METHODS, PRICE_CATEGORIES
from tests.strategies import CANARIES, CANARY, shaped_records, stored_records

Record = dict[str, Any]
ODD_VALUES: st.SearchStrategy[Any] = st.sampled_from(
    [None, "", 0, {}, [], {"x": 1}, [None], [{}], [[]], ["x"]]
)
ACT = {"anonymized", "version", "lastModified"}
ATTRIBUTES = "lineItems.article.attributes"


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that is no container, with the path of its names."""
    if isinstance(value, dict):
        for name, child in value.items():
            yield from leaves(child, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        for child in value:
            yield from leaves(child, path)
    else:
        yield path, value


def kept_leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """What is left by the design's table, worked out from the hand-written paths."""
    if path == ATTRIBUTES and isinstance(value, list):
        value = [attribute for attribute in value if attribute.get("category") in PRICE_CATEGORIES]
    if isinstance(value, dict):
        for name, child in value.items():
            yield from kept_leaves(child, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        for child in value:
            yield from kept_leaves(child, path)
    elif path == "payments.paymentMethod":
        yield path, value if value in PAYMENT_METHODS else "OTHER"
    elif path == "pricing.discounts.type":
        yield from [(path, value)] if value in DISCOUNT_TYPES else []
    elif path in KEPT or (value is None and any(kept.startswith(f"{path}.") for kept in KEPT)):
        yield path, value


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of a document, itself first."""
    if isinstance(value, dict):
        yield value
    for child in value.values() if isinstance(value, dict) else value:
        if isinstance(child, dict | list):
            yield from objects(child)


@given(stored_records())
def test_doing_it_twice_changes_nothing_more_and_never_the_record_that_was_handed_over(
    record: Record,
) -> None:
    before = deepcopy(record)

    once = mask(record)

    assert mask(once) == once
    assert record == before


@given(stored_records(personal=CANARIES))
def test_nothing_that_may_name_a_person_is_left_whoever_stored_it(record: Record) -> None:
    assert CANARY not in repr(mask(record))


@settings(max_examples=20)
@given(shaped_records(personal=CANARIES, full=True))
def test_of_a_record_with_every_member_nothing_that_may_name_a_person_is_left(record: Record) -> None:
    assert repr(record).count(CANARY) >= 25  # the search below would find it
    assert CANARY not in repr(mask(record))


@given(shaped_records())
def test_exactly_the_designs_members_are_kept_and_their_values_are_the_same(record: Record) -> None:
    def values(found: Iterator[tuple[str, Any]]) -> Counter[tuple[str, str]]:
        return Counter((path, repr(value)) for path, value in found if path not in ACT)

    assert values(leaves(mask(record))) == values(kept_leaves(record))


@settings(max_examples=20)
@given(shaped_records(full=True))
def test_a_full_record_keeps_every_member_of_the_designs_table(record: Record) -> None:
    left = {path for path, _ in leaves(mask(record))}

    by_chance = {"pricing.discounts.type", *(path for path in KEPT if path.startswith(ATTRIBUTES))}
    assert KEPT - by_chance <= left <= KEPT


@given(stored_records())
def test_absent_stays_absent_and_null_stays_null(record: Record) -> None:
    masked = mask(record)

    assert masked.keys() - ACT <= record.keys()
    for name, value in masked.items():
        if isinstance(value, dict):
            assert value.keys() <= record[name].keys()
        assert (value is None) == (record.get(name) is None)


@given(stored_records())
def test_lists_keep_their_objects_in_order_except_attributes_that_are_no_prices(record: Record) -> None:
    lines = [line for line in mask(record).get("lineItems") or [] if "id" in line]

    stored = record["lineItems"] if isinstance(record.get("lineItems"), list) else []
    assert [line["id"] for line in lines] == [
        line["id"] for line in stored if isinstance(line, dict) and "id" in line
    ]


@given(stored_records())
def test_the_act_counts_one_version_and_is_dated_at_the_clean_up_date_once(record: Record) -> None:
    fresh, done = (mask({**record, "anonymized": anonymized}) for anonymized in (False, True))

    assert (fresh["anonymized"], done["anonymized"]) == (True, True)
    assert (fresh["version"], fresh["lastModified"]) == (record["version"] + 1, record["gdprCleanupDate"])
    assert (done["version"], done["lastModified"]) == (record["version"], record["lastModified"])
    assert {**fresh, **{name: done[name] for name in ACT}} == done


@given(stored_records())
def test_the_check_finds_nothing_in_what_the_mask_leaves(record: Record) -> None:
    assert list(leftovers(mask(record))) == []


@given(record=stored_records(), masked=st.booleans(), data=st.data())
def test_the_quick_check_says_whether_anything_is_left_wherever_it_is(
    record: Record, *, masked: bool, data: st.DataObject
) -> None:
    document = mask(record) if masked else record
    if masked and data.draw(st.booleans()):
        where = data.draw(st.sampled_from(list(objects(document))))
        where[data.draw(st.sampled_from([*where, CANARY]))] = data.draw(ODD_VALUES)

    assert is_bare(document) == (list(leftovers(document)) == [])


@settings(max_examples=20)
@given(shaped_records(full=True), st.data())
def test_the_check_finds_an_unknown_member_wherever_it_is_and_never_says_its_name(
    record: Record, data: st.DataObject
) -> None:
    masked = mask(record)
    data.draw(st.sampled_from(list(objects(masked))))[CANARY] = CANARY

    found = list(leftovers(masked))
    assert len(found) == 1
    assert found[0].path.endswith("/*")
    assert CANARY not in found[0].path


@pytest.mark.parametrize(
    ("member", "value", "path"),
    [
        ("consumer", {"email": "x"}, "/consumer/email"),
        ("consumer", {"addresses": [{"country": "DE"}, {"lastName": "x"}]}, "/consumer/addresses/*/lastName"),
        ("consumer", "x", "/consumer"),
        ("payments", {"0": {}}, "/payments"),
        ("customAttributes", None, "/customAttributes"),
        ("contentDigest", b"x", "/contentDigest"),
        ("payments", [{"paymentMethod": {"owner": "x"}}], "/payments/*/paymentMethod"),
        ("lineItems", [{"article": {"attributes": [{"keyLocalized": {}}]}}],
         "/lineItems/*/article/attributes/*/keyLocalized"),
    ],
)  # fmt: skip
def test_the_check_finds_what_a_faulty_erasure_would_leave(member: str, value: Any, path: str) -> None:
    assert list(leftovers({"_id": "1", "anonymized": True, member: value})) == [Leftover(path)]


OVERGROWN = [
    ("facilityRef", {"name": "x"}, "/facilityRef"),
    ("tenantOrderRecordId", ["x"], "/tenantOrderRecordId"),
    (
        "lineItems",
        [{"article": {"title": {"de": "x"}, "tenantArticleId": "1"}}],
        "/lineItems/*/article/title",
    ),
    ("payments", [{"value": {"value": [1], "currency": "EUR"}}], "/payments/*/value/value"),
]


@pytest.mark.parametrize(("member", "value", "path"), OVERGROWN)
def test_an_object_or_a_list_in_the_place_of_a_kept_value_goes_with_whatever_it_holds(
    member: str, value: Any, path: str
) -> None:
    record = {"_id": "1", "version": 1, "anonymized": True, member: value}

    assert list(leftovers(record)) == [Leftover(path, overgrown=True)]
    assert not is_bare(record)
    assert list(leftovers(mask(record))) == []
    assert is_bare(mask(record))
    assert "x" not in repr(mask(record))
