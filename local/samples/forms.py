"""The three forms in which a publisher may announce a completed order, as Kafka records.

Source: design section 4; CloudEvents 1.0 with its Kafka protocol binding.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from random import Random
from typing import Any, Final
from uuid import NAMESPACE_OID, uuid5

import orjson

from local.samples.till import instant

Form = Callable[[dict[str, Any]], "SampleEvent"]
"""Makes a Kafka record of an order."""

SOURCE: Final = "/shop/1"
EVENT_TYPES: Final = (
    "com.example.shop.order.completed.v1",
    "order.completed",
    "com.example.shop.order.completed",
    "order.completed.v1",
)
"""The names of this type of event that a consumer has to know."""


@dataclass(frozen=True, slots=True)
class SampleEvent:
    """One Kafka record, ready to be sent; ``value`` None is a tombstone."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()


def event_id(seed: int, number: int) -> str:
    """The id of the event that carries this sample order, in whichever form."""
    return str(uuid5(NAMESPACE_OID, f"order/{seed}/{number}"))


def structured(
    order: dict[str, Any], *, event: str, at: datetime, event_type: str = EVENT_TYPES[0], source: str = SOURCE
) -> SampleEvent:
    """CloudEvents structured mode: everything in the value. ``event`` is the event's id."""
    body = {"specversion": "1.0", "id": event, "source": source, "type": event_type, "time": instant(at)}
    body |= {"datacontenttype": "application/json"}
    value = orjson.dumps({**body, "data": order})
    return SampleEvent(_key(order), value, (("content-type", b"application/cloudevents+json"),))


def binary(
    order: dict[str, Any], *, event: str, at: datetime, event_type: str = EVENT_TYPES[0], source: str = SOURCE
) -> SampleEvent:
    """CloudEvents binary mode: the order is the value, all else is in ``ce_`` headers."""
    context = {"specversion": "1.0", "id": event, "source": source, "type": event_type, "time": instant(at)}
    headers = tuple((f"ce_{name}", text.encode()) for name, text in context.items())
    return SampleEvent(_key(order), orjson.dumps(order), (*headers, ("content-type", b"application/json")))


def envelope(order: dict[str, Any], *, event: str | None) -> SampleEvent:
    """The plain envelope; without ``event`` (the event's id) the member is absent."""
    body: dict[str, Any] = {"event": "ORDER_COMPLETED"}
    if event is not None:
        body["eventId"] = event
    return SampleEvent(_key(order), orjson.dumps({**body, "payload": order}))


def form_of(seed: int, number: int, *, at: datetime) -> Form:
    """The form in which this order is sent: all three take turns, the CloudEvents in all type names."""
    rng = Random(f"form/{seed}/{number}")  # noqa: S311  (the same form every time, no secret)
    event = event_id(seed, number)
    name = rng.choice(EVENT_TYPES)
    forms: tuple[Form, ...] = (
        partial(structured, event=event, at=at, event_type=name),
        partial(binary, event=event, at=at, event_type=name),
        partial(envelope, event=event),
    )
    return rng.choice(forms)


def _key(order: dict[str, Any]) -> bytes | None:
    natural = order.get("tenantOrderRecordId")
    return natural.encode() if isinstance(natural, str) else None
