"""The files of an export: a line for each record, of which the exact bytes can be had again.

An event's line is `<offset> <time in ms> <value>`. A value that begins with a brace and has no line break, as
every event of ours, stands there as it is; any other one as `base64:...`, and an absent one as `null`.
"""

import base64
import binascii
from collections.abc import Iterable, Sequence
from typing import Any, Final

import orjson

from audit.checkpoint_book import CheckpointRecord
from audit.merkle import MAX_SIZE
from audit.verdict import Batch

_NULL: Final = b"null"
_BASE64: Final = b"base64:"


class MalformedLine(ValueError):
    """A line that nobody has written so; never quoted."""


def event_lines(batch: Batch) -> bytes:
    """The lines of some events."""
    rows = zip(batch.offsets, batch.timestamps, batch.values, strict=True)
    return b"".join([b"%d %d %b\n" % (offset, time, _shown(value)) for offset, time, value in rows])


def read_events(lines: Sequence[bytes]) -> Batch:
    """The events of some lines, without their line breaks. Raises MalformedLine."""
    try:
        rows = [line.split(b" ", 2) for line in lines]
        values = [row[2] if row[2][:1] == b"{" else _hidden(row[2]) for row in rows]
        offsets, times = [int(row[0]) for row in rows], [int(row[1]) for row in rows]
    except (ValueError, IndexError, binascii.Error):
        raise MalformedLine("a line is no event's") from None
    if not _within(offsets, 0) or not _within(times, -MAX_SIZE):
        raise MalformedLine("a line has a number that Kafka cannot have")
    return Batch(offsets, values, times)


def checkpoint_lines(records: Iterable[CheckpointRecord]) -> bytes:
    """The lines of some checkpoint records: JSON, with the note as text if it is one."""
    return b"".join(orjson.dumps(_checkpoint(each), option=orjson.OPT_APPEND_NEWLINE) for each in records)


def read_checkpoints(lines: Sequence[bytes]) -> list[CheckpointRecord]:
    """The records of some lines. Raises MalformedLine."""
    try:
        return [_record(orjson.loads(line)) for line in lines]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise MalformedLine("a line is no checkpoint's") from None


def _within(numbers: Sequence[int], least: int) -> bool:
    return not numbers or (min(numbers) >= least and max(numbers) <= MAX_SIZE)


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
    return base64.b64decode(shown.removeprefix(_BASE64), validate=True)


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
    if "base64" in shown:
        return CheckpointRecord(int(shown["offset"]), _bytes(shown["base64"]), headers)
    note = shown["note"]
    return CheckpointRecord(int(shown["offset"]), None if note is None else note.encode(), headers)


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
