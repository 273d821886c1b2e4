"""The examples of the API's document are what the service takes and answers."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

import bson
import jsonschema_rs
import orjson
import pytest
from bson.codec_options import CodecOptions
from pydantic import TypeAdapter

from records.identity import NaturalKey
from records.keys import RecordKeys
from records.lifecycle import as_seen
from records.payload import OrderPayload
from records.policy import DateRules, GdprPolicy
from records.record import RecordRules, prepare
from records.search import parse_search
from records.view import to_api
from service.api.admin_schemas import GdprConfigurationInput, OrderRecordsConfigurationInput
from service.api.answers import answer
from service.example_orders import ANONYMIZED, ORDER, RECORD
from tests.contract.document import Json, document, operations

ORDERS: Final = TypeAdapter(OrderPayload)
UTC_DATES: Final = CodecOptions[Json](tz_aware=True)
KEYS: Final = RecordKeys.derive(b"the key of the document's orders")
CREATED: Final = datetime(2026, 11, 23, 10, 15, 2, 417_000, tzinfo=UTC)


def contents() -> Iterator[tuple[str, Json]]:
    """Every body and every answer by operation and status."""
    for name, operation in operations().items():
        if "requestBody" in operation:
            yield f"{name} body", operation["requestBody"]["content"]["application/json"]
        for status, answered in operation["responses"].items():
            yield f"{name} {status}", answered["content"]["application/json"]


CONTENTS: Final = dict(contents())


def examples(place: str) -> list[Any]:
    return [example["value"] for example in CONTENTS[place]["examples"].values()]


@cache
def validator(reference: str) -> jsonschema_rs.Draft202012Validator:
    whole = {"$ref": reference, "components": document()["components"]}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


def in_the_api(document: Any) -> Any:
    """A stored document as the API writes it."""
    return orjson.loads(bytes(answer(to_api(document)).body))


@pytest.mark.parametrize("name", document()["components"]["schemas"])
def test_every_schema_is_a_schema(name: str) -> None:
    jsonschema_rs.meta.validate(document()["components"]["schemas"][name])


@pytest.mark.parametrize("place", CONTENTS)
def test_every_body_and_answer_has_examples_that_keep_its_schema(place: str) -> None:
    assert examples(place)
    for example in examples(place):
        validator(CONTENTS[place]["schema"]["$ref"]).validate(example)


def test_the_orders_that_are_shown_are_stored_as_they_are() -> None:
    for body in examples("bulkCreateOrderRecords body"):
        for operation in body["operations"]:
            order = ORDERS.validate_json(orjson.dumps(operation))
            prepare(order, NaturalKey.of_nothing(), CREATED, RecordRules(KEYS, GdprPolicy(), DateRules()))


def test_the_record_that_is_shown_is_what_becomes_of_the_order_and_of_the_record() -> None:
    name = NaturalKey.of_order(ORDER["tenantOrderRecordId"])
    rules = RecordRules(KEYS, GdprPolicy(), DateRules())
    prepared = prepare(ORDERS.validate_json(orjson.dumps(ORDER)), name, CREATED, rules)
    document = bson.decode(prepared.document, UTC_DATES)

    assert in_the_api(document) == RECORD
    assert in_the_api(as_seen(document, prepared.gdpr_cleanup_date)) == ANONYMIZED


@pytest.mark.parametrize("search", examples("searchOrderRecord body"))
def test_the_searches_that_are_shown_can_be_carried_out(search: Json) -> None:
    parse_search(orjson.dumps(search))


def test_the_decisions_that_are_shown_can_be_made() -> None:
    for adapter, place in (
        (TypeAdapter[Any](OrderRecordsConfigurationInput), "updateOrderRecordsConfiguration body"),
        (TypeAdapter[Any](GdprConfigurationInput), "updateGdprConfiguration body"),
    ):
        for example in examples(place):
            adapter.validate_json(orjson.dumps(example))
