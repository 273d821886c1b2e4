"""Kafka records that are no order at all, or whose envelope breaks a rule."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import orjson

from local.samples.faults import CANARY, Broken, Build, body, cloud_event_json, put_raw, rewrite
from local.samples.forms import Form, SampleEvent, binary, envelope, structured
from records.reasons import Reason


def _truncated(order: dict[str, Any], form: Form) -> SampleEvent:
    event = form(order)
    return replace(event, value=(event.value or b"")[:-10])


def _latin_1(order: dict[str, Any], form: Form) -> SampleEvent:
    """The canary's ü as one byte, which no UTF-8 text may hold."""
    return rewrite(form(order), CANARY.encode(), b"CANARY-invalid-utf-8-M\xfcller")


def _utf_16(order: dict[str, Any], form: Form) -> SampleEvent:
    event = form(order)
    return replace(event, value=(event.value or b"").decode().encode("utf-16"))


def _too_large(order: dict[str, Any], form: Form) -> SampleEvent:
    """Every single limit is kept, the sum is 1.3 MB."""
    lines = [deepcopy(order["lineItems"][0]) for _ in range(500)]
    for line in lines:
        line["customAttributes"] = {"note": "x" * 2600}
    return form(order | {"lineItems": lines})


def _array(order: dict[str, Any], form: Form) -> SampleEvent:
    event = form(order)
    return replace(event, value=b"[" + (event.value or b"") + b"]", headers=())


def _in_member(name: str | None) -> Build:
    """The order under a member that no envelope has, or with nothing around it."""

    def build(order: dict[str, Any], form: Form) -> SampleEvent:
        return replace(form(order), value=orjson.dumps({name: order} if name else order), headers=())

    return build


def _as_type(make: Callable[..., SampleEvent], event_type: str) -> Build:
    def build(order: dict[str, Any], _form: Form) -> SampleEvent:
        at = datetime.fromisoformat(order["orderRecordDate"])
        return make(order, event=f"e-{order['tenantOrderRecordId']}", at=at, event_type=event_type)

    return build


def _nameless(order: dict[str, Any], _form: Form) -> SampleEvent:
    del order["tenantOrderRecordId"]
    return envelope(order, event=None)


def _xml(order: dict[str, Any], form: Form) -> SampleEvent:
    event = _as_type(binary, "order.completed")(order, form)
    context = tuple(header for header in event.headers if header[0] != "content-type")
    value = f"<order><name>{CANARY}</name></order>".encode()
    return replace(event, value=value, headers=(*context, ("content-type", b"application/xml")))


BODIES: Final[dict[str, Broken]] = {
    "empty-body": Broken("a body of no bytes", body(b""), Reason.EMPTY_BODY),
    "null-body": Broken("a tombstone: no body", body(None), Reason.EMPTY_BODY),
    "not-json": Broken("plain text", body(f"order of {CANARY} is complete".encode()), Reason.NOT_JSON),
    "truncated-json": Broken("JSON that ends too early", _truncated, Reason.NOT_JSON),
    "invalid-utf-8": Broken("JSON in Latin-1", _latin_1, Reason.NOT_JSON),
    "utf-16": Broken("JSON in UTF-16", _utf_16, Reason.NOT_JSON),
    "lone-surrogate": Broken(
        "half of a surrogate pair in a name", put_raw("consumer/email", rb'"\ud800@canary@"'), Reason.NOT_JSON
    ),
    "lone-surrogate-in-attributes": Broken(
        "half of a surrogate pair in customAttributes",
        put_raw("customAttributes", rb'{"note":"@canary@\udfff"}'),
        Reason.NOT_JSON,
    ),
    "not-json-content-type": Broken("a binary CloudEvent of XML", _xml, Reason.NOT_JSON),
    "too-large": Broken("an order over 1 MiB", _too_large, Reason.TOO_LARGE),
    "json-null": Broken("the JSON null", body(b"null"), Reason.NOT_AN_EVENT),
    "json-number": Broken("a JSON number", body(b"42"), Reason.NOT_AN_EVENT),
    "json-string": Broken("a JSON string", body(f'"{CANARY}"'.encode()), Reason.NOT_AN_EVENT),
    "json-array": Broken("a JSON array with an event in it", _array, Reason.NOT_AN_EVENT),
    "json-empty-object": Broken("an object without members", body(b"{}"), Reason.NOT_AN_EVENT),
    "unknown-envelope": Broken("an envelope of another make", _in_member("message"), Reason.NOT_AN_EVENT),
    "bare-order": Broken("an order without any envelope", _in_member(None), Reason.NOT_AN_EVENT),
    "cloud-event-without-data": Broken("a structured CloudEvent without data",
        body(cloud_event_json(subject=CANARY)), Reason.MISSING_MEMBER),
    "envelope-without-payload": Broken("an envelope without payload",
        body(b'{"event":"ORDER_COMPLETED","eventId":"@canary@"}'), Reason.MISSING_MEMBER),
    "data-string": Broken("a structured CloudEvent whose data is text",
        body(cloud_event_json(data=CANARY)), Reason.WRONG_TYPE),
    "payload-array": Broken("an envelope whose payload is an array",
        body(b'{"event":"ORDER_COMPLETED","eventId":"e-1","payload":["@canary@"]}'), Reason.WRONG_TYPE),
    "version-2-structured": Broken("a later version of the type",
        _as_type(structured, "com.example.shop.order.completed.v2"), Reason.UNSUPPORTED_VERSION),
    "version-2-binary": Broken("a later version of the type in a header",
        _as_type(binary, "order.completed.v2"), Reason.UNSUPPORTED_VERSION),
    "no-identity": Broken("neither an order id nor an event id", _nameless, Reason.NO_IDENTITY),
}  # fmt: skip
