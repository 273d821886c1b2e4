"""A search is read into a typed tree, or refused with every fault by its place and nothing of its values."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.durations import Duration
from records.filters import EVERYTHING, NOTHING, AllOf, Compare, Contains, Exists, Filter
from records.search import MAX_LEAVES, MAX_LEVELS, MAX_MEMBERS, MAX_SEARCH_BYTES, Sort, parse_search
from records.search_faults import MAX_FAULTS, SearchFaults
from tests.search_model import SORTS

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
CANARY = "CANARY-Müller"


def faults(search: Any) -> dict[str, str]:
    """The faults by place; none for a search that can be carried out."""
    try:
        parse_search(search if isinstance(search, bytes) else orjson.dumps(search))
    except SearchFaults as refused:
        return dict(refused.faults)
    return {}


def query(**members: Any) -> Filter:
    return parse_search(orjson.dumps({"query": members})).query


def nested(levels: int) -> dict[str, Any]:
    inner: dict[str, Any] = {"facilityRef": {"eq": "x"}}
    for level in range(levels):
        inner = {("and", "or")[level % 2]: [inner]}
    return inner


def test_an_empty_query_and_an_empty_and_match_everything_an_empty_or_matches_nothing() -> None:
    assert query() == query(**{"and": []}) == query(facilityRef={}) == query(**{"or": [{}]}) == EVERYTHING
    assert query(**{"or": []}) == query(**{"and": [{"or": []}, {}]}) == NOTHING


def test_every_filter_becomes_a_leaf_of_the_tree() -> None:
    tree = query(
        tenantOrderRecordId={"in": ["1", "2"]},
        consumer={"addresses": {"contains": {"lastName": {"eq": "a"}, "companyName": {"notEq": "b"}}}},
        lineItems={"contains": {"article": {"tenantArticleId": {"notIn": []}}}},
        payments={"exists": False, "contains": {}},
        anonymized={"eq": True},
    )
    addresses = AllOf((Compare("companyName", "notEq", "b"), Compare("lastName", "eq", "a")))
    assert isinstance(tree, AllOf)
    assert set(tree.filters) == {
        Compare("tenantOrderRecordId", "in", ("1", "2")),
        Contains("consumer.addresses", addresses),
        Contains("lineItems", Compare("article.tenantArticleId", "notIn", ())),
        Exists("payments", exists=False),
        Exists("payments", exists=True),
        Compare("anonymized", "eq", operand=True),
    }


def test_dates_are_instants_in_utc_and_durations_stay_relative() -> None:
    tree = query(orderRecordDate={"eq": "2026-01-01T01:00:00.1239+01:00", "after": "\u2013P1D"})
    day = Duration(0, timedelta(days=-1))
    assert tree == AllOf(
        (
            Compare("orderRecordDate", "eq", datetime(2026, 1, 1, 0, 0, 0, 123_000, tzinfo=UTC)),
            Compare("orderRecordDate", "gt", day),
        )
    )


def test_all_faults_are_named_by_place_and_none_tells_a_value_or_an_unknown_name() -> None:
    found = faults(
        {
            "query": {
                CANARY: 1,
                "tenantOrderRecordId": {"eq": CANARY * 30, "in": [CANARY] * 26},
                "and": [{"orderRecordDate": {"gt": CANARY, "after": CANARY}}],
                "consumer": {"addresses": {"contains": {"city": {"eq": CANARY}}}},
                "payments": {"exists": CANARY},
            },
            "size": CANARY,
            "sort": [{"origin": {"type": CANARY}}],
            "options": {"withTotal": 1},
        }
    )
    assert set(found) == {
        "/query/*",
        "/query/tenantOrderRecordId/eq",
        "/query/tenantOrderRecordId/in",
        "/query/and/0/orderRecordDate/gt",
        "/query/and/0/orderRecordDate/after",
        "/query/consumer/addresses/contains/*",
        "/query/payments/exists",
        "/size",
        "/sort/0/origin/type",
        "/options/withTotal",
    }
    assert CANARY not in str(found)
    assert found["/query/consumer/addresses/contains/*"].endswith("known here: companyName, lastName")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        *(("after", "before"), ("after", "last"), ("size", "before"), ("size", "last")),
        *(("startAfterId", "after"), ("startAfterId", "before"), ("startAfterId", "last")),
        ("startAfterId", "sort"),
    ],
)
def test_members_that_contradict_each_other_are_refused_beside_other_faults(first: str, second: str) -> None:
    values = {"size": 5, "last": 5, "sort": [{"orderRecordDate": "ASC"}]}
    search = {"query": {"x": 1}, first: values.get(first, "x"), second: values.get(second, "x")}
    assert faults(search) == {
        f"/{second}": f"cannot be used together with {first}",
        "/query/*": faults(search)["/query/*"],
    }


@pytest.mark.parametrize("member", ["size", "last"])
@pytest.mark.parametrize("number", [0, -1, 251, 10**18, 1.5, True, "20", None, [20]])
def test_page_sizes_are_whole_numbers_from_1_to_250(member: str, number: Any) -> None:
    assert set(faults({"query": {}, member: number})) == {f"/{member}"}


def test_a_whole_number_with_a_fraction_of_zero_is_one_since_the_contract_says_number() -> None:
    assert parse_search(b'{"query":{},"last":20.0}').page.limit == 20
    assert faults(b'{"query":{},"size":1e300}') == {"/size": "Input should be less than or equal to 250"}


@pytest.mark.parametrize(
    "sort",
    [
        *([], [{}], [{"pricing": {"total": {}}}], [{"orderRecordDate": "ASC"}] * 2, [{"id": "ASC"}]),
        *([{"orderRecordDate": "asc"}], {"orderRecordDate": "ASC"}, [{"facilityRef": "ASC"}], ["ASC"]),
        [{"orderRecordDate": "ASC", "tenantOrderRecordId": "ASC"}],
        [{"payments": {"status": "ASC", "receiptNumber": "ASC"}}],
    ],
)
def test_a_sort_is_exactly_one_item_with_exactly_one_key(sort: Any) -> None:
    assert all(place.startswith("/sort") for place in faults({"query": {}, "sort": sort}))
    assert faults({"query": {}, "sort": sort})


@pytest.mark.parametrize("path", SORTS)
def test_each_sort_key_of_the_contract_is_taken(path: str) -> None:
    sort: Any = "DESC"
    for name in reversed(path.split(".")):
        sort = {name: sort}
    assert parse_search(orjson.dumps({"query": {}, "sort": [sort]})).sort == Sort(path, descending=True)


def test_facilities_are_not_known_here() -> None:
    found = faults({"query": {"or": [{"facilityName": {"eq": "x"}}]}, "sort": [{"facilityCountry": "ASC"}]})
    assert set(found) == {"/query/or/0/facilityName", "/sort/0/facilityCountry"}
    assert all("facilities are not known here" in text for text in found.values())


def test_nesting_leaves_and_list_lengths_are_bounded() -> None:
    leaf, text = {"facilityRef": {"eq": "x"}}, "x" * 256
    assert not faults({"query": nested(MAX_LEVELS)})
    assert set(faults({"query": nested(MAX_LEVELS + 1)})) == {"/query"}
    assert set(faults({"query": nested(100)})) == {"/query"}
    assert not faults({"query": {"and": [leaf] * MAX_LEAVES}})
    assert set(faults({"query": {"and": [leaf] * (MAX_LEAVES + 1)}})) == {"/query/and"}
    assert set(faults({"query": {"and": [{"or": [leaf] * 499}] + [leaf] * 2}})) == {"/query"}
    assert not faults({"query": {"facilityRef": {"eq": text, "in": [text] * 25}}})


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"nul", b"{", b"[" * 5000, b'{"query":' * 5000, b'{"query":{"facilityRef":{"eq":"\xff"}}}'),
        *(b'{"query":{"facilityRef":{"eq":"\\ud800"}}}', b'{"query":{},"size":NaN}'),
        b'{"query":{}}' + b" " * MAX_SEARCH_BYTES,
        b'{"query":{' + b",".join(b'"%d":1' % i for i in range(MAX_MEMBERS + 1)) + b"}}",
    ],
    ids=range(10),
)
def test_what_is_no_json_or_out_of_all_proportion_has_that_one_fault(body: bytes) -> None:
    assert set(faults(body)) == {""}


def test_of_very_many_faults_the_first_are_named_and_the_others_counted() -> None:
    with pytest.raises(SearchFaults) as refused:
        parse_search(orjson.dumps({"query": {str(i): 1 for i in range(MAX_FAULTS + 7)}}))
    assert len(refused.value.faults) == MAX_FAULTS + 1
    assert refused.value.faults[-1] == ("", "and 7 more faults")


NAMES = ["query", "and", "or", "size", "eq", "in", "consumer", "contains", "sort", "after"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=5),
    lambda child: st.lists(child, max_size=3) | st.dictionaries(st.sampled_from(NAMES), child, max_size=4),
    max_leaves=12,
)
SEARCHES = st.builds(lambda query: {"query": query}, JSON)


@given(body=st.binary(max_size=60) | (JSON | SEARCHES).map(orjson.dumps))
def test_any_body_is_a_search_or_has_faults(body: bytes) -> None:
    faults(body)


def test_the_binding_tells_queries_and_sorts_apart_but_not_pages() -> None:
    def binding(**search: Any) -> bytes:
        return parse_search(orjson.dumps({"query": {}, **search})).binding

    by_date = [{"orderRecordDate": "ASC"}]
    assert binding() == binding(size=5) == binding(last=9, options={"withTotal": True}) == binding(after="x")
    others = [binding(sort=by_date), binding(sort=[{"orderRecordDate": "DESC"}]), binding(query={"and": []})]
    assert len({binding(), *others}) == 4
