"""JSON answers: dates as RFC 3339 in UTC with milliseconds."""

from datetime import datetime
from typing import Any

import orjson
from fastapi import Response

from audit.templates import timestamp


def answer(content: Any, status: int = 200) -> Response:
    """The content as JSON, written once."""
    body = orjson.dumps(content, default=_plain, option=orjson.OPT_PASSTHROUGH_DATETIME)
    return Response(body, status, media_type="application/json")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return timestamp(value)
    raise TypeError
