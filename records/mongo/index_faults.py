"""How the indexes that are there differ from those that are wanted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pymongo import ASCENDING

Definition = Mapping[str, Any]
"""What MongoDB says of an index, or is told to make."""

_NO_PART: Final = frozenset({"key", "name", "v", "ns", "background"})
"""What stands in a definition beside the options."""
_MONGODBS_OWN: Final = ([("_id", ASCENDING)], [("_id", "hashed")])
"""The index that each collection has, and the one of a shard key."""


@dataclass(frozen=True)
class IndexFaults:
    """What is not as `work` builds it; each index as `collection.name`."""

    missing: list[str]
    different: dict[str, list[str]]
    """An index of a wanted name, to the parts of its definition that differ."""
    extra: dict[str, str | None]
    """To the missing index that it stands in the way of: MongoDB keeps no definition twice."""


def index_faults(there: Mapping[str, Definition], wanted: Mapping[str, Definition]) -> IndexFaults:
    """Holds the indexes against each other; names are `collection.name`."""
    found = {name: _parts(definition) for name, definition in there.items()}
    asked = {name: _parts(definition) for name, definition in wanted.items()}
    missing = {name: parts for name, parts in asked.items() if name not in found}
    differing = {name: _differing(found[name], parts) for name, parts in asked.items() if name in found}
    extra = {
        name: next((other for other, same in missing.items() if _same(name, parts, other, same)), None)
        for name, parts in found.items()
        if name not in asked and parts["key"] not in _MONGODBS_OWN
    }
    return IndexFaults(list(missing), {name: parts for name, parts in differing.items() if parts}, extra)


def _parts(definition: Definition) -> Definition:
    key = definition["key"]
    fields = list(key.items()) if isinstance(key, Mapping) else list(key)  # in their sequence: it counts
    options = {k: v for k, v in definition.items() if k not in _NO_PART and v is not False}
    return {**options, "key": fields}


def _differing(one: Definition, other: Definition) -> list[str]:
    return sorted(part for part in one.keys() | other.keys() if one.get(part) != other.get(part))


def _same(name: str, parts: Definition, other: str, others: Definition) -> bool:
    return name.partition(".")[0] == other.partition(".")[0] and parts == others
