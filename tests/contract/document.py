"""The API's document in the words of the tables: made without a database, since nobody is asked."""

from functools import cache
from types import SimpleNamespace
from typing import Any, Final, cast

from service.api.app import create_app
from service.api.context import ApiContext
from service.api.limits import anyone

Json = dict[str, Any]

_FEW: Final = 20


@cache
def document() -> Json:
    """The document that `serve` gives out; the app behind it is never called."""
    return create_app(cast(ApiContext, SimpleNamespace(build="1.2.3", admits=anyone))).openapi()


def operations() -> dict[str, Json]:
    """The operations by operationId, each with its `call`: method and path."""
    return {
        operation["operationId"]: {**operation, "call": f"{method.upper()} {path}"}
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    }


def schemas() -> dict[str, Json]:
    found: dict[str, Json] = document()["components"]["schemas"]
    return found


def members(schema: Json) -> dict[str, str]:
    """The members of an object by name, `!` for required ones; the entries of a list as `[]`."""
    if "items" in schema:
        return {"[]": kind(schema["items"])}
    required = schema.get("required", ())
    return {name + "!" * (name in required): kind(part) for name, part in schema["properties"].items()}


def parameters(operation: Json) -> dict[str, str]:
    """The parameters by place and name."""
    return {
        f"{each['in']} {each['name']}" + "!" * each["required"]: kind(each["schema"])
        for each in operation.get("parameters", ())
    }


def shape_of(described: Json) -> str:
    """The schema of a body or an answer, which is JSON and nothing else, by its name."""
    assert set(described["content"]) == {"application/json"}
    return kind(described["content"]["application/json"]["schema"])


def kind(schema: Json) -> str:
    """Type, limits, format and default of a schema in one line, as the tables have it."""
    if "anyOf" in schema:
        return " or ".join(kind(each) for each in schema["anyOf"])
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[1]
    return _type(schema) + _default(schema) + (", deprecated" if schema.get("deprecated") else "")


def _type(schema: Json) -> str:
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return "one of " + (" ".join(values) if len(values) < _FEW else str(len(values)))
    found = str(schema.get("type", "anything")) + _limits(schema)
    if "items" in schema:
        return f"{found} of {kind(schema['items'])}"
    if isinstance(schema.get("additionalProperties"), dict):
        found += f" of {kind(schema['additionalProperties'])}"
    if "propertyNames" in schema:
        found += f" by {kind({'type': 'string', **schema['propertyNames']})}"
    return found + "".join(f" {schema[name]}" for name in ("format", "pattern") if name in schema)


def _limits(schema: Json) -> str:
    least = next((schema[name] for name in ("minLength", "minItems", "minimum") if name in schema), "")
    most = next((schema[name] for name in ("maxLength", "maxItems", "maximum") if name in schema), "")
    return f" {least}..{most}" if (least, most) != ("", "") else ""


def _default(schema: Json) -> str:
    return f" = {schema['default']}" if "default" in schema else ""
