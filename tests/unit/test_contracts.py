"""The schemas and the AsyncAPI document: generated, valid, and of one mind with the decoder."""

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import pytest
from faststream.specification.asyncapi.v3_0_0.schema import ApplicationSchema
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from audit.events import AuditEvent
from audit.schema import audit_schema
from cli.pages import DOCS, generated
from local.samples.broken import BROKEN, HARMLESS, broken_event, harmless_event
from local.samples.events import SampleEvent, sample_events
from local.samples.forms import EVENT_TYPES
from records.reasons import Refused
from runtime.kafka_settings import Kafka
from service.asyncapi import audit_models
from service.event_schema import event_schema
from service.events import attributes_of, decode, is_binary
from tests.event_corpus import entries, events_of

AT: Final = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
NUMBERS: Final = range(6)
BEYOND_A_SCHEMA: Final = {
    *("too-large", "custom-attributes-too-large", "line-attributes-too-large", "depth-101", "depth-150"),
    *("attributes-nan", "attributes-infinity", "attributes-1e400"),
    *("attributes-integer-2-64", "attributes-30-digits"),
    *("cleanup-after-deletion", "deletion-too-late", "cleanup-too-late"),
    *("utf-16", "lone-surrogate", "lone-surrogate-in-attributes"),
    "date-30-february",
}
"""Sizes, depth, numbers in free JSON, dates that depend on others, what Python's JSON lets through, and days
that no calendar has: format date-time would know them, but its validators refuse a blank for the T."""


@cache
def validator(part: str = "") -> jsonschema_rs.Draft7Validator:
    schema = event_schema()
    if part:
        schema["anyOf"] = [{"$ref": f"#/definitions/{part}"}]
    return jsonschema_rs.Draft7Validator(schema, validate_formats=True)


def keeps_the_schema(event: SampleEvent) -> bool:
    """Of a binary CloudEvent the headers count, too."""
    try:
        value = json.loads(event.value or b"")
    except (ValueError, RecursionError):
        return False
    attributes = attributes_of(event.headers)
    if is_binary(attributes):
        headers = {f"ce_{name}": text for name, text in attributes.items() if name != "content-type"}
        return validator("BinaryHeaders").is_valid(headers) and validator("Order").is_valid(value)
    return validator().is_valid(value)


def taken(value: Any) -> bool:
    try:
        return decode(json.dumps(value).encode(), ()) != "skipped"
    except Refused:
        return False


@pytest.mark.parametrize("name", sorted(generated()))
def test_what_is_generated_is_what_is_committed(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == generated()[name], "run make docs"


@pytest.mark.parametrize("schema", [event_schema(), audit_schema()], ids=["orders", "audit"])
def test_a_schema_is_one(schema: dict[str, Any]) -> None:
    jsonschema_rs.meta.validate(schema)


def test_the_schema_takes_every_good_event() -> None:
    for labelled in sample_events(5, 300, at=AT):
        assert keeps_the_schema(labelled.event)


@pytest.mark.parametrize("kind", HARMLESS)
def test_the_schema_takes_every_harmless_event(kind: str) -> None:
    for number in NUMBERS:
        assert keeps_the_schema(harmless_event(kind, 1, number, at=AT))


@pytest.mark.parametrize("name", [name for name, entry in entries().items() if entry.expect == "accepted"])
def test_the_schema_takes_every_odd_event_that_is_accepted(name: str) -> None:
    for event, _ in events_of(entries()[name], 1, AT):
        assert keeps_the_schema(event)


@pytest.mark.parametrize("kind", BROKEN)
def test_the_schema_refuses_every_broken_event_that_a_schema_can_tell(kind: str) -> None:
    kept = [keeps_the_schema(broken_event(kind, 1, number, at=AT)) for number in NUMBERS]
    assert any(kept) == (kind in BEYOND_A_SCHEMA)


ORDER: Final = {
    "orderRecordDate": "2026-11-23T10:14:58.120Z",
    "facilityRef": "store-7",
    "lineItems": [{"quantity": 2, "article": {"tenantArticleId": "A", "attributes": []}}],
}
NUMBERED: Final = {**ORDER, "tenantOrderRecordId": "N-1"}
MEMBERS: Final = st.fixed_dictionaries(
    {},
    optional={
        "specversion": st.sampled_from(["1.0", "0.3", "2.0"]),
        "type": st.sampled_from([*EVENT_TYPES, "order.completed.v2", "stock.changed", ""]),
        "source": st.sampled_from(["/shop/1", "", "x" * 1025]),
        "id": st.sampled_from(["e-1", "", 7]),
        "data": st.sampled_from([ORDER, NUMBERED, "order", None]),
        "event": st.sampled_from(["ORDER_COMPLETED", "ORDER_COMPLETED.v2", "STOCK_CHANGED", 5]),
        "eventId": st.sampled_from(["e-1", "", None]),
        "payload": st.sampled_from([ORDER, NUMBERED, []]),
    },
)


@settings(max_examples=600)
@given(MEMBERS)
def test_the_schema_and_the_decoder_agree_on_what_is_around_an_order(event: dict[str, Any]) -> None:
    assert validator().is_valid(event) == taken(event)


@given(st.from_regex(r"\A(([a-z]\.)?(re)?order\.completed(\.v?[12]?)?|[A-Z_.-]{0,9}\.?order\.completed)\Z"))
def test_the_schema_and_the_decoder_agree_on_the_type_of_an_event(name: str) -> None:
    event = {"specversion": "1.0", "type": name, "data": NUMBERED}
    assert validator().is_valid(event) == taken(event)


@given(st.text(st.sampled_from(["$", ".", "\0", "a", "\n", "ü"]), max_size=3))
def test_the_schema_and_the_decoder_agree_on_the_names_of_free_members(name: str) -> None:
    for members in ({name: 1}, {"list": [{"deep": {name: 1}}]}):
        event = {"event": "ORDER_COMPLETED", "payload": {**NUMBERED, "customAttributes": members}}
        assert validator().is_valid(event) == taken(event)


def document() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(generated()["asyncapi.json"])
    return loaded


def references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [reference for each in node for reference in references(each)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"]] if "$ref" in node else []
    return own + references([each for name, each in node.items() if name != "examples"])


def target(reference: str) -> Any:
    """What a reference leads to; KeyError or OSError where it leads nowhere."""
    file, _, pointer = reference.partition("#")
    node = json.loads((DOCS / file).read_text(encoding="utf-8")) if file else document()
    for name in pointer.split("/")[1:]:
        node = node[name]
    return node


def test_the_asyncapi_document_is_one_and_every_reference_leads_somewhere() -> None:
    ApplicationSchema.model_validate(document())
    found = references(document())
    assert len(found) > 20
    for reference in found:
        assert target(reference)


def test_the_asyncapi_document_names_both_topics_and_every_message_of_theirs() -> None:
    channels, kafka = document()["channels"], Kafka()
    assert {channel["address"] for channel in channels.values()} == {kafka.order_topic, kafka.audit_topic}
    assert set(channels["orderCompleted"]["messages"]) == {"structuredOrder", "binaryOrder", "envelopedOrder"}
    named = [target(each["$ref"]).get("name") for each in channels["audit"]["messages"].values()]
    assert named == [name for _, name in audit_models()]
    for operation in document()["operations"].values():
        assert len(operation["messages"]) == len(target(operation["channel"]["$ref"])["messages"])


def test_every_example_of_the_asyncapi_document_is_accepted() -> None:
    messages, audit = document()["components"]["messages"], TypeAdapter[Any](AuditEvent)
    shown = 0
    for name, message in messages.items():
        for example in message.get("examples", ()):
            shown += 1
            value = json.dumps(example["payload"]).encode()
            if name.endswith("Order"):
                headers = [(header, text.encode()) for header, text in example.get("headers", {}).items()]
                assert decode(value, headers) != "skipped"
                assert keeps_the_schema(SampleEvent(None, value, tuple(headers)))
            else:
                assert audit.validate_json(value).type == message["name"]
    assert shown == len(messages)


def test_the_schema_of_audit_events_is_closed() -> None:
    validator = jsonschema_rs.Draft7Validator(audit_schema())
    for message in document()["components"]["messages"].values():
        for example in message.get("examples", ()) if "name" in message else ():
            assert validator.is_valid(example["payload"])
            assert not validator.is_valid({**example["payload"], "name": "Nygård"})
            assert not validator.is_valid({**example["payload"], "subject": "Zoë Nygård"})


def test_generated_files_hold_no_time_and_no_version_of_a_build() -> None:
    assert generated() == generated()
    assert not [path for path in Path(DOCS, "schemas").iterdir() if f"schemas/{path.name}" not in generated()]
