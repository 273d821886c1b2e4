"""API-6..9 and 13: whatever text a stranger sends, it is stored as it is, and found by exactly itself."""

from typing import Final

import pytest
import pytest_asyncio

from tests import full_orders
from tests.full_orders import full_order, pointer, value_at
from tests.injection_calls import BY_TEXT, Asked, Page, chunks, everywhere
from tests.injection_corpus import TEXTS
from tests.profiler import shape, texts_in

pytestmark = pytest.mark.asyncio(loop_scope="module")

# Before all ids, among them and behind them: where a text stands decides where a page ends.
PLAIN: Final = tuple(f"{place} plain {number}" for place in ("!", "8", "z") for number in range(10))
ALL: Final = len(TEXTS)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def asked(mongo_uri: str) -> Asked:
    return await everywhere(mongo_uri, TEXTS)


async def test_each_text_is_stored_as_it_is_in_every_member(asked: Asked) -> None:
    places = {pointer(place): place for place in full_orders.TEXTS}
    for text, record in asked.records.items():
        assert {name: value_at(record, place) for name, place in places.items()} == dict.fromkeys(
            places, text
        )
        assert record["customAttributes"] == full_order(text)["customAttributes"]
        assert record["pricing"]["discounts"][0]["nameLocalized"] == {"de_DE": text}


@pytest.mark.parametrize("how", ["any filter", "all filters", "facilityRef", "tenantOrderRecordId"])
async def test_each_text_finds_its_own_record_and_no_other(asked: Asked, how: str) -> None:
    found = {text: asked.found[how, text] for text in TEXTS}
    assert found == {text: Page(asked.ids([text]), 1) for text in TEXTS}


@pytest.mark.parametrize("how", ["any notEq", "all notEq"])
async def test_each_text_is_unequal_to_all_others(asked: Asked, how: str) -> None:
    assert {text: asked.found[how, text].total for text in TEXTS} == dict.fromkeys(TEXTS, ALL - 1)


async def test_several_texts_find_their_own_records_and_no_others(asked: Asked) -> None:
    stored_before = 0
    for part in chunks(TEXTS, 25):
        for how in ("any in", "all in"):
            assert asked.found[how, part[0]] == Page(asked.ids(part), len(part))
        for how in ("any notIn", "all notIn"):
            assert asked.found[how, part[0]].total == stored_before
        stored_before += len(part)


@pytest.mark.parametrize("how", ["startAfterId", "search startAfterId"])
async def test_each_text_is_a_place_in_the_order_of_ids(asked: Asked, how: str) -> None:
    for text in TEXTS:
        beyond = [each for each in asked.ids(TEXTS) if each.encode() > text.encode()]
        found = asked.found[how, text].ids
        assert found == beyond[: len(found)], text
        assert bool(found) is bool(beyond), text


@pytest.mark.parametrize("path", BY_TEXT)
async def test_pages_by_any_text_hold_each_record_once_and_in_order(asked: Asked, path: str) -> None:
    by_text = sorted(asked.records, key=str.encode)
    assert asked.pages[path] == [asked.records[text]["id"] for text in by_text]


async def test_no_text_is_anything_but_a_literal_to_mongodb(asked: Asked, mongo_uri: str) -> None:
    """Calls with plain words make the same commands, values aside: so no text became a part of one."""
    plain = await everywhere(mongo_uri, PLAIN)
    of_plain = {shape(command) for command in plain.commands}
    assert [command for command in asked.commands if shape(command) not in of_plain] == []

    reached = {text for command in asked.commands for text in texts_in(command)}
    assert set(TEXTS) - reached == set()


async def test_every_read_has_a_deadline_in_mongodb(asked: Asked) -> None:
    reads = [each for each in asked.commands if {"find", "aggregate", "count"} & each.keys()]
    assert reads
    assert [each for each in reads if not 0 < each.get("maxTimeMS", 0) <= 10_000] == []
