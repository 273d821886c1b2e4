"""Events that look odd and must be stored all the same, for their body keeps every rule."""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from local.samples.faults import CANARY, Build, drop, make, put, put_dates, put_raw
from local.samples.forms import Form, SampleEvent, structured

_NOTE_LIMIT: Final = 15_360 - len('{"note":""}')
_LINE: Final = {"article": {"tenantArticleId": "A-1", "attributes": []}, "quantity": 1}


@dataclass(frozen=True, slots=True)
class Harmless:
    """One kind of odd event that is stored: what is odd, and how to make one."""

    odd: str
    build: Build


def _header(name: str, value: bytes | None) -> Build:
    def build(order: dict[str, Any], form: Form) -> SampleEvent:
        event = form(order)
        return replace(event, headers=((name, value), *event.headers))

    return build


def _unknown_members(order: dict[str, Any], form: Form) -> SampleEvent:
    """What a publisher's next version may add, at every level; the names are the sender's text too."""
    order[f"new-{CANARY}"] = {"note": CANARY}
    order["consumer"]["birthday"] = CANARY
    order["consumer"]["addresses"][0]["floor"] = CANARY
    order["lineItems"][0]["article"]["colour"] = [CANARY]
    return form(order)


def _as_structured(headers: tuple[tuple[str, bytes | None], ...]) -> Build:
    def build(order: dict[str, Any], _form: Form) -> SampleEvent:
        at = datetime.fromisoformat(order["orderRecordDate"])
        event = structured(order, event=f"e-{order['tenantOrderRecordId']}", at=at)
        return replace(event, headers=headers)

    return build


def _keyed(key: bytes | None) -> Build:
    return lambda order, form: replace(form(order), key=key)


def _escaped(order: dict[str, Any], form: Form) -> SampleEvent:
    """Pretty-printed, and every letter beyond ASCII as an escape, surrogate pairs among them."""
    order["consumer"]["email"] = "🎉@example.com"
    event = form(order)
    return replace(event, value=json.dumps(json.loads(event.value or b""), indent=4).encode())


def _only_required(order: dict[str, Any], form: Form) -> SampleEvent:
    kept = {name: order[name] for name in ("tenantOrderRecordId", "orderRecordDate", "facilityRef")}
    return form(kept | {"lineItems": [_LINE]})


HARMLESS: Final[dict[str, Harmless]] = {
    name: Harmless(odd, build)
    for name, odd, build in (
        ("null-header", "a header without a value", _header("trace", None)),
        ("non-utf-8-header", "a header in Latin-1", _header("user", b"M\xfcller")),
        ("reply-to-header", "a header that asks for an answer", _header("reply_to", b"someone-elses-topic")),
        ("no-headers", "a structured CloudEvent without its content type", _as_structured(())),
        ("charset-in-content-type", "a content type with a charset", _as_structured(
            (("content-type", b"application/cloudevents+json; charset=utf-8"),))),
        ("no-key", "a record without a key", _keyed(None)),
        ("odd-key", "a key that is no text", _keyed(b"\xff\x00M\xfcller")),
        ("unknown-members", "members that the contract does not know", _unknown_members),
        ("no-order-id", "no order id: the event's id is the identity", drop("tenantOrderRecordId")),
        ("only-required", "nothing but the required members", _only_required),
        ("escaped-json", "pretty-printed ASCII JSON", _escaped),
        ("longest-string", "1,024 characters of two bytes", put("consumer/addresses/0/street", "ü" * 1024)),
        ("largest-integer", "money of 2^53",
         put("payments", [{"value": {"value": 2**53, "currency": "JPY"}}])),
        ("most-lines", "500 lines", put("lineItems", [_LINE] * 500)),
        ("negative-quantity", "a line that came back", put("lineItems/0/quantity", -1.5)),
        ("attributes-at-limit", "15,360 characters of customAttributes",
         put("customAttributes", {"note": "x" * _NOTE_LIMIT})),
        ("depth-97", "customAttributes 97 levels deep, 99 with the widest envelope",
         put_raw("customAttributes", b'{"a":' * 97 + b"1" + b"}" * 97)),
        ("nul-in-value", "a NUL in a name", put("consumer/addresses/0/firstName", f"{CANARY}\0")),
        ("dollar-in-value", "a name that a database could read as a field",
         put("consumer/addresses/0/firstName", "$_id")),
        ("dates-of-sender", "the sender's own clean-up and deletion dates",
         put_dates(gdprCleanupDate=10, deletionDate=40)),
    )
}  # fmt: skip


def harmless_event(kind: str, seed: int, number: int, *, at: datetime) -> SampleEvent:
    """One event of this kind of ``HARMLESS``; KeyError for any other kind."""
    return make(kind, HARMLESS[kind].build, seed, number, at=at)
