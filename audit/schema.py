"""The JSON Schema of an audit event, generated from the closed models. Draft 7, as that of the orders."""

from typing import Any, Final

from pydantic import TypeAdapter

from audit.events import AuditEvent

Json = dict[str, Any]

_DRAFT: Final = "http://json-schema.org/draft-07/schema#"


def audit_schema() -> Json:
    """The schema of a record's value on the audit topic; each type by its model's name in `definitions`."""
    schema = TypeAdapter[Any](AuditEvent).json_schema(ref_template="#/definitions/{model}")
    return {
        "$schema": _DRAFT,
        "title": "An audit event",
        "description": "The value of a record of the audit topic. Every text is an enumeration or has a "
        "pattern: there is no place where a name could hide. Later versions add types, and change none.",
        "oneOf": schema["oneOf"],
        "definitions": _plain(schema["$defs"], named=True),
    }


def _plain(schema: Any, *, named: bool = False) -> Any:
    """Without titles that only repeat a name; `named`: the keys are names, not keywords."""
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: _plain(part, named=name == "properties" and not named)
        for name, part in schema.items()
        if named or name != "title"
    }
