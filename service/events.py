"""The three forms of an order-completed event, read into one typed order.

CloudEvents 1.0 structured, CloudEvents 1.0 binary (attributes in headers), and the envelope
{"event", "eventId", "payload"}. Source of the rules: design section 4.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from records.free_json import MAX_DEPTH, depth_of
from records.identity import NaturalKey
from records.payload import KNOWN_MEMBERS, MAX_ORDER_BYTES, OrderPayload
from records.reasons import Reason, Refused, refusal

Headers = Iterable[tuple[str, bytes | None]]
Parsed = TypeVar("Parsed")

_OURS: Final = re.compile(r"(?:[A-Za-z0-9_-]+\.)*order\.completed(?P<version>\.(?:[vV]?[0-9].*|[vV]))?")
_OURS_IN_ENVELOPE: Final = re.compile(r"ORDER_COMPLETED(?P<version>[._-]?[Vv][0-9]+)?")
_SUPPORTED: Final = (None, ".v1")
_JSON_TYPE: Final = re.compile(r"[a-z]+/(?:[a-z0-9.-]+\+)?json\s*(?:;.*)?", re.IGNORECASE)
_STRUCTURED_TYPE: Final = "application/cloudevents"

_MAX_ATTRIBUTE: Final = 1024
_Attribute = Annotated[str, Field(max_length=_MAX_ATTRIBUTE)]


_IGNORING = with_config(ConfigDict(strict=True, extra="ignore"))


@_IGNORING
class _CloudEvent(TypedDict, total=False):
    specversion: _Attribute
    type: _Attribute
    source: _Attribute
    id: _Attribute
    data: OrderPayload
    data_base64: str


@_IGNORING
class _Envelope(TypedDict, total=False):
    event: _Attribute
    eventId: _Attribute
    payload: OrderPayload


@_IGNORING
class _Event(_CloudEvent, _Envelope, total=False):
    """Either form, so that a good event is parsed only once."""


_EVENT: Final = TypeAdapter[Mapping[str, Any]](_Event)
_CLOUD_EVENT: Final = TypeAdapter[Mapping[str, Any]](_CloudEvent)
_ENVELOPE: Final = TypeAdapter[Mapping[str, Any]](_Envelope)
_ANY: Final = TypeAdapter[Any](Any)
_ANY_OBJECT: Final = TypeAdapter(dict[str, Any])
_ORDER: Final = TypeAdapter(OrderPayload)
_SANE_FAULTS: Final = 1000
"""Above it faults are only counted: listing tens of thousands takes up to half a second for one event."""
_KNOWN: Final = KNOWN_MEMBERS | _CloudEvent.__annotations__.keys() | _Envelope.__annotations__.keys()


@dataclass(frozen=True, repr=False)
class IncomingOrder:
    """A valid order, what names it, and how many members were dropped since nobody knows them."""

    order: OrderPayload
    natural_key: NaturalKey
    unknown_members: int


Skipped = Literal["skipped"]
"""An event of another type: none of our business, and no fault."""


def decode(value: bytes | None, headers: Headers) -> IncomingOrder | Skipped:
    """The order in an event. Raises Refused when it is one that can never be stored.

    Only `ce_` headers and the content type are looked at; whatever else a header holds harms nobody.
    """
    attributes = attributes_of(headers)
    if is_binary(attributes):
        return _decode_binary(value, attributes)
    return _decode_body(_checked(value))


def _checked(value: bytes | None) -> bytes:
    if not value:
        raise Refused(Reason.EMPTY_BODY)
    if len(value) > MAX_ORDER_BYTES:
        raise Refused(Reason.TOO_LARGE)
    return value


def attributes_of(headers: Headers) -> dict[str, str]:
    """The attributes of a CloudEvent in headers, and the content type, which is empty where there is none.

    A header that is null or not UTF-8 counts as absent: replacing its bytes could make two ids one.
    """
    attributes = {"content-type": ""}
    for name, value in headers:
        lowered = name.lower()
        told = lowered == "content-type" or lowered.startswith("ce_")
        if told and value is not None and (text := _text(value)) is not None:
            attributes[lowered.removeprefix("ce_")] = text
    return attributes


def is_binary(attributes: Mapping[str, str]) -> bool:
    """Whether an event with these headers is a binary CloudEvent: the value is the order alone."""
    return "specversion" in attributes and not attributes["content-type"].lower().startswith(_STRUCTURED_TYPE)


def _text(value: bytes) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _decode_binary(value: bytes | None, attributes: Mapping[str, str]) -> IncomingOrder | Skipped:
    if not _is_ours(attributes, ""):
        return "skipped"
    if attributes["content-type"] and not _JSON_TYPE.fullmatch(attributes["content-type"]):
        raise Refused(Reason.NOT_JSON)
    order, unknown = _validate(_ORDER, _checked(value))
    return IncomingOrder(order, _natural_key(order, attributes, ""), unknown)


def _decode_body(value: bytes) -> IncomingOrder | Skipped:
    try:
        event, unknown = _validate(_EVENT, value)
    except Refused as refused:
        form = _form_of(value, refused)
        if form is None:
            return "skipped"
        event, unknown = _validate(form, value)
    pointer, ours = _body_member(event)
    if not ours:
        return "skipped"
    order = event.get(pointer[1:])
    if order is None and pointer == "/data" and "data_base64" in event:
        order, unknown = _decode_base64(event["data_base64"])
    if order is None:
        raise Refused(Reason.MISSING_MEMBER, pointer)
    return IncomingOrder(order, _natural_key(order, event, pointer), unknown)


def _form_of(value: bytes, refused: Refused) -> TypeAdapter[Mapping[str, Any]] | None:
    """The one form by which an event with a fault is judged; None for another type of event.

    Another type may hold whatever it likes, and members of the other form are of no account.
    """
    try:
        head = _ANY_OBJECT.validate_json(value)
    except ValidationError as error:
        root_is_no_object = error.errors(include_input=False)[0]["type"] == "dict_type"
        raise Refused(Reason.NOT_AN_EVENT) if root_is_no_object else refused from None
    deciding, form = ("type", _CLOUD_EVENT) if "specversion" in head else ("event", _ENVELOPE)
    if isinstance(head.get(deciding, ""), str) and not _body_member(head)[1]:
        return None
    return form


def _body_member(event: Mapping[str, Any]) -> tuple[str, bool]:
    """Where the order stands, and whether the event is ours at all."""
    if "specversion" in event:
        return "/data", _is_ours(event, "/type")
    if "event" not in event:
        raise Refused(Reason.NOT_AN_EVENT)
    match = _OURS_IN_ENVELOPE.fullmatch(event["event"])
    if match and match["version"]:
        raise Refused(Reason.UNSUPPORTED_VERSION, "/event")
    return "/payload", match is not None


def _is_ours(attributes: Mapping[str, Any], pointer: str) -> bool:
    if "type" not in attributes:
        raise Refused(Reason.NOT_AN_EVENT, pointer)
    match = _OURS.fullmatch(attributes["type"])
    if match is None:
        return False
    if match["version"] not in _SUPPORTED or attributes["specversion"] != "1.0":
        raise Refused(Reason.UNSUPPORTED_VERSION, pointer)
    return True


def _natural_key(order: OrderPayload, attributes: Mapping[str, Any], pointer: str) -> NaturalKey:
    if "tenantOrderRecordId" in order:
        return NaturalKey.of_order(order["tenantOrderRecordId"])
    if pointer == "/payload":
        source, event_id = "", attributes.get("eventId", "")
    else:
        source, event_id = attributes.get("source", ""), attributes.get("id", "")
    if not event_id or (pointer != "/payload" and not source):
        raise Refused(Reason.NO_IDENTITY, f"{pointer}/tenantOrderRecordId")
    if max(len(source), len(event_id)) > _MAX_ATTRIBUTE:  # of headers; the schema limits those in a body
        raise Refused(Reason.LIMIT_EXCEEDED)
    return NaturalKey.of_event(source, event_id)


def _validate(adapter: TypeAdapter[Parsed], value: bytes) -> tuple[Parsed, int]:
    """The value and the number of unknown members; those are dropped, never a reason to refuse."""
    try:
        return adapter.validate_json(value), 0
    except ValidationError as error:
        unknown = _listed(error) if error.error_count() <= _SANE_FAULTS else _counted(error, value)
    try:
        return adapter.validate_json(value, extra="ignore"), unknown
    except ValidationError as error:
        raise refusal(error, _KNOWN) from None


def _listed(error: ValidationError) -> int:
    faults = error.errors(include_url=False, include_context=False)
    unknown = [fault for fault in faults if fault["type"] == "extra_forbidden"]
    if any(len(f["loc"]) + depth_of(f["input"]) > MAX_DEPTH for f in unknown):
        raise Refused(Reason.TOO_DEEP) from None
    if not unknown:
        raise refusal(error, _KNOWN) from None
    return len(unknown)


def _counted(error: ValidationError, value: bytes) -> int:
    """All faults; where another one is among them, the event is refused for it afterwards."""
    if depth_of(_ANY.validate_json(value)) > MAX_DEPTH:
        raise Refused(Reason.TOO_DEEP) from None
    return error.error_count()


def _decode_base64(text: str) -> tuple[OrderPayload, int]:
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused(Reason.NOT_JSON, "/data_base64") from None
    return _validate(_ORDER, value)
