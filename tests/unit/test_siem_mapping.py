"""The tables of docs/siem.md have every field of every audit event, and a place for it in OCSF and ECS."""

import json
import re
from fnmatch import fnmatch
from typing import Any, Final

import pytest
from pydantic.alias_generators import to_snake

from tests.siem import (
    ACTIVITIES,
    DEFINITIONS,
    DOCS,
    ECS,
    EVENTS,
    EXPECTED_TYPES,
    FIELDS,
    OCSF,
    PAGE,
    ROWS,
    TYPES,
    bare,
    looked_up,
    mapped,
)

JSON_BLOCK: Final = re.compile(r"^```json\n(.*?)^```", re.MULTILINE | re.DOTALL)
EXAMPLES: Final = [
    json.loads(block) for block in JSON_BLOCK.findall((DOCS / "compliance.md").read_text(encoding="utf-8"))
]


def test_the_table_has_each_field_of_each_event_and_no_other() -> None:
    said = {(row.field, name) for row in ROWS for name in row.types()}

    assert said == {(field, name) for name, fields in FIELDS.items() for field in fields}
    assert all(any(fnmatch(name, pattern) for name in FIELDS) for row in ROWS for pattern in row.patterns)


def test_each_type_has_its_activity_and_its_category() -> None:
    actions = {
        bare(event["properties"]["type"]["const"]): looked_up(
            DEFINITIONS[event["properties"]["data"]["$ref"].rsplit("/", 1)[1]], "properties.action.const"
        )
        for event in EVENTS
    }

    assert list(TYPES) == list(FIELDS)
    for name, (activity, _, _, category, kind, _) in TYPES.items():
        number, _, caption = activity.partition(" ")
        assert caption == ACTIVITIES.get(int(number), actions[name])
        assert kind in EXPECTED_TYPES[category]


def test_what_the_schemas_have_no_place_for_keeps_its_own_name() -> None:
    for row in ROWS:
        name = row.field.removeprefix("data.")
        for path in (target.path for target in row.places().values()):
            if path.startswith("unmapped."):
                assert path == f"unmapped.{name}"
            if path.startswith("order_records."):
                assert path == "order_records." + ".".join(map(to_snake, name.split(".")))


@pytest.mark.parametrize(
    ("schema", "facts", "own"), [("ocsf", OCSF, "unmapped"), ("ecs", ECS, "order_records")]
)
def test_every_other_place_is_one_that_the_schema_has(schema: str, facts: dict[str, type], own: str) -> None:
    places = {row.places()[schema].path for row in ROWS if schema in row.places()}
    theirs = {re.sub(r"\.data\..*", ".data", path) for path in places if not path.startswith(f"{own}.")}

    assert theirs == set(facts)
    assert not any(other.startswith(f"{path}.") for path in places for other in places)
    assert [row.field for row in ROWS if schema not in row.places()] == (
        ["data.action"] if schema == "ocsf" else []
    )


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: bare(event["type"]))
@pytest.mark.parametrize(("schema", "facts"), [("ocsf", OCSF), ("ecs", ECS)])
def test_every_example_of_an_event_has_a_form_with_the_schemas_own_types(
    event: dict[str, Any], schema: str, facts: dict[str, type]
) -> None:
    made = mapped(event, schema)

    for path, kind in facts.items():
        value = looked_up(made, path)
        assert value is None or isinstance(value, kind), path


def test_the_examples_on_the_page_are_what_the_tables_make_of_the_event() -> None:
    [event] = [each for each in EXAMPLES if bare(each["type"]) == "record.anonymized"]
    ocsf, ecs = (json.loads(block) for block in JSON_BLOCK.findall(PAGE))

    assert mapped(event, "ocsf") == ocsf
    assert mapped(event, "ecs") == ecs
