"""The files of an export: a line for each record, of which the exact bytes can be had again.

An event's line is `<offset> <time in ms> <value>`. A value that begins with a brace and has no line break, as
every event of ours, stands there as it is; any other one as `base64:...`, and an absent one as `null`.
"""

import base64
import binascii
import re
from collections.abc import Iterable
from typing import Any, Final

import orjson

from audit.checkpoint_book import CheckpointRecord
from audit.merkle import MAX_SIZE
from audit.verdict import Batch

_NULL: Final = b"null"
_BASE64: Final = b"base64:"
_EVENT: Final = re.compile(rb"^([0-9]{1,19}+) (-?[0-9]{1,19}+) (.*+)\n", re.MULTILINE).findall


class MalformedLine(ValueError):
    """A line that nobody has written so; never quoted."""


def event_lines(batch: Batch) -> bytes:
    """The lines of some events."""
    rows = zip(batch.offsets, batch.timestamps, batch.values, strict=True)
    return b"".join([b"%d %d %b\n" % (offset, time, _shown(value)) for offset, time, value in rows])


def read_events(lines: bytes) -> Batch:
    """The events of some whole lines. Raises MalformedLine."""
    rows = _EVENT(lines)
    if len(rows) != lines.count(b"\n"):
        raise MalformedLine("a line is no event's")
    values = [shown if shown[:1] == b"{" else _hidden(shown) for _, _, shown in rows]
    offsets, times = [int(row[0]) for row in rows], [int(row[1]) for row in rows]
    if rows and not (max(offsets) <= MAX_SIZE and -MAX_SIZE <= min(times) <= max(times) <= MAX_SIZE):
        raise MalformedLine("a line has a number that Kafka cannot have")
    return Batch(offsets, values, times)


def checkpoint_lines(records: Iterable[CheckpointRecord]) -> bytes:
    """The lines of some checkpoint records: JSON, with the note as text if it is one."""
    return b"".join(orjson.dumps(_checkpoint(each), option=orjson.OPT_APPEND_NEWLINE) for each in records)


def read_checkpoints(lines: bytes) -> list[CheckpointRecord]:
    """The records of some whole lines. Raises MalformedLine."""
    try:
        return [_record(orjson.loads(line)) for line in lines.split(b"\n")[:-1]]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise MalformedLine("a line is no checkpoint's") from None


def _shown(value: bytes | None) -> bytes:
    if value is None:
        return _NULL
    if value[:1] == b"{" and b"\n" not in value:
        return value
    return _BASE64 + base64.b64encode(value)


def _hidden(shown: bytes) -> bytes | None:
    if shown == _NULL:
        return None
    if not shown.startswith(_BASE64):
        raise MalformedLine("a line is no event's")
    try:
        return base64.b64decode(shown.removeprefix(_BASE64), validate=True)
    except binascii.Error:
        raise MalformedLine("a line is no event's") from None


def _checkpoint(record: CheckpointRecord) -> dict[str, Any]:
    headers = [[name, None if value is None else _text(value)] for name, value in record.headers]
    shown: dict[str, Any] = {"offset": record.offset, "headers": headers}
    if record.value is None:
        return {**shown, "note": None}
    try:
        return {**shown, "note": record.value.decode()}
    except UnicodeDecodeError:
        return {**shown, "base64": _text(record.value)}


def _record(shown: dict[str, Any]) -> CheckpointRecord:
    headers = [(str(name), None if value is None else _bytes(value)) for name, value in shown["headers"]]
    offset = shown["offset"]
    if type(offset) is not int or not 0 <= offset <= MAX_SIZE:
        raise ValueError("an offset is a number that Kafka can have")
    if "base64" in shown:
        return CheckpointRecord(offset, _bytes(shown["base64"]), headers)
    note = shown["note"]
    return CheckpointRecord(offset, None if note is None else note.encode(), headers)


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
