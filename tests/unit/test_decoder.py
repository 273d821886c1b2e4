"""The decoder takes whatever a topic holds: an order, something else, or a refusal that tells nothing."""

import base64
import json
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from local.samples.forms import EVENT_TYPES, SampleEvent, binary, envelope, structured
from local.samples.orders import sample_order
from records.identity import NaturalKey
from records.payload import MAX_ORDER_BYTES
from records.reasons import Reason, Refused
from service.events import IncomingOrder, decode
from tests.refusals import decoded_or_refused, every_event_form
from tests.strategies import CANARY, storable_name

AT = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
OTHER_TYPES = [
    "com.example.stock.changed.v1",
    "order.completed.archive",
    "reorder.completed",
    "order-completed",
    "",
]
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NAMES = st.sampled_from(["specversion", "type", "data", "event", "payload", "id", "data_base64"]) | TEXT
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.just(CANARY),
    lambda child: st.lists(child, max_size=4) | st.dictionaries(NAMES, child, max_size=4),
    max_leaves=12,
)
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(["ce_specversion", "ce_type", "ce_id", "content-type", "CE_Type", "reply_to"]) | TEXT,
        st.none() | st.binary() | st.sampled_from([b"1.0", b"order.completed", b"application/json"]),
    ),
    max_size=6,
)


def accepted(event: SampleEvent) -> IncomingOrder:
    incoming = decode(event.value, event.headers)
    assert incoming != "skipped"
    return incoming


def refusal(value: bytes | None, headers: Any = ()) -> tuple[Reason, str]:
    with pytest.raises(Refused) as caught:
        decode(value, headers)
    return caught.value.reason, caught.value.pointer


@settings(max_examples=150)
@given(st.binary(), HEADERS)
def test_any_bytes_are_judged(value: bytes, headers: list[tuple[str, bytes | None]]) -> None:
    decoded_or_refused(value, headers)


@settings(max_examples=150)
@given(JSON, HEADERS)
@example({"specversion": "1.0", "type": "order.completed", "data_base64": CANARY}, [])
@example({"specversion": "1.0", "type": "order.completed", "data_base64": 1}, [])
@example({"specversion": 1.0, "type": "order.completed"}, [])
@example({"event": "ORDER_COMPLETED", "eventId": None, "payload": {}}, [])
@example({"event": "ORDER_COMPLETED", "payload": {CANARY: {CANARY: 1}}}, [])
@example({"event": CANARY, "eventId": 5}, [])
def test_any_json_is_judged(value: Any, headers: list[tuple[str, bytes | None]]) -> None:
    decoded_or_refused(json.dumps(value).encode(), headers)


@settings(max_examples=150)
@given(st.integers(0, 400), st.integers(0, 2), JSON, st.data())
def test_any_change_of_a_good_event_is_judged(
    number: int, form: int, value: Any, data: st.DataObject
) -> None:
    event = every_event_form(sample_order(1, number, at=AT), AT)[form]
    body = orjson.loads(event.value or b"")
    for _ in range(data.draw(st.integers(1, 2))):
        node = data.draw(st.sampled_from(list(_containers(body))))
        if isinstance(node, list):
            node.insert(data.draw(st.integers(0, len(node))), deepcopy(value))
        else:
            name = data.draw(st.sampled_from([*node, storable_name(CANARY)]))
            node[name] = deepcopy(value)
            if data.draw(st.booleans()):
                del node[name]

    decoded_or_refused(json.dumps(body).encode(), event.headers)


def _containers(value: Any) -> list[Any]:
    children = value.values() if isinstance(value, dict) else value
    return [value, *(n for c in children if isinstance(c, dict | list) and c for n in _containers(c))]


@given(st.integers(0, 10**6), st.sampled_from(EVENT_TYPES), st.booleans())
def test_one_order_is_the_same_order_in_all_three_forms(number: int, name: str, named: bool) -> None:  # noqa: FBT001
    order = sample_order(2, number, at=AT)
    if not named:
        del order["tenantOrderRecordId"]
    cloud = [
        accepted(form(deepcopy(order), event="e-1", at=AT, event_type=name)) for form in (structured, binary)
    ]
    plain = accepted(envelope(order, event="e-1"))

    assert cloud[0] == cloud[1]
    assert plain.order == cloud[0].order
    by_number = NaturalKey.of_order(order.get("tenantOrderRecordId", ""))
    assert cloud[0].natural_key == (by_number if named else NaturalKey.of_event("/shop/1", "e-1"))
    assert plain.natural_key == (by_number if named else NaturalKey.of_event("", "e-1"))


@given(st.integers(0, 400), st.lists(JSON, min_size=1, max_size=4), st.data())
def test_unknown_members_are_dropped_and_counted_wherever_they_are(
    number: int, values: list[Any], data: st.DataObject
) -> None:
    order = sample_order(3, number, at=AT)
    clean = accepted(envelope(deepcopy(order), event="e-1"))
    objects = [node for node in _schema_objects(order) if isinstance(node, dict)]
    for position, value in enumerate(values):
        data.draw(st.sampled_from(objects))[f"{storable_name(CANARY)}{position}"] = value

    value = json.dumps({"event": "ORDER_COMPLETED", "eventId": "e-1", "payload": order}).encode()

    incoming = decode(value, ())
    assert incoming != "skipped"
    assert (incoming.order, incoming.unknown_members) == (clean.order, len(values))


def _schema_objects(value: Any) -> list[Any]:
    """The objects whose members the contract names; free JSON and localized texts are the sender's."""
    free = {"customAttributes", "nameLocalized", "keyLocalized", "valueLocalized"}
    children = [v for k, v in value.items() if k not in free] if isinstance(value, dict) else value
    return [value, *(n for c in children if isinstance(c, dict | list) for n in _schema_objects(c))]


@given(st.sampled_from(OTHER_TYPES), JSON, st.sampled_from(["1.0", "0.3", "2.0"]))
def test_another_type_of_event_is_skipped_whatever_it_holds(name: str, payload: Any, version: str) -> None:
    cloud = {"specversion": version, "type": name, "id": "1", "source": "/x", "data": payload}
    headers = [("ce_specversion", version.encode()), ("ce_type", name.encode())]

    assert decode(json.dumps(cloud).encode(), ()) == "skipped"
    assert decode(json.dumps({"event": name, "payload": payload}).encode(), ()) == "skipped"
    assert decode(json.dumps(payload).encode(), headers) == "skipped"


@pytest.mark.parametrize("value", [None, b"", b"\xff\x00", b"<stock/>", b" " * (MAX_ORDER_BYTES + 1)])
def test_another_type_of_binary_event_is_skipped_whatever_its_bytes(value: bytes | None) -> None:
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_type", b"stock.changed"),
        ("content-type", b"application/xml"),
    ]

    assert decode(value, headers) == "skipped"


@pytest.mark.parametrize(
    "head",
    [{"event": "STOCK_CHANGED", "eventId": 5}, {"specversion": "1.0", "type": "stock.changed", "id": 5}],
)
def test_another_type_of_event_is_skipped_whatever_its_other_members_are(head: dict[str, Any]) -> None:
    assert decode(orjson.dumps(head), ()) == "skipped"


@pytest.mark.parametrize(
    "name", ["order.completed.v2", "com.example.order.completed.v10", "order.completed.v"]
)
def test_another_version_of_the_type_is_refused_in_every_form(name: str) -> None:
    order = sample_order(4, 0, at=AT)
    for form, pointer in ((structured, "/type"), (binary, "")):
        event = form(order, event="e-1", at=AT, event_type=name)
        assert refusal(event.value, event.headers) == (Reason.UNSUPPORTED_VERSION, pointer)


@pytest.mark.parametrize("name", ["ORDER_COMPLETED_V2", "ORDER_COMPLETED.v3", "ORDER_COMPLETEDv2"])
def test_another_version_of_the_envelopes_event_is_refused(name: str) -> None:
    assert refusal(orjson.dumps({"event": name})) == (Reason.UNSUPPORTED_VERSION, "/event")


def test_another_version_of_cloudevents_itself_is_refused() -> None:
    event = binary(sample_order(4, 1, at=AT), event="e-1", at=AT)
    headers = [(name, b"0.3" if name == "ce_specversion" else value) for name, value in event.headers]
    body = {"specversion": "0.3", "type": "order.completed", "data": orjson.loads(event.value or b"")}

    assert refusal(event.value, headers) == (Reason.UNSUPPORTED_VERSION, "")
    assert refusal(orjson.dumps(body)) == (Reason.UNSUPPORTED_VERSION, "/type")


@given(HEADERS)
def test_headers_that_are_no_cloudevents_attributes_harm_nobody(headers: Any) -> None:
    harmless = [(name, value) for name, value in headers if not name.lower().startswith("ce_")]
    for event in every_event_form(sample_order(5, 1, at=AT), AT):
        odd = [*((n, v) for n, v in harmless if n.lower() != "content-type"), *event.headers]
        assert decode(event.value, odd) == decode(event.value, event.headers)


def test_names_of_headers_may_be_written_in_any_case() -> None:
    event = binary(sample_order(5, 2, at=AT), event="e-1", at=AT)

    assert decode(event.value, [(name.upper(), value) for name, value in event.headers]) == accepted(event)


def test_a_structured_event_may_carry_its_order_in_base64() -> None:
    order = sample_order(6, 1, at=AT)
    head = {"specversion": "1.0", "type": "order.completed", "id": "e-1", "source": "/shop/1"}

    def send(data: bytes | str) -> bytes:
        text = base64.b64encode(data).decode() if isinstance(data, bytes) else data
        return orjson.dumps({**head, "data_base64": text})

    assert decode(send(orjson.dumps(order)), ()) == accepted(structured(order, event="e-1", at=AT))
    assert refusal(send("not base64, Müller"))[0] is Reason.NOT_JSON
    assert refusal(send(b"{"))[0] is Reason.NOT_JSON
    assert refusal(send(b"{}"))[0] is Reason.MISSING_MEMBER


@pytest.mark.parametrize(
    ("localized", "reason", "name"),
    [
        ({"de_DE": "x", CANARY: 1}, Reason.WRONG_TYPE, "/*"),
        ({CANARY * 80: "x"}, Reason.LIMIT_EXCEEDED, "/*/*"),
        ({CANARY: CANARY * 80}, Reason.LIMIT_EXCEEDED, "/*"),
        ({f"${CANARY}": "x"}, Reason.FORBIDDEN_KEY, ""),
    ],
)
def test_where_a_fault_is_says_no_name_that_the_contract_does_not_know(
    localized: dict[str, Any], reason: Reason, name: str
) -> None:
    order = sample_order(7, 1, at=AT) | {"pricing": {"discounts": [{}, {"nameLocalized": localized}]}}
    value = orjson.dumps({"event": "ORDER_COMPLETED", "payload": order})

    assert refusal(value) == (reason, f"/payload/pricing/discounts/1/nameLocalized{name}")
    decoded_or_refused(value, ())


@pytest.mark.parametrize(
    ("form", "more"),
    [
        *(("envelope", more) for more in ({"data": "x"}, {"id": 7}, {"type": None}, {"source": ["x"]})),
        *(("structured", more) for more in ({"event": 5}, {"payload": "x"}, {"eventId": True})),
    ],
)
def test_what_another_form_calls_its_members_is_of_no_account_in_this_one(form: str, more: Any) -> None:
    events = dict(
        zip(
            ("structured", "binary", "envelope"), every_event_form(sample_order(7, 2, at=AT), AT), strict=True
        )
    )
    value = orjson.dumps(orjson.loads(events[form].value or b"") | more)

    assert decode(value, events[form].headers) == accepted(events[form])


def test_two_ids_that_are_no_text_are_never_taken_for_one_order() -> None:
    order = sample_order(7, 3, at=AT)
    del order["tenantOrderRecordId"]
    event = binary(order, event="e-1", at=AT)

    def sent(identifier: bytes) -> Any:
        headers = [(name, identifier if name == "ce_id" else value) for name, value in event.headers]
        return decoded_or_refused(event.value, headers)

    one, other = sent(b"\xfe"), sent(b"\xff")
    assert isinstance(one, Refused) or one.natural_key != other.natural_key
