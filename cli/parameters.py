"""What may be given on the command line beside plain words."""

import os
from datetime import UTC, datetime
from typing import Any

import click

from records.quarantine import Position


class EntryId(click.ParamType[str]):
    """The id of a quarantined event; checked, so that a slip of the hand is a wrong call."""

    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            str(value).encode()
            return Position.of_entry(str(value)).entry_id
        except ValueError:  # UnicodeEncodeError is one
            self.fail(
                "should be topic/partition/offset/timestamp, as `quarantine list` prints it", param, ctx
            )


class Word(click.ParamType[str]):
    """A text that names something: not empty, and in UTF-8."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        word = str(value)
        if not word or not _is_utf_8(word):
            self.fail("should be a text in UTF-8, and not empty", param, ctx)
        return word


class Instant(click.ParamType[datetime]):
    """A time: RFC 3339, or a day; without a time zone it is in UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            time = datetime.fromisoformat(value)
            return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            self.fail("should be a time such as 2026-11-23T10:15:00Z or 2026-11-23", param, ctx)


class Header(click.ParamType[tuple[str, bytes | None]]):
    """A header of a Kafka record as NAME=VALUE; without `=` it has no value."""

    name = "name=value"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, bytes | None]:
        if isinstance(value, tuple):
            return value
        name, equals, given = str(value).partition("=")
        if not name or not _is_utf_8(name):
            self.fail("should be NAME=VALUE, with a name in UTF-8 that is not empty", param, ctx)
        return name, os.fsencode(given) if equals else None


def _is_utf_8(word: str) -> bool:
    """Bytes that are none come from the shell as halves of surrogate pairs."""
    return not any("\ud800" <= character <= "\udfff" for character in word)
