"""The JSON Schema of an order-completed event, generated from the types that the decoder validates with.

It refuses nothing that the decoder accepts, and says as much as a schema can of what is refused. Draft 7,
which most validators read, and AsyncAPI with them.
"""

from typing import Any, Final

from pydantic import TypeAdapter

from records.payload import OrderPayload
from records.scalars import RFC_3339

Json = dict[str, Any]

DRAFT: Final = "http://json-schema.org/draft-07/schema#"
_REF: Final = "#/definitions/"
_RENAMED: Final = {"OrderPayload": "Order", "_Discount": "Discount"}
_TEXT: Final = {"type": "string", "maxLength": 1024}
_FILLED: Final = {"minLength": 1}
_TYPE: Final[Json] = {
    **_TEXT,
    "pattern": r"^([A-Za-z0-9_-]+\.)*order\.completed(\.v1)?$",
    "description": "`order.completed`, alone or after a reverse-DNS name, with `.v1` or without.",
}
_VERSION: Final[Json] = {"const": "1.0", "description": "Of CloudEvents."}
_SOURCE: Final = "Who says it: with `id` it names the event."
_STORABLE_NAME: Final = {"pattern": r"^([^$.\x00][^.\x00]*)?$"}
_INSTANT: Final = {"type": "string", "format": "date-time"}
_WRITTEN_INSTANT: Final = {"type": "string", "pattern": f"^{RFC_3339}$"}
"""Validators read the format in ways of their own: some take no blank or no small letter."""
_FREE_JSON: Final[Json] = {
    "description": "JSON of the sender's own; no name with a `.` or NUL in it, or a `$` in front.",
    "propertyNames": _STORABLE_NAME,
    "additionalProperties": {"$ref": f"{_REF}FreeJson"},
    "items": {"$ref": f"{_REF}FreeJson"},
}


def event_schema() -> Json:
    """The schema of a record's value that holds a whole event; in `definitions` the three forms' parts."""
    return {
        "$schema": DRAFT,
        "title": "An order-completed event",
        "description": "The value of a record: a structured CloudEvent, or the envelope. Of a binary "
        "CloudEvent the value is `definitions/Order` and the headers are `definitions/BinaryHeaders`. A "
        "member that is not listed is dropped. What a schema cannot say is on the publisher's page: sizes in "
        "bytes, depth, numbers in free JSON, age. `order-records check` judges all of it.",
        "anyOf": [{"$ref": f"{_REF}StructuredCloudEvent"}, {"$ref": f"{_REF}Envelope"}],
        "definitions": {
            "StructuredCloudEvent": _structured(),
            "Envelope": _envelope(),
            "BinaryHeaders": _binary_headers(),
            "FreeJson": _FREE_JSON,
            **_order_definitions(),
        },
    }


def _structured() -> Json:
    return {
        "description": "CloudEvents 1.0, structured: everything is in the value.",
        "type": "object",
        "required": ["specversion", "type"],
        "properties": {
            "specversion": _VERSION,
            "type": _TYPE,
            "source": {**_TEXT, "description": _SOURCE},
            "id": {**_TEXT, "description": "The event's own name within its source."},
            "data": {"$ref": f"{_REF}Order"},
            "data_base64": {
                "type": "string",
                "description": "The order as JSON in base64, if no `data`.",
            },
        },
        "anyOf": [
            {"required": ["data"], **_named_by("data", "source", "id")},
            {"required": ["data_base64"], "not": {"required": ["data"]}},
        ],
    }


def _envelope() -> Json:
    return {
        "description": "The plain envelope.",
        "type": "object",
        "required": ["event", "payload"],
        "properties": {
            "event": {"const": "ORDER_COMPLETED"},
            "eventId": {**_TEXT, "description": "The event's own name."},
            "payload": {"$ref": f"{_REF}Order"},
        },
        "not": {"required": ["specversion"]},
        **_named_by("payload", "eventId"),
    }


def _named_by(order: str, *names: str) -> Json:
    """The order has a number, or the event a name of its own."""
    numbered = {"properties": {order: {"required": ["tenantOrderRecordId"]}}}
    named = {"required": list(names), "properties": dict.fromkeys(names, _FILLED)}
    return {"anyOf": [numbered, named]}


def _binary_headers() -> Json:
    texts = {"ce_source": _SOURCE, "ce_id": "The event's own name within its source."}
    return {
        "description": "CloudEvents 1.0, binary: the attributes as headers in UTF-8, the order as the value. "
        "Names of headers are compared without case, and stand here in small letters. "
        "Where the order has no number, `ce_source` and `ce_id` are required.",
        "type": "object",
        "required": ["ce_specversion", "ce_type"],
        "properties": {
            "ce_specversion": _VERSION,
            "ce_type": {name: part for name, part in _TYPE.items() if name != "maxLength"},
            **{name: {"type": "string", "description": text} for name, text in texts.items()},
            "content-type": {"type": "string", "description": "`application/json`, or absent."},
        },
    }


def _order_definitions() -> Json:
    schema = TypeAdapter(OrderPayload).json_schema(ref_template=f"{_REF}{{model}}")
    definitions = schema.pop("$defs")
    definitions["OrderPayload"] = schema
    discount = definitions["_Discount"]
    discount["allOf"] = [_needed("PERCENTAGE", "percentage"), _needed("ABSOLUTE", "value")]
    return {_RENAMED.get(name, name): _opened(part) for name, part in definitions.items()}


def _needed(kind: str, member: str) -> Json:
    has_kind = {"required": ["type"], "properties": {"type": {"const": kind}}}
    return {"if": has_kind, "then": {"required": [member]}}


def _opened(schema: Any) -> Any:
    """The schema without what pydantic makes up, open for unknown members, with the rules of names and the
    decoder's own pattern of date-times.
    """
    if isinstance(schema, list):
        return [_opened(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("anyOf") == [{"additionalProperties": True, "type": "object"}, {"type": "null"}]:
        return {**_FREE_JSON, "type": ["object", "null"], "description": schema["description"]}
    if schema.items() >= _INSTANT.items():
        return {**{name: part for name, part in schema.items() if name != "format"}, **_WRITTEN_INSTANT}
    return dict(_opened_members(schema))


def _opened_members(schema: Json) -> list[tuple[str, Any]]:
    members = []
    for name, value in schema.items():
        if name == "title" or (name == "additionalProperties" and value is False):
            continue
        if name == "properties":
            members.append((name, {member: _opened(part) for member, part in value.items()}))
        elif name == "propertyNames":
            members.append((name, {**value, **_STORABLE_NAME}))
        elif name == "$ref":
            model = value.removeprefix(_REF)
            members.append((name, _REF + _RENAMED.get(model, model)))
        else:
            members.append((name, _opened(value)))
    return members
