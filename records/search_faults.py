"""What is wrong with a search: every fault by its place, and never a value or a name of the sender's."""

from collections.abc import Sequence
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from records.search_payload import SEARCH_PAYLOAD

MAX_FAULTS: Final = 100

Fault = tuple[str, str]
"""Where (a JSON pointer, RFC 6901; the whole body is empty) and what."""

_FACILITY: Final = frozenset({"facilityName", "facilityCountry"})
_SCHEMA: Final = SEARCH_PAYLOAD.json_schema()


class SearchFaults(Exception):
    """A search that cannot be carried out; `faults` names what is wrong with it."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(f"{len(faults)} faults in a search")
        self.faults = faults


def faults_of(error: ValidationError) -> list[Fault]:
    """The faults of a failed validation; of very many the first, and how many more there are."""
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    more = len(errors) - MAX_FAULTS
    rest = [("", f"and {more} more faults")] if more > 0 else []
    return [*map(_fault, errors[:MAX_FAULTS]), *rest]


def _fault(error: ErrorDetails) -> Fault:
    if error["type"] != "extra_forbidden":
        return _pointer(error["loc"]), error["msg"]
    *within, name = error["loc"]
    if name in _FACILITY:
        return _pointer(error["loc"]), "facilities are not known here, only their references (facilityRef)"
    known = ", ".join(_members(within))
    return f"{_pointer(within)}/*", f"no such member; known here: {known}"


def _pointer(location: Sequence[int | str]) -> str:
    return "".join(f"/{part}" for part in location)


def _members(location: list[int | str]) -> list[str]:
    """The names that an object at this place may have."""
    schema = _resolved(_SCHEMA)
    for part in location:
        schema = _resolved(schema["items"] if isinstance(part, int) else schema["properties"][part])
    return sorted(schema["properties"])


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref")
    resolved: dict[str, Any] = _SCHEMA["$defs"][reference.rsplit("/", 1)[-1]] if reference else schema
    return resolved
