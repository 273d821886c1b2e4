"""Everything in the API's document is described, and what it says of erasure is what the table does."""

import re
from collections.abc import Iterator
from typing import Any, Final

import pytest

from records.erasure import ERASURE_TABLE, Each, Erase, Members, Rule
from service.api.documents import OPERATIONS, PARAMETERS
from tests.contract.document import document, operations, schemas

ERASED: Final = "Erased at clean-up."
INTERNAL: Final = re.compile(r"api rule|design section|docs/|\.py|contract|TypedDict", re.IGNORECASE)


def described(node: Any, place: str) -> Iterator[tuple[str, str]]:
    """Whatever in a schema should have a description, by its place, and the one that it has."""
    yield place, node.get("description", "")
    for name, part in node.get("properties", {}).items():
        yield f"{place}.{name}", part.get("description", "")


def explained(name: str, operation: Any) -> Iterator[tuple[str, str]]:
    """The same for an operation: its words, parameters, body and answers."""
    yield f"{name} summary", operation.get("summary", "")
    yield name, operation.get("description", "")
    for parameter in operation.get("parameters", ()):
        yield f"{name} {parameter['name']}", parameter.get("description", "")
    if "requestBody" in operation:
        yield f"{name} body", operation["requestBody"].get("description", "")
    for status, answer in operation["responses"].items():
        yield f"{name} {status}", answer.get("description", "")


def texts() -> Iterator[tuple[str, str]]:
    for name, schema in schemas().items():
        yield from described(schema, name)
    for name, operation in operations().items():
        yield from explained(name, operation)
    components, whole = document()["components"], document()
    for kind in ("headers", "securitySchemes"):
        for name, each in components[kind].items():
            yield name, each.get("description", "")
    for tag in whole["tags"]:
        yield tag["name"], tag.get("description", "")
    yield "the API", whole["info"].get("description", "")


def test_nothing_is_described_that_is_not_there() -> None:
    names = {each["name"] for operation in operations().values() for each in operation.get("parameters", ())}

    assert set(OPERATIONS) == set(operations())
    assert set(PARAMETERS) == names


def test_every_schema_member_parameter_operation_answer_and_header_is_described() -> None:
    assert [place for place, text in texts() if len(text.split()) < 2] == []


def test_descriptions_are_sentences() -> None:
    assert [place for place, text in texts() if "summary" not in place and text[-1:] not in {".", "`"}] == []


def test_no_description_speaks_of_our_own_pages_and_code() -> None:
    assert [(place, text) for place, text in texts() if INTERNAL.search(text)] == []


@pytest.mark.parametrize("name", operations())
def test_an_operation_belongs_to_a_described_group(name: str) -> None:
    groups = {tag["name"] for tag in document()["tags"]}

    assert len(operations()[name]["tags"]) == 1
    assert set(operations()[name]["tags"]) <= groups


@pytest.mark.parametrize("name", operations())
def test_an_operation_names_the_permission_that_it_asks_for(name: str) -> None:
    [[permission]] = [scheme["bearer"] for scheme in operations()[name]["security"]]

    assert f"`{permission}`" in operations()[name]["description"]


@pytest.mark.parametrize("name", operations())
def test_the_headers_of_an_answer_are_declared_where_they_are_sent(name: str) -> None:
    for status, answer in operations()[name]["responses"].items():
        expected = {"X-Request-Id", *{"401": ["WWW-Authenticate"], "503": ["Retry-After"]}.get(status, ())}
        assert set(answer["headers"]) == expected
        assert all(
            header["$ref"] == f"#/components/headers/{name}" for name, header in answer["headers"].items()
        )


def resolved(schema: Any) -> Any:
    schema = schema["anyOf"][0] if "anyOf" in schema else schema  # the other one is null
    return schemas()[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema


def stored(schema: Any, rule: Rule, place: str) -> Iterator[tuple[str, str, bool]]:
    """Every member of a record: its place, its description, and whether the erasure table erases it."""
    schema = resolved(schema)
    if "items" in schema and isinstance(rule, Each):
        yield from stored(schema["items"], rule.rules, f"{place}[]")
    if isinstance(rule, Members):
        for name, part in schema["properties"].items():
            own = rule.rules.get("_id" if (place, name) == ("", "id") else name, Erase("it has no row"))
            yield f"{place}.{name}", part["description"], isinstance(own, Erase)
            yield from stored(part, own, f"{place}.{name}")


def test_what_is_erased_at_clean_up_is_marked_and_nothing_else_is() -> None:
    rows = list(stored(schemas()["OrderRecord"], ERASURE_TABLE, ""))

    erased = {place for place, _, goes in rows if goes}
    assert ".consumer.addresses[].lastName" in erased
    assert {place for place, text, _ in rows if text.endswith(ERASED)} == erased
