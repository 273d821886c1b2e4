"""How to break a good order on purpose: small builders that the tables of broken events are made of.

``@canary@`` in a value becomes the canary of its kind when the event is built.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from local.samples.forms import Form, SampleEvent, form_of
from local.samples.orders import sample_order
from local.samples.till import instant
from records.reasons import Reason

Build = Callable[[dict[str, Any], Form], SampleEvent]
"""Breaks the order, which it may change, and sends it in the form it is given, or in one of its own."""

CANARY: Final = "@canary@"
_RAW: Final = "@raw@"


@dataclass(frozen=True, slots=True)
class Broken:
    """One kind of event that can never be stored: what is wrong, how to make one, the code it must get."""

    wrong: str
    build: Build
    reason: Reason


def canary(kind: str) -> str:
    """The string that is planted in events of this kind, to be looked for where no personal data may be."""
    return f"CANARY-{kind}-Müller"


def make(kind: str, build: Build, seed: int, number: int, *, at: datetime) -> SampleEvent:
    """A Kafka record of a good order that was planted with its canary and then given to ``build``."""
    guest: dict[str, Any] = {"consumer": {"addresses": [{}]}}
    order = guest | sample_order(seed, number, at=at)
    order["consumer"]["addresses"][0]["lastName"] = CANARY
    event = build(order, form_of(seed, number, at=at))
    return rewrite(event, CANARY.encode(), canary(kind).encode())


def put(path: str, value: Any) -> Build:
    """Sets the member at a path like ``payments/0/value``; objects missing on the way are made."""

    def build(order: dict[str, Any], form: Form) -> SampleEvent:
        parent, name = _parent(order, path)
        parent[name] = deepcopy(value)
        return form(order)

    return build


def drop(path: str) -> Build:
    """Removes the member at a path, which must be there."""

    def build(order: dict[str, Any], form: Form) -> SampleEvent:
        parent, name = _parent(order, path)
        del parent[name]
        return form(order)

    return build


def put_raw(path: str, text: bytes) -> Build:
    """Sets a member to bytes that no JSON writer would produce (NaN, a lone surrogate, endless depth)."""

    def build(order: dict[str, Any], form: Form) -> SampleEvent:
        return rewrite(put(path, _RAW)(order, form), f'"{_RAW}"'.encode(), text)

    return build


def put_dates(**days: int) -> Build:
    """Sets members of the payload to so many days after the order."""

    def build(order: dict[str, Any], form: Form) -> SampleEvent:
        ordered = datetime.fromisoformat(order["orderRecordDate"])
        return form(order | {name: instant(ordered + timedelta(days=count)) for name, count in days.items()})

    return build


def body(value: bytes | None) -> Build:
    """Sends these bytes instead of an order, under the order's key."""
    return lambda order, form: replace(form(order), value=value, headers=())


def rewrite(event: SampleEvent, old: bytes, new: bytes) -> SampleEvent:
    """The event with some bytes of its value exchanged."""
    return event if event.value is None else replace(event, value=event.value.replace(old, new))


def cloud_event_json(event_type: str = "order.completed", **members: Any) -> bytes:
    """The value of a structured CloudEvent with these members beside the required ones."""
    context = {"specversion": "1.0", "id": "e-1", "source": "/shop/1", "type": event_type}
    return orjson.dumps({**context, **members})


def _parent(order: dict[str, Any], path: str) -> tuple[Any, Any]:
    *way, last = (int(part) if part.isdecimal() else part for part in path.split("/"))
    node: Any = order
    for part in way:
        node = node.setdefault(part, {}) if isinstance(part, str) else node[part]
    return node, last
