"""The tables of docs/siem.md as a program would go by them, and what OCSF and ECS themselves say."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

from audit.schema import audit_schema

DOCS: Final = Path(__file__).parents[1] / "docs"
PAGE: Final = (DOCS / "siem.md").read_text(encoding="utf-8")

# Attributes of Entity Management in OCSF 1.8.0 and what they hold: string_t, timestamp_t, json_t, a list of
# string_t. Facts of that schema, kept by hand: a new one is to be looked up there.
OCSF: Final[dict[str, type]] = {
    "actor.user.uid": str,
    "comment": str,
    "entity.data": object,
    "entity.name": str,
    "entity.policy.data": object,
    "entity.policy.uid": str,
    "entity.policy.version": str,
    "entity.uid": str,
    "entity.version": str,
    "entity_result.uid": str,
    "entity_result.version": str,
    "metadata.correlation_uid": str,
    "metadata.event_code": str,
    "metadata.labels": list,
    "metadata.log_format": str,
    "metadata.log_source": str,
    "metadata.log_version": str,
    "metadata.original_event_uid": str,
    "metadata.product.version": str,
    "policy.uid": str,
    "policy.version": str,
    "status_code": str,
    "time": int,
}
ACTIVITIES: Final = {1: "Create", 2: "Read", 3: "Update", 4: "Delete"}
# Fields of ECS 9.4.0: keyword and date, a list of keyword; and the types that it expects of a category.
ECS: Final[dict[str, type]] = {
    "@timestamp": str,
    "entity.target.id": str,
    "event.action": str,
    "event.code": str,
    "event.end": str,
    "event.id": str,
    "event.provider": str,
    "event.reason": str,
    "event.start": str,
    "rule.id": str,
    "rule.version": str,
    "service.version": str,
    "tags": list,
    "user.hash": str,
}
EXPECTED_TYPES: Final = {
    "configuration": {"access", "change", "creation", "deletion", "info"},
    "database": {"access", "change", "info", "error"},
}


def bare(name: str) -> str:
    return name.removeprefix("order-records.").removesuffix(".v1")


def leaves(node: dict[str, Any], path: str = "") -> Iterator[str]:
    """The paths of all members that hold no other members."""
    node = DEFINITIONS[node["$ref"].rsplit("/", 1)[1]] if "$ref" in node else node
    if "properties" not in node:
        yield path
    for name, child in node.get("properties", {}).items():
        yield from leaves(child, f"{path}.{name}" if path else name)


def cells(heading: str) -> list[list[str]]:
    """The rows of a section's table that begin with a name."""
    text = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


DEFINITIONS: Final[dict[str, Any]] = audit_schema()["definitions"]
EVENTS: Final = [DEFINITIONS[each["$ref"].rsplit("/", 1)[1]] for each in audit_schema()["oneOf"]]
FIELDS: Final = {bare(event["properties"]["type"]["const"]): set(leaves(event)) for event in EVENTS}
"""What each type of event has, by the names on the wire."""


@dataclass(frozen=True)
class Place:
    """Where a value goes, and as what."""

    path: str
    written: str

    def value(self, value: Any) -> Any:
        match self.written:
            case "ms":
                return round(datetime.fromisoformat(value).timestamp() * 1000)
            case "text":
                return str(value)
        return value


def place(cell: str) -> Place | None:
    found = re.fullmatch(r"`([^`]+)`(?: \((ms|text)\))?", cell)
    return None if found is None else Place(found[1], found[2] or "")


@dataclass(frozen=True)
class Row:
    """A row of the table of fields."""

    field: str
    patterns: list[str]
    ocsf: Place | None
    ecs: Place | None

    def types(self) -> set[str]:
        return {name for name in FIELDS if any(fnmatch(name, pattern) for pattern in self.patterns)}

    def places(self) -> dict[str, Place]:
        return {name: each for name, each in (("ocsf", self.ocsf), ("ecs", self.ecs)) if each is not None}


ROWS: Final = [
    Row(field.strip("`"), re.findall(r"`([^`]+)`", types), place(ocsf), place(ecs))
    for field, types, ocsf, ecs in cells("The fields")
]
TYPES: Final = {
    name: rest for name, *rest in ([cell.strip("`") for cell in row] for row in cells("The types"))
}


def looked_up(event: dict[str, Any], path: str) -> Any:
    """The value at a path; None where an optional member is absent."""
    found: Any = event
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def put(into: dict[str, Any], path: str, value: Any) -> None:
    *folders, name = path.split(".")
    for folder in folders:
        into = into.setdefault(folder, {})
    assert into.setdefault(name, value) == value, f"{path} has two values"


def fixed(name: str, outcome: str, schema: str) -> dict[str, Any]:
    """What every event of a type has in a schema, by path."""
    activity, entity, severity, category, kind, _ = TYPES[name]
    if schema == "ecs":
        return {
            "ecs.version": "9.4.0",
            "event.kind": "metric" if name == "attestation" else "event",
            "event.category": [category],
            "event.type": [kind],
            "event.outcome": outcome,
            "event.module": "order_records",
            "event.dataset": "order_records.audit",
        }
    (number, activity_name), (entity_id, entity_type) = activity.split(" ", 1), entity.split(" ", 1)
    return {
        "metadata.version": "1.8.0",
        "metadata.product.name": "Order Records",
        "metadata.profiles": ["security_control"],
        "category_uid": 3,
        "class_uid": 3004,
        "type_uid": 300400 + int(number),
        "activity_id": int(number),
        "activity_name": activity_name,
        "entity.type_id": int(entity_id),
        "entity.type": entity_type,
        "severity_id": int(severity),
        "status_id": 1 if outcome == "success" else 2,
    }


def mapped(event: dict[str, Any], schema: str) -> dict[str, Any]:
    """What the tables make of an event: `ocsf` or `ecs`."""
    name = bare(event["type"])
    outcome = "failure" if event["data"].get("outcome") == "REFUSED" else TYPES[name][-1]
    made: dict[str, Any] = {}
    for path, value in fixed(name, outcome, schema).items():
        put(made, path, value)
    for row in ROWS:
        target, value = row.places().get(schema), looked_up(event, row.field)
        if target is not None and value is not None and name in row.types():
            put(made, target.path, target.value(value))
    return made
