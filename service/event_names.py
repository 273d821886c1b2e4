"""Which order a refused event holds, as far as its bytes still say so: for `trace`, and so that nothing is
kept of an order that was erased. Read leniently, and only where the decoder has refused.
"""

import base64
import binascii
from typing import Any

from pydantic_core import from_json

from records.identity import NaturalKey
from records.payload import MAX_ORDER_BYTES
from service.events import Headers, attributes_of, is_binary


def named_order(value: bytes | None, headers: Headers) -> NaturalKey | None:
    """The key that the decoder would give the order, were it not for the fault; None where the event is over
    the limit of size, no JSON object, or names no order.
    """
    if not value or len(value) > MAX_ORDER_BYTES or (body := _object(value)) is None:
        return None
    attributes = attributes_of(headers)
    if is_binary(attributes):
        return _of_order(body) or _of_cloud_event(attributes)
    if "specversion" in body:
        return _of_order(_data(body)) or _of_cloud_event(body)
    if "event" in body:
        return _of_order(body.get("payload")) or _of_event("", body.get("eventId"))
    return _of_order(body)  # the bare order, most likely


def _object(value: bytes) -> dict[str, Any] | None:
    try:
        parsed = from_json(value)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None


def _data(event: dict[str, Any]) -> object:
    encoded = event.get("data_base64")
    if event.get("data") is not None or not isinstance(encoded, str):
        return event.get("data")
    try:
        return _object(base64.b64decode(encoded, validate=True))
    except (binascii.Error, ValueError):
        return None


def _of_order(order: object) -> NaturalKey | None:
    number = order.get("tenantOrderRecordId") if isinstance(order, dict) else None
    return NaturalKey.of_order(number) if isinstance(number, str) and number else None


def _of_cloud_event(event: dict[str, Any] | dict[str, str]) -> NaturalKey | None:
    source = event.get("source")
    return _of_event(source, event.get("id")) if isinstance(source, str) and source else None


def _of_event(source: str, event_id: object) -> NaturalKey | None:
    return NaturalKey.of_event(source, event_id) if isinstance(event_id, str) and event_id else None
