"""The form of a log line, and the way out for those of our own loggers.

Ours do not pass through `logging`: the REST API writes a line for each request, and what `logging` makes of
a line on its way from logger to filter to formatter would be a good part of what an answer costs.
"""

import json
import logging
import sys
import time
from datetime import UTC, datetime
from typing import Any, Final, TextIO

import orjson
import structlog
from structlog.typing import EventDict

from runtime.log_privacy import describe_error, type_name

# Else orjson would write out what is in an object that a line was given.
_NEVER_INSIDE: Final = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME


class Lines:
    """Makes lines and writes them to the handler's stream: JSON, or readable where that is a terminal."""

    def __init__(self, process: str, handler: "logging.StreamHandler[TextIO]") -> None:
        self._process = process
        self._handler = handler
        self._terminal = structlog.dev.ConsoleRenderer() if handler.stream.isatty() else None

    def text(self, fields: EventDict, *, logger: str, level: str, created: float) -> str:
        """One line; `created` is in seconds since 1970. Of errors it holds types and frames alone."""
        error = error_of(fields.pop("exc_info", None))
        fields.pop("stack_info", None)
        instant = datetime.fromtimestamp(created, UTC).isoformat(timespec="milliseconds")
        line = {**fields, "timestamp": instant.replace("+00:00", "Z"), "level": level, "logger": logger}
        line["process"] = self._process
        if error is not None:
            line["errors"] = describe_error(error)
        return _json(line) if self._terminal is None else str(self._terminal(None, level, _plain(line)))

    def write(self, text: str) -> None:
        """Writes the whole line at once, whoever else is writing."""
        self._handler.acquire()
        try:
            self._handler.stream.write(f"{text}\n")
            self._handler.flush()
        finally:
            self._handler.release()


class OurLogger:
    """What structlog hands the lines of one of our loggers to; like `logging`, it never raises."""

    def __init__(self, lines: Lines, name: str) -> None:
        self._lines = lines
        self._name = name

    def tell(self, level: str, fields: EventDict) -> None:
        """Writes one line; a line that cannot be made or written is dropped."""
        try:
            created = time.time()
            self._lines.write(self._lines.text(fields, logger=self._name, level=level, created=created))
        except Exception:  # noqa: BLE001, S110 (a full disk under the log must not stop the work)
            pass

    debug = info = warning = error = critical = tell


def error_of(exc_info: Any) -> BaseException | None:
    """The error that a log call was given, in any of the ways that `logging` takes."""
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return exc_info[1] if isinstance(exc_info[1], BaseException) else None
    return sys.exc_info()[1] if exc_info else None


def _json(line: EventDict) -> str:
    try:
        return orjson.dumps(line, _by_type, _NEVER_INSIDE).decode()
    except TypeError:  # an integer of 70 bits, half a surrogate pair, a key that is no text
        return json.dumps(line, default=_by_type)


def _by_type(value: Any) -> str:
    return type_name(type(value)) if isinstance(value, BaseException) else f"<{type_name(type(value))}>"


def _plain(line: EventDict) -> EventDict:
    return {name: _by_type(v) if isinstance(v, BaseException) else v for name, v in line.items()}
