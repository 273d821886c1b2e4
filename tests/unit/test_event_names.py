"""Which order a refused event holds: named as the decoder would name it, and never guessed."""

import json
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.samples.broken import BROKEN, broken_event
from local.samples.events import sample_events
from local.samples.forms import SampleEvent, binary, envelope, structured
from records.identity import NaturalKey
from records.payload import MAX_ORDER_BYTES
from records.reasons import Reason, Refused
from service.event_names import named_order
from service.events import IncomingOrder, decode
from tests.event_corpus import entries, events_of

AT: Final = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
NAMELESS: Final = {Reason.EMPTY_BODY, Reason.NOT_JSON, Reason.TOO_LARGE, Reason.NO_IDENTITY}
ORDER: Final = {"lineItems": "none"}
NUMBERED: Final = {**ORDER, "tenantOrderRecordId": "N-1"}
CE: Final = {"specversion": "1.0", "type": "order.completed"}
BY_NUMBER: Final = NaturalKey.of_order("N-1")


def name_of(event: SampleEvent) -> NaturalKey | None:
    return named_order(event.value, event.headers)


def check_agreement(event: SampleEvent) -> None:
    incoming = decode(event.value, event.headers)
    assert isinstance(incoming, IncomingOrder)
    assert name_of(event) == incoming.natural_key


def test_it_is_the_decoders_name_for_every_good_event() -> None:
    for labelled in sample_events(5, 200, at=AT):
        check_agreement(labelled.event)


@pytest.mark.parametrize("name", [name for name, entry in entries().items() if entry.expect == "accepted"])
def test_it_is_the_decoders_name_for_every_odd_event_that_is_accepted(name: str) -> None:
    for event, _ in events_of(entries()[name], 1, AT):
        check_agreement(event)


@pytest.mark.parametrize(
    "kind", ["type-quantity-string", "currency-unknown", "missing-facility", "depth-101"]
)
def test_an_order_with_a_fault_is_named(kind: str) -> None:
    assert BROKEN[kind].reason not in NAMELESS
    for number in range(6):
        event = broken_event(kind, 1, number, at=AT)
        with pytest.raises(Refused):
            decode(event.value, event.headers)
        name = name_of(event)
        assert name is not None
        assert name.kind == "tenantOrderRecordId"


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({**CE, "source": "/s", "id": "7", "data": NUMBERED}, BY_NUMBER),
        ({**CE, "source": "/s", "id": "7", "data": ORDER}, NaturalKey.of_event("/s", "7")),
        ({**CE, "source": "/s", "id": "7", "data": "no order"}, NaturalKey.of_event("/s", "7")),
        ({**CE, "source": None, "id": "7", "data": ORDER}, None),
        ({**CE, "source": "/s", "id": 7, "data": {**ORDER, "tenantOrderRecordId": 1}}, None),
        ({**CE, "data_base64": "eyJ0ZW5hbnRPcmRlclJlY29yZElkIjoiTi0xIn0="}, BY_NUMBER),
        ({**CE, "data_base64": "%"}, None),
        ({"event": "ORDER_COMPLETED", "payload": NUMBERED}, BY_NUMBER),
        ({"event": "ORDER_COMPLETED", "eventId": "7", "payload": ORDER}, NaturalKey.of_event("", "7")),
        ({"event": "ORDER_COMPLETED", "eventId": "", "payload": ORDER}, None),
        (NUMBERED, BY_NUMBER),
        (ORDER, None),
        ([NUMBERED], None),
    ],
)
def test_what_names_the_order_is_read_leniently_and_in_the_decoders_sequence(
    body: Any, name: NaturalKey | None
) -> None:
    assert named_order(json.dumps(body).encode(), ()) == name


def test_in_a_binary_event_the_headers_name_an_order_without_a_number() -> None:
    headers = [("ce_specversion", b"1.0"), ("CE_Source", b"/s"), ("ce_id", b"7")]
    assert named_order(json.dumps(NUMBERED).encode(), headers) == BY_NUMBER
    assert named_order(json.dumps(ORDER).encode(), headers) == NaturalKey.of_event("/s", "7")
    assert named_order(b"{", headers) is None, "it may have a number"
    assert named_order(json.dumps(ORDER).encode(), headers[:2]) is None


@pytest.mark.parametrize("make", [structured, binary, envelope])
def test_what_is_over_the_limit_of_size_is_not_read(make: Any) -> None:
    event = make(NUMBERED, event="7", **({} if make is envelope else {"at": AT}))
    assert name_of(event) == BY_NUMBER
    assert named_order(event.value + b" " * MAX_ORDER_BYTES, event.headers) is None


@given(
    st.binary(max_size=80) | st.none(), st.lists(st.tuples(st.text(), st.binary() | st.none()), max_size=4)
)
def test_no_bytes_make_it_fail(value: bytes | None, headers: list[tuple[str, bytes | None]]) -> None:
    named_order(value, headers)
