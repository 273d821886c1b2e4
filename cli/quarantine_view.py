"""How quarantined events are printed: facts only, but for the one whose content was asked for."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import orjson
from rich.table import Table

from audit.templates import timestamp
from cli.console import plain_console
from records.mongo.quarantine_reads import MAX_COUNT, Entry
from records.mongo.quarantine_replay import Became, Fate
from records.quarantine import RawEvent

_MAX_ROWS: Final = 100


def text(document: Any) -> str:
    """A result as JSON."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()


def entry_facts(entry: Entry) -> dict[str, Any]:
    """What is known of an entry, by the names that `--json` uses."""
    place = entry.position
    return {
        "id": place.entry_id,
        "topic": place.topic,
        "partition": place.partition,
        "offset": place.offset,
        "time": _time(entry.time),
        "arrived": _time(entry.arrived),
        "reason": entry.reason,
        "pointer": entry.pointer,
        "state": entry.state.value,
        "due": _time(entry.due),
        "recordId": entry.record_id,
        "untilOffset": entry.until,
        "grounds": entry.grounds,
    }


def print_rows(entries: Iterable[Entry]) -> None:
    """A table of entries."""
    names = ("id", "state", "reason", "pointer", "time", "due")
    print_table(names, ([str(entry_facts(each)[name] or "-") for name in names] for each in entries))


def print_entries(entries: Sequence[Entry], total: int) -> None:
    """A table, and how many there are in all."""
    print_rows(entries)
    many = f"at least {total}" if total == MAX_COUNT else total
    plain_console().print(f"{len(entries)} of {many}", highlight=False)


def became_facts(became: Became) -> dict[str, Any]:
    """What became of an entry, by the names that `--json` uses; the reason is that of a refusal."""
    facts: dict[str, Any] = {"id": became.entry_id, "outcome": became.fate.value}
    if became.refused is not None:
        facts |= {"reason": became.refused.reason.value, "pointer": became.refused.pointer}
    return facts


def print_became(became: Sequence[Became], counts: Mapping[Fate, int], *, dry: bool) -> None:
    """A table of some, and the totals of all."""
    names = ("id", "outcome", "reason", "pointer")
    rows = ([became_facts(each).get(name) or "-" for name in names] for each in became[:_MAX_ROWS])
    if became:
        print_table(names, rows)
    if len(became) > _MAX_ROWS:
        plain_console().print(f"and {len(became) - _MAX_ROWS} more: --json prints all", highlight=False)
    totals = ", ".join(f"{fate.value.lower()} {counts[fate]}" for fate in Fate if fate in counts)
    plain_console().print(f"{'would be: ' if dry else ''}{totals or 'no such entry'}", highlight=False)


def content_facts(event: RawEvent) -> dict[str, Any]:
    """The very bytes of an event, as base64."""
    headers = [{"name": name, "valueBase64": _base64(value)} for name, value in event.headers]
    return {"keyBase64": _base64(event.key), "headers": headers, "valueBase64": _base64(event.value)}


def readable(event: RawEvent) -> str:
    """An event for a terminal: what is no printable text is escaped, so that it can do nothing there."""
    headers = [f"{_safe(name.encode())}: {_safe_or_null(value)}" for name, value in event.headers]
    parts = {"key": [_safe_or_null(event.key)], "headers": headers, "value": [_safe_or_null(event.value)]}
    return "\n".join("\n".join([f"--- {name}", *lines]) for name, lines in parts.items())


def print_table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = Table(box=None, pad_edge=False)
    for name in names:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*row)
    plain_console().print(table, highlight=False, markup=False)


def print_facts(facts: Mapping[str, Any]) -> None:
    """One fact a line; an absent one is a dash."""
    width = max(map(len, facts))
    for name, value in facts.items():
        plain_console().print(
            f"{name:<{width}}  {'-' if value in (None, '') else value}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )


def _time(instant: datetime | None) -> str | None:
    return None if instant is None else timestamp(instant)


def _base64(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()


def _safe_or_null(value: bytes | None) -> str:
    return "(null)" if value is None else _safe(value)


def _safe(value: bytes) -> str:
    decoded = value.decode(errors="backslashreplace")
    return "".join(
        c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in decoded
    )
