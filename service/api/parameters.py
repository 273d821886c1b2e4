"""What parameters of an address have in common."""

import re
from typing import Final

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

_DIGITS: Final = re.compile(r"[0-9]+(\.0+)?")  # 25.0 is an integer in JSON Schema's eyes


def _only_digits(value: object) -> object:
    if isinstance(value, str) and not _DIGITS.fullmatch(value):
        raise PydanticCustomError("digits", "should be a number in digits")
    return value


IN_DIGITS: Final = BeforeValidator(_only_digits)
"""Python's own reading of a text would let `1_0`, `+5` and blanks through. Stands after the limits, which
the document would lose otherwise."""
