"""Why an order is refused: a closed list, since publishers and alarms match on these words."""

from enum import StrEnum
from typing import Final

from pydantic import ValidationError


class Reason(StrEnum):
    """The reason codes of refusals, on the audit topic, in the quarantine and in metrics."""

    EMPTY_BODY = "EMPTY_BODY"
    NOT_JSON = "NOT_JSON"
    TOO_LARGE = "TOO_LARGE"
    TOO_DEEP = "TOO_DEEP"
    NOT_AN_EVENT = "NOT_AN_EVENT"
    UNSUPPORTED_VERSION = "UNSUPPORTED_VERSION"
    MISSING_MEMBER = "MISSING_MEMBER"
    WRONG_TYPE = "WRONG_TYPE"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    NUMBER_OUT_OF_RANGE = "NUMBER_OUT_OF_RANGE"
    UNKNOWN_VALUE = "UNKNOWN_VALUE"
    INVALID_DATE = "INVALID_DATE"
    FORBIDDEN_KEY = "FORBIDDEN_KEY"
    NO_IDENTITY = "NO_IDENTITY"
    INVALID_RETENTION = "INVALID_RETENTION"
    TOO_OLD = "TOO_OLD"
    CONFLICT = "CONFLICT"
    UNSTORABLE = "UNSTORABLE"
    UNREADABLE = "UNREADABLE"


class Refused(Exception):
    """An order that can never be stored as it is: the reason, and where (a JSON pointer, RFC 6901).

    Neither holds a value of the order, so both may be logged and published.
    """

    def __init__(self, reason: Reason, pointer: str = "") -> None:
        super().__init__(f"{reason} at {pointer or 'the whole event'}")
        self.reason = reason
        self.pointer = pointer


_BY_ERROR_TYPE: Final[dict[str, Reason]] = {
    "json_invalid": Reason.NOT_JSON,
    "missing": Reason.MISSING_MEMBER,
    "finite_number": Reason.NUMBER_OUT_OF_RANGE,
    "less_than_equal": Reason.NUMBER_OUT_OF_RANGE,
    "greater_than_equal": Reason.NUMBER_OUT_OF_RANGE,
    "int_parsing_size": Reason.NUMBER_OUT_OF_RANGE,
    "string_too_long": Reason.LIMIT_EXCEEDED,
    "string_too_short": Reason.LIMIT_EXCEEDED,
    "too_long": Reason.LIMIT_EXCEEDED,
    "too_short": Reason.LIMIT_EXCEEDED,
    "literal_error": Reason.UNKNOWN_VALUE,
    "string_pattern_mismatch": Reason.UNKNOWN_VALUE,
}
_BY_PARSER_WORDS: Final = (
    ("recursion limit exceeded", Reason.TOO_DEEP),
    ("number out of range", Reason.NUMBER_OUT_OF_RANGE),
)


def refusal(error: ValidationError, known_members: frozenset[str]) -> Refused:
    """The first fault of a failed validation, without any value of the input.

    Names that the schema does not know are the sender's text: they become ``*`` in the pointer.
    """
    first = error.errors(include_url=False, include_context=True, include_input=False)[0]
    parser_words = str(first.get("ctx", {}).get("error", ""))
    return Refused(_reason(first["type"], parser_words), pointer(first["loc"], known_members))


def _reason(error_type: str, parser_words: str) -> Reason:
    if error_type in Reason.__members__:  # our own validators name their reason
        return Reason(error_type)
    if error_type == "json_invalid":
        return next((r for words, r in _BY_PARSER_WORDS if words in parser_words), Reason.NOT_JSON)
    return _BY_ERROR_TYPE.get(error_type, Reason.WRONG_TYPE)


def pointer(location: tuple[int | str, ...], known_members: frozenset[str]) -> str:
    """Where a fault is, as a JSON pointer; a name that the schema does not know becomes ``*``."""
    parts = (str(part) if isinstance(part, int) or part in known_members else "*" for part in location)
    return "".join(f"/{part}" for part in parts)
