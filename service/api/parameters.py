"""What parameters of an address have in common."""

import re
from collections.abc import Sequence
from typing import Final

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError
from starlette.datastructures import QueryParams

from service.api.errors import RequestFault, invalid

_DIGITS: Final = re.compile(r"[0-9]+(\.0+)?")  # 25.0 is an integer in JSON Schema's eyes


def _only_digits(value: object) -> object:
    if isinstance(value, str) and not _DIGITS.fullmatch(value):
        raise PydanticCustomError("digits", "should be a number in digits")
    return value


IN_DIGITS: Final = BeforeValidator(_only_digits)
"""Python's own reading of a text would let `1_0`, `+5` and blanks through. Stands after the limits, which
the document would lose otherwise."""


def _true_or_false(value: object) -> object:
    if isinstance(value, str) and value not in {"true", "false"}:
        raise PydanticCustomError("flag", "should be true or false")
    return value


TRUE_OR_FALSE: Final = BeforeValidator(_true_or_false)
"""The library would take `yes`, `on` and `1` as well."""


def check_names(given: QueryParams, known: Sequence[str]) -> None:
    """Refuses a parameter that is misspelt or there twice: what was asked for would not be what is done.

    Raises RequestFault.
    """
    faults = [
        invalid("should be there once", f"/query/{name}") for name in known if len(given.getlist(name)) > 1
    ]
    if not set(given) <= set(known):
        faults.append(invalid(f"no such parameter; known here: {', '.join(known)}", "/query/*"))
    if faults:
        raise RequestFault(400, faults)
