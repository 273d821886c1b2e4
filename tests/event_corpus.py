"""The corpus of odd events: data in tests/corpus/, one entry a line (docs/developer.md, "How to")."""

import base64
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from local.samples.faults import drop, put
from local.samples.forms import EVENT_TYPES, SampleEvent, binary, envelope, structured
from local.samples.orders import sample_order
from records.reasons import Reason

FOLDER: Final = Path(__file__).parent / "corpus"
ORDER_AT: Final = {"structured": "/data", "binary": "", "envelope": "/payload"}
"""The forms, and where the order stands in each."""


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Repeat(_Closed):
    """The same bytes many times over."""

    repeat: "Bytes"
    times: Annotated[int, Field(ge=0, le=10**8)]


class Base64(_Closed):
    """Bytes that are no text."""

    base64: str


class Joined(_Closed):
    """Parts, one after the other."""

    join: list["Bytes"]


Bytes = str | Repeat | Base64 | Joined
"""Text stands for its UTF-8 bytes."""

Headers = list[tuple[str, Bytes | None]]


class _Entry(_Closed):
    name: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    what: str
    expect: Reason | Literal["accepted", "skipped"]
    pointer: str = ""
    headers: Headers = []
    age_days: Annotated[int, Field(ge=0)] = 0


class Whole(_Entry):
    """The whole value, null for a tombstone, and all headers."""

    value: Bytes | None


class Changed(_Entry):
    """A good order in each of the forms: members set to raw JSON by their path, others taken away.

    `type` is the CloudEvent's; `headers` come after those of the form. In `pointer` an `@` is the order.
    """

    forms: tuple[Literal["structured", "binary", "envelope"], ...] = ("structured", "binary", "envelope")
    order: dict[str, Bytes] = {}
    without: tuple[str, ...] = ()
    type: str = EVENT_TYPES[0]


Entry = Whole | Changed


class OddEvent(NamedTuple):
    """One event of an entry, and the pointer by which it must be refused."""

    event: SampleEvent
    pointer: str


@cache
def entries() -> dict[str, Entry]:
    """All of them by name, from every file. Raises ValidationError for a line that is no entry."""
    reader = TypeAdapter[Entry](Entry)
    found: dict[str, Entry] = {}
    for file in sorted(FOLDER.glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            entry = reader.validate_json(line)
            assert entry.name not in found, f"two entries have the name {entry.name}"
            found[entry.name] = entry
    return found


def events_of(entry: Entry, number: int, at: datetime) -> Iterator[OddEvent]:
    """The events of an entry, for orders of this number and time; equal for equal arguments."""
    headers = tuple((name, None if value is None else written(value)) for name, value in entry.headers)
    if isinstance(entry, Whole):
        value = None if entry.value is None else written(entry.value)
        yield OddEvent(SampleEvent(b"odd", value, headers), entry.pointer)
        return
    for form in entry.forms:
        event = _changed(entry, form, sample_order(77, number, at=at), at)
        pointer = entry.pointer.replace("@", ORDER_AT[form])
        yield OddEvent(replace(event, headers=(*event.headers, *headers)), pointer)


def written(value: Bytes) -> bytes:
    """The bytes that a description stands for."""
    match value:
        case str():
            return value.encode()
        case Repeat(repeat=part, times=times):
            return written(part) * times
        case Base64(base64=text):
            return base64.b64decode(text, validate=True)
        case Joined(join=parts):
            return b"".join(map(written, parts))


def _changed(entry: Changed, form: str, order: dict[str, Any], at: datetime) -> SampleEvent:
    event_id = f"odd-{order['tenantOrderRecordId']}"
    forms: dict[str, Callable[[], SampleEvent]] = {
        "structured": lambda: structured(order, event=event_id, at=at, event_type=entry.type),
        "binary": lambda: binary(order, event=event_id, at=at, event_type=entry.type),
        "envelope": lambda: envelope(order, event=event_id),
    }
    marks = {f"@raw-{number}@": path for number, path in enumerate(entry.order)}
    for mark, path in marks.items():
        put(path, mark)(order, _unsent)
    for path in entry.without:
        drop(path)(order, _unsent)
    event = forms[form]()
    value = event.value or b""
    for mark, path in marks.items():
        value = value.replace(f'"{mark}"'.encode(), written(entry.order[path]))
    return replace(event, key=b"odd", value=value)


def _unsent(_: dict[str, Any]) -> SampleEvent:
    """What changes an order wants to send it at once; here it is sent when it is changed as a whole."""
    return SampleEvent(None, None)
