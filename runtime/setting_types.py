"""What a setting may be: the types that hold a variable's text to its rule."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

MAX_DAYS = 36_500  # a century: keeps every date that is computed from a setting inside the calendar

_SERVER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:,\[\]]+):(\d{1,5})")
_LOG_NAME = re.compile(r"[!-*,-~]{1,100}")
_VERIFIER_KEY = re.compile(r"[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+={0,2}")


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _servers(value: str) -> str:
    if not all(_SERVER.fullmatch(part.strip()) for part in value.split(",")):
        raise ValueError("should be host:port, several by comma")
    return value


def _mongo_uri(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(("mongodb://", "mongodb+srv://")):
        raise ValueError("should begin with mongodb:// or mongodb+srv://")
    return value


def _log_name(value: str) -> str:
    if not _LOG_NAME.fullmatch(value):
        raise ValueError("should be 1 to 100 printable ASCII characters without space and +")
    return value


def _verifier_keys(value: tuple[str, ...]) -> tuple[str, ...]:
    if not all(_VERIFIER_KEY.fullmatch(key) for key in value):
        raise ValueError("should be verifier keys (name+8 hex digits+base64), several by comma")
    return value


CommaSeparated = Annotated[tuple[str, ...], BeforeValidator(_split)]
Topic = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,249}$")]
Days = Annotated[int, Field(ge=1, le=MAX_DAYS)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Port = Annotated[int, Field(ge=0, le=65_535)]
Name = Annotated[str, Field(min_length=1)]
Servers = Annotated[str, AfterValidator(_servers)]
MongoUri = Annotated[SecretStr, AfterValidator(_mongo_uri)]
LogName = Annotated[str, AfterValidator(_log_name)]
VerifierKeys = Annotated[CommaSeparated, AfterValidator(_verifier_keys)]


class Group(BaseModel):
    """Settings that belong together."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
