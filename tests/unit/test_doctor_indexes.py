"""Indexes as MongoDB describes them, held against those that are wanted."""

from typing import Any

from pymongo import ASCENDING, IndexModel

from cli.diagnosis.asking import Unanswered
from cli.diagnosis.finding import Level
from cli.diagnosis.indexes import judge_indexes
from records.mongo.index_faults import IndexFaults, index_faults

DUE = IndexModel([("due", ASCENDING), ("_id", ASCENDING)], name="by_due", sparse=True).document
EXPIRY = IndexModel([("expiresAt", ASCENDING)], name="expiry", expireAfterSeconds=0).document
PARTIAL = IndexModel(
    [("date", ASCENDING)], name="by_date", partialFilterExpression={"anonymized": False}
).document
WANTED = {"records.by_due": DUE, "records.by_date": PARTIAL, "ledger.expiry": EXPIRY}

# As the driver hands over what the server says.
BY_DUE: dict[str, Any] = {"v": 2, "key": [("due", 1), ("_id", 1)], "sparse": True}
THERE: dict[str, dict[str, Any]] = {
    "records._id_": {"v": 2, "key": [("_id", 1)]},
    "records.by_due": BY_DUE,
    "records.by_date": {"v": 2, "key": [("date", 1)], "partialFilterExpression": {"anonymized": False}},
    "ledger._id_": {"v": 2, "key": [("_id", 1)]},
    "ledger.expiry": {"v": 2, "key": [("expiresAt", 1)], "expireAfterSeconds": 0},
}


def changed(name: str, **parts: Any) -> IndexFaults:
    return index_faults(THERE | {name: THERE.get(name, {}) | parts}, WANTED)


def test_indexes_as_wanted_have_no_fault() -> None:
    assert index_faults(THERE, WANTED) == IndexFaults([], {}, {})


def test_an_option_that_is_off_is_as_good_as_absent() -> None:
    assert changed("ledger.expiry", unique=False, background=True, v=1) == IndexFaults([], {}, {})


def test_a_missing_index_is_named() -> None:
    there = {name: definition for name, definition in THERE.items() if name != "ledger.expiry"}
    assert index_faults(there, WANTED) == IndexFaults(["ledger.expiry"], {}, {})


def test_each_part_that_differs_is_named() -> None:
    for parts in (
        {"key": [("due", 1)]},
        {"key": [("_id", 1), ("due", 1)]},
        {"key": [("due", -1), ("_id", 1)]},
        {"sparse": False},
        {"unique": True},
        {"hidden": True},
        {"collation": {"locale": "de"}},
    ):
        assert changed("records.by_due", **parts).different == {"records.by_due": list(parts)}
    assert changed("ledger.expiry", expireAfterSeconds=60).different == {
        "ledger.expiry": ["expireAfterSeconds"]
    }
    assert changed("records.by_date", partialFilterExpression={"anonymized": True}).different == {
        "records.by_date": ["partialFilterExpression"]
    }


def test_an_index_of_another_name_is_extra() -> None:
    assert changed("records.mine", key=[("x", 1)]).extra == {"records.mine": None}


def test_the_index_of_a_shard_key_is_mongodbs_own() -> None:
    assert changed("records._id_hashed", key=[("_id", "hashed")]) == IndexFaults([], {}, {})


def test_an_extra_index_that_keeps_a_missing_one_from_being_built_is_told_apart() -> None:
    there = {name: definition for name, definition in THERE.items() if name != "records.by_due"}
    assert index_faults(there | {"records.mine": BY_DUE}, WANTED) == IndexFaults(
        ["records.by_due"], {}, {"records.mine": "records.by_due"}
    )
    assert index_faults(there | {"ledger.mine": BY_DUE}, WANTED).extra == {"ledger.mine": None}


def test_no_fault_is_one_finding() -> None:
    (finding,) = judge_indexes(IndexFaults([], {}, {}), search=True)
    assert finding.level is Level.OK


def test_each_kind_of_fault_has_its_finding_and_its_remedy() -> None:
    faults = IndexFaults(
        ["records.a", "records.b"], {"records.c": ["key"]}, {"records.d": None, "records.e": "records.a"}
    )
    missing, different, extra, twin = judge_indexes(faults, search=True)

    assert [each.level for each in (missing, different, extra, twin)] == [
        Level.PROBLEM,
        Level.PROBLEM,
        Level.WARNING,
        Level.PROBLEM,
    ]
    assert "records.a, records.b" in missing.seen
    assert "`work`" in missing.next
    assert "records.c" in different.seen
    assert "records.d" in extra.seen
    assert "records.a" in twin.next


def test_a_search_index_that_was_switched_off_is_extra_with_a_word_about_the_switch() -> None:
    faults = IndexFaults([], {}, {"records.by_article": None})
    (finding,) = judge_indexes(faults, search=False)

    assert finding.level is Level.WARNING
    assert "ORDER_RECORDS_SEARCH__INDEXES" in finding.next


def test_indexes_that_may_not_be_listed_are_a_warning() -> None:
    (finding,) = judge_indexes(Unanswered("StoreError: OperationFailure 13"), search=True)
    assert finding.level is Level.WARNING
