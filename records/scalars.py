"""What the members of an order are made of: texts, numbers, dates, and JSON of the sender's own."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    WithJsonSchema,
    with_config,
)
from pydantic_core import PydanticCustomError

from records.free_json import check_custom_attributes, check_names
from records.money import SAFE_INTEGER
from records.reasons import Reason

CLOSED: Final = with_config(ConfigDict(strict=True, extra="forbid"))
RFC_3339: Final = (
    r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(\.[0-9]{1,9})?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
)
"""A blank may stand for the T (RFC 3339, section 5.6). That the day exists no pattern can say."""
_RFC_3339: Final = re.compile(RFC_3339)


def parse_instant(value: object) -> datetime:
    """An RFC 3339 date-time as UTC, cut to the milliseconds that are stored (api rule 9)."""
    if not isinstance(value, str):
        raise PydanticCustomError(Reason.WRONG_TYPE.value, "a date-time is a string")
    if not _RFC_3339.fullmatch(value):
        raise PydanticCustomError(Reason.INVALID_DATE.value, "not an RFC 3339 date-time")
    try:
        instant = datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise PydanticCustomError(Reason.INVALID_DATE.value, "no such date or time") from None
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE: Final = BeforeValidator(_whole)
"""JSON knows one kind of number: 20.0 is 20, and 20.5 stays for the schema to refuse. Stands after the
limits: they would hold behind it as well, but the document would not show them."""
Instant = Annotated[
    datetime, PlainValidator(parse_instant), WithJsonSchema({"type": "string", "format": "date-time"})
]
Text = Annotated[str, Field(max_length=1024)]
FilledText = Annotated[str, Field(min_length=1, max_length=1024)]
Number = Annotated[float, Field(ge=-SAFE_INTEGER, le=SAFE_INTEGER, allow_inf_nan=False)]
Localized = Annotated[dict[Text, Text], AfterValidator(check_names)]
CustomAttributes = Annotated[
    dict[str, Any] | None,
    AfterValidator(check_custom_attributes),
    Field(
        description="Anything else that the sender wants to keep: at most 15,360 characters as JSON and 100 "
        "levels deep, no name with a `.` in it or a `$` in front. Null is the same as absent. "
        "Erased at clean-up."
    ),
]
