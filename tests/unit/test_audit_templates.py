"""The words of audit events: the same bytes for ever, and no place where a name could hide."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any, get_args
from uuid import UUID, uuid5

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from audit import event_values, templates
from audit.events import AuditEvent
from audit.templates import AuditRecord, UnknownTemplate, canonical, event_id, expand, timestamp
from records.mongo.begun import BeginGrounds
from records.mongo.quarantine_replay import ANNOUNCED
from records.quarantine import DropGrounds, ShowGrounds, SkipGrounds
from records.read_positions import Cause
from records.reasons import Reason
from tests.strategies import INSTANTS

EVENT: TypeAdapter[Any] = TypeAdapter(AuditEvent)
AT = datetime(2026, 11, 23, 0, 0, 4, 127_000, tzinfo=UTC)
DUE = datetime(2026, 11, 23, tzinfo=UTC)
OUTBOX_ID = "5f0c1e1a-0b1d-4c55-9a3e-0d6b1f2a7c11"
RECORD_ID = "6f1c0b0e-7a51-8c3e-9d41-2b7f6a0c9e55"
ACTOR = "5f1e578d1ca982d2a636924b631770b9"
ROOT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
ITEMS: dict[str, list[list[Any]]] = {
    "anonymized": [[RECORD_ID, 2, DUE, []]],
    "deleted": [
        ["143dba0b-7977-8998-aef9-1cafafed0f32", 2, DUE, []],
        [RECORD_ID, 1, DUE, ["NEVER_ANONYMIZED"]],
    ],
    "quarantined": [["order-completed", 3, 12345, "WRONG_TYPE", "/payload/lineItems/0/*"]],
    "quarantine.erased": [["order-completed", 3, 12345, "WRONG_TYPE", DUE]],
    "quarantine.shown": [["order-completed", 3, 12345, "WRONG_TYPE", "INCIDENT", ACTOR]],
    "quarantine.replayed": [["order-completed", 3, 12345, "WRONG_TYPE", "/payload/*", "CREATED", ACTOR]],
    "quarantine.dropped": [["order-completed", 3, 12345, "WRONG_TYPE", "SENT_AGAIN", ACTOR]],
    "quarantine.skipped": [["order-completed", 3, 12345, "UNREADABLE", 12350, "DAMAGED", ACTOR]],
    "offsets.lost": [["order-completed", 3, 12345, 12400, "RETENTION"]],
    "dates.recomputed": [[1000, 998, 0, 12, ACTOR]],
    "ledger.reapplied": [[431, 2, 1, True, 902, ACTOR]],
    "trail.begun": [["GAP", 902, "order-records", "order-records.audit", 20_852_163, ROOT, ACTOR]],
    "attestation": [
        [
            [DUE, AT],
            431,
            [1000, 998, 0],
            [[2, DUE], [0, None], [None, None]],
            [3, 1],
            [400, 72, 604_800],
            1460,
        ]
    ],
}
NUMBERED = ("anonymized", "deleted", "quarantine.erased")
KINDS = pytest.mark.parametrize("kind", ITEMS)

DIGEST = "sha256:" + "9f" * 32

# Frozen, written by hand from the design's section 7: a repeat must be identical to the byte, also when a
# newer build sends it, or the trail would hold one act twice. New words are a new template, not a change.
_POLICY = f'"policyDigest":"{DIGEST}","policyVersion":3'
_FIRST = '"datacontenttype":"application/json","id":"e5c49d79-f001-58b3-880b-d7d36e66a09f"'
_SECOND = '"datacontenttype":"application/json","id":"cb76297c-419b-5909-bfb7-f4e7c0e2bd40"'
_SOURCE = '"source":"/order-records","specversion":"1.0"'
_RECORD = f'{_SOURCE},"subject":"6f1c0b0e-7a51-8c3e-9d41-2b7f6a0c9e55","time":"2026-11-23T00:00:04.127Z"'
_ENTRY = f'{_SOURCE},"subject":"quarantine/order-completed/3/12345","time":"2026-11-23T00:00:04.127Z"'
GOLDEN = {
    "anonymized": (
        '{"data":{"action":"ANONYMIZE","due":"2026-11-23T00:00:00.000Z","flags":[],',
        f'{_POLICY},"recordId":"6f1c0b0e-7a51-8c3e-9d41-2b7f6a0c9e55",',
        '"sequence":{"n":431,"position":0,"size":1},"template":1,"versionAfter":2,"worker":{"build":"1.4.2"}},',
        f'{_FIRST},{_RECORD},"type":"order-records.record.anonymized.v1"}}',
    ),
    "deleted": (
        '{"data":{"action":"DELETE","due":"2026-11-23T00:00:00.000Z","flags":["NEVER_ANONYMIZED"],',
        f'{_POLICY},"recordId":"6f1c0b0e-7a51-8c3e-9d41-2b7f6a0c9e55",',
        '"sequence":{"n":431,"position":1,"size":2},"template":1,"versionBefore":1,"worker":{"build":"1.4.2"}},',
        f'{_SECOND},{_RECORD},"type":"order-records.record.deleted.v1"}}',
    ),
    "quarantined": (
        '{"data":{"action":"QUARANTINE","offset":12345,"partition":3,"pointer":"/payload/lineItems/0/*",',
        f'{_POLICY},"reason":"WRONG_TYPE",',
        '"template":1,"topic":"order-completed","worker":{"build":"1.4.2"}},',
        f'{_FIRST},{_ENTRY},"type":"order-records.event.quarantined.v1"}}',
    ),
    "quarantine.erased": (
        '{"data":{"action":"ERASE_QUARANTINED","due":"2026-11-23T00:00:00.000Z","offset":12345,"partition":3,',
        f'{_POLICY},"reason":"WRONG_TYPE","sequence":{{"n":431,"position":0,"size":1}},',
        '"template":1,"topic":"order-completed","worker":{"build":"1.4.2"}},',
        f'{_FIRST},{_ENTRY},"type":"order-records.quarantine.erased.v1"}}',
    ),
    "quarantine.shown": (
        '{"data":{"action":"SHOW_QUARANTINED","actor":"5f1e578d1ca982d2a636924b631770b9",',
        f'"grounds":"INCIDENT","offset":12345,"partition":3,{_POLICY},"reason":"WRONG_TYPE",',
        '"template":1,"topic":"order-completed","worker":{"build":"1.4.2"}},',
        f'{_FIRST},{_ENTRY},"type":"order-records.quarantine.shown.v1"}}',
    ),
    "quarantine.replayed": (
        '{"data":{"action":"REPLAY","actor":"5f1e578d1ca982d2a636924b631770b9","offset":12345,',
        f'"outcome":"CREATED","partition":3,"pointer":"/payload/*",{_POLICY},"reason":"WRONG_TYPE",',
        '"template":1,"topic":"order-completed","worker":{"build":"1.4.2"}},',
        f'{_FIRST},{_ENTRY},"type":"order-records.quarantine.replayed.v1"}}',
    ),
    "quarantine.dropped": (
        '{"data":{"action":"DROP","actor":"5f1e578d1ca982d2a636924b631770b9",',
        f'"grounds":"SENT_AGAIN","offset":12345,"partition":3,{_POLICY},"reason":"WRONG_TYPE",',
        '"template":1,"topic":"order-completed","worker":{"build":"1.4.2"}},',
        f'{_FIRST},{_ENTRY},"type":"order-records.quarantine.dropped.v1"}}',
    ),
    "quarantine.skipped": (
        '{"data":{"action":"SKIP","actor":"5f1e578d1ca982d2a636924b631770b9",',
        f'"grounds":"DAMAGED","offset":12345,"partition":3,{_POLICY},"reason":"UNREADABLE",',
        '"template":1,"topic":"order-completed","untilOffset":12350,"worker":{"build":"1.4.2"}},',
        f'{_FIRST},{_ENTRY},"type":"order-records.quarantine.skipped.v1"}}',
    ),
    "offsets.lost": (
        '{"data":{"action":"LOSE_OFFSETS","cause":"RETENTION","fromOffset":12345,"partition":3,',
        f'{_POLICY},"template":1,"topic":"order-completed","untilOffset":12400,"worker":{{"build":"1.4.2"}}}},',
        f'{_FIRST},{_SOURCE},"subject":"offsets/order-completed/3","time":"2026-11-23T00:00:04.127Z",',
        '"type":"order-records.offsets.lost.v1"}',
    ),
    "dates.recomputed": (
        '{"data":{"action":"RECOMPUTE_DATES","actor":"5f1e578d1ca982d2a636924b631770b9","dueAtOnce":12,',
        f'"movedEarlier":998,"movedLater":0,{_POLICY},"records":1000,',
        '"template":1,"worker":{"build":"1.4.2"}},',
        f'{_FIRST},{_SOURCE},"subject":"system","time":"2026-11-23T00:00:04.127Z",',
        '"type":"order-records.dates.recomputed.v1"}',
    ),
    "ledger.reapplied": (
        '{"data":{"action":"REAPPLY","actor":"5f1e578d1ca982d2a636924b631770b9","dates":2,"entries":1,',
        f'"ids":431,"lastN":902,"policy":true,{_POLICY},"template":1,"worker":{{"build":"1.4.2"}}}},',
        f'{_FIRST},{_SOURCE},"subject":"system","time":"2026-11-23T00:00:04.127Z",',
        '"type":"order-records.ledger.reapplied.v1"}',
    ),
    "trail.begun": (
        '{"data":{"action":"BEGIN_TRAIL","actor":"5f1e578d1ca982d2a636924b631770b9",',
        '"before":{"signedRoot":"CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=","signedSize":20852163,',
        '"source":"/order-records","topic":"order-records.audit"},"grounds":"GAP","lastN":902,',
        f'{_POLICY},"template":1,"worker":{{"build":"1.4.2"}}}},',
        f'{_FIRST},{_SOURCE},"subject":"system","time":"2026-11-23T00:00:04.127Z",',
        '"type":"order-records.trail.begun.v1"}',
    ),
    "attestation": (
        '{"data":{"action":"ATTEST","auditRetentionDays":1460,',
        '"done":{"anonymize":1000,"delete":998,"eraseQuarantined":0},"n":431,',
        '"oldestOverdue":{"anonymize":"2026-11-23T00:00:00.000Z"},"overdue":{"anonymize":2,"delete":0},',
        '"period":{"since":"2026-11-23T00:00:00.000Z","until":"2026-11-23T00:00:04.127Z"},',
        f'{_POLICY},"quarantine":{{"entries":3,"sealed":1}},',
        '"residual":{"ledgerDays":400,"oplogHours":72,"orderTopicSeconds":604800},',
        '"template":1,"worker":{"build":"1.4.2"}},',
        f'{_FIRST},{_SOURCE},"subject":"system","time":"2026-11-23T00:00:04.127Z",',
        '"type":"order-records.attestation.v1"}',
    ),
}


def entry(kind: str, items: list[list[Any]] | None = None, **more: Any) -> dict[str, Any]:
    facts = {"_id": OUTBOX_ID, "kind": kind, "time": AT, "template": 1, "build": "1.4.2", "policyVersion": 3}
    number = {"n": 431} if kind in NUMBERED else {}
    return {**facts, "policyDigest": DIGEST, "items": items or ITEMS[kind], **number, **more}


def expanded(kind: str, items: list[list[Any]] | None = None) -> list[AuditRecord]:
    return expand(entry(kind, items), "order-records")


def by_hand(position: int) -> str:
    """The UUIDv5 of a position within the outbox id (RFC 9562, section 5.5)."""
    digest = bytearray(hashlib.sha1(UUID(OUTBOX_ID).bytes + b"%d" % position).digest()[:16])  # noqa: S324
    digest[6], digest[8] = digest[6] & 0x0F | 0x50, digest[8] & 0x3F | 0x80
    return str(UUID(bytes=bytes(digest)))


def leaves(node: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The paths of all texts of an event."""
    if isinstance(node, dict):
        return [leaf for name, child in node.items() for leaf in leaves(child, (*path, name))]
    return [path] if isinstance(node, str) else []


def objects(node: dict[str, Any], path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    below = [(name, child) for name, child in node.items() if isinstance(child, dict)]
    return [path, *(found for name, child in below for found in objects(child, (*path, name)))]


def planted(event: Any, path: tuple[str, ...], value: Any) -> Any:
    node = event
    for name in path[:-1]:
        node = node[name]
    node[path[-1]] = value
    return event


@KINDS
def test_the_bytes_of_an_event_never_change(kind: str) -> None:
    assert expanded(kind)[-1].value.decode() == "".join(GOLDEN[kind])


@KINDS
def test_every_event_is_one_of_the_closed_models(kind: str) -> None:
    for record in expanded(kind):
        assert EVENT.validate_json(record.value).type.startswith("order-records.")


@KINDS
def test_the_key_of_an_event_is_its_subject(kind: str) -> None:
    for record in expanded(kind):
        assert orjson.loads(record.value)["subject"].encode() == record.key


@given(st.integers(1, 40), INSTANTS)
def test_events_of_one_batch_are_in_order_with_ids_of_their_positions(size: int, due: datetime) -> None:
    items = [[f"00000000-0000-8000-8000-{number:012d}", number + 2, due, []] for number in range(size)]

    events = [orjson.loads(record.value) for record in expanded("anonymized", items)]

    assert [event["data"]["recordId"] for event in events] == [item[0] for item in items]
    assert [event["id"] for event in events] == [by_hand(position) for position in range(size)]
    assert [event["data"]["sequence"] for event in events] == [
        {"n": 431, "position": position, "size": size} for position in range(size)
    ]
    assert all(EVENT.validate_python(event) for event in events)


@KINDS
def test_the_bytes_are_canonical_json(kind: str) -> None:
    for record in expanded(kind):
        parsed = json.loads(record.value)
        text = json.dumps(parsed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert record.value == text.encode() == canonical(parsed)


@KINDS
def test_a_repeat_is_identical_to_the_byte(kind: str) -> None:
    assert expanded(kind) == expanded(kind)


@KINDS
def test_a_build_that_knows_newer_words_sends_the_older_ones_as_they_were(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for known, template in list(templates._WORDINGS):
        newer = templates._Wording("newer", lambda _: ("newer", {}))
        monkeypatch.setitem(templates._WORDINGS, (known, template + 1), newer)

    assert expanded(kind)[-1].value.decode() == "".join(GOLDEN[kind])
    assert expand(entry(kind, template=2), "order-records") != expanded(kind)


@pytest.mark.parametrize(("kind", "template"), [("anonymized", 2), ("policy.renamed", 1), ("", 1)])
def test_what_a_newer_build_wrote_waits_for_that_build(kind: str, template: int) -> None:
    with pytest.raises(UnknownTemplate):
        expand(entry(kind, [[]], template=template), "order-records")


@KINDS
def test_no_member_can_be_added_anywhere(kind: str) -> None:
    for path in objects(orjson.loads(expanded(kind)[-1].value)):
        event = planted(orjson.loads(expanded(kind)[-1].value), (*path, "consumer"), "x")
        with pytest.raises(ValidationError, match="extra_forbidden"):
            EVENT.validate_python(event)


@KINDS
@pytest.mark.parametrize(
    "words",
    [
        *(
            "Erika Müller",
            "/Erika Müller",
            "quarantine/Erika Müller/0/1",
            "erika@example.com",
            "Hauptstraße 5",
        ),
        *("x\n", "", "+49 170 1234567", None, 5),
    ],
)
def test_no_text_of_an_event_can_be_free(kind: str, words: Any) -> None:
    for path in leaves(orjson.loads(expanded(kind)[-1].value)):
        if path[-1] == "pointer" and words == "":
            continue  # the whole event
        with pytest.raises(ValidationError):
            EVENT.validate_python(planted(orjson.loads(expanded(kind)[-1].value), path, words))


def test_no_flag_can_be_free() -> None:
    event = planted(orjson.loads(expanded("deleted")[1].value), ("data", "flags"), ["Erika Müller"])

    with pytest.raises(ValidationError):
        EVENT.validate_python(event)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        *(("quarantine.shown", (grounds,)) for grounds in ShowGrounds),
        *(("quarantine.dropped", (grounds,)) for grounds in DropGrounds),
        *(("quarantine.replayed", ("", outcome)) for outcome in ANNOUNCED),
    ],
)
def test_every_word_that_a_person_may_choose_or_cause_fits_its_event(kind: str, words: tuple[str]) -> None:
    (record,) = expanded(kind, [["order-completed", 0, 0, "NOT_JSON", *words, ACTOR]])

    assert EVENT.validate_json(record.value).type == f"order-records.{kind}.v1"


@pytest.mark.parametrize(
    ("words", "theirs"),
    [
        (event_values.ShowGrounds, ShowGrounds),
        (event_values.DropGrounds, DropGrounds),
        (event_values.ReplayOutcome, ANNOUNCED),
        (event_values.SkipGrounds, SkipGrounds),
        (event_values.LossCause, Cause),
        (event_values.BeginGrounds, BeginGrounds),
    ],
)
def test_the_trail_knows_no_word_that_nobody_can_say(words: Any, theirs: Any) -> None:
    assert sorted(get_args(words)) == sorted(theirs)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_of_a_refusal_fits_its_event(reason: Reason) -> None:
    (record,) = expanded("quarantined", [["order-completed", 0, 0, reason, ""]])

    assert EVENT.validate_json(record.value).data.reason == reason


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, 6_999, tzinfo=UTC), "2026-01-02T03:04:05.006Z"),
        (datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), "9999-12-31T23:59:59.999Z"),
        # A sender may ask for a clean-up in any year that a date can have.
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000Z"),
        (datetime(987, 6, 5, tzinfo=UTC), "0987-06-05T00:00:00.000Z"),
    ],
)
def test_a_time_has_the_same_23_characters_and_a_z_on_every_system(instant: datetime, text: str) -> None:
    assert timestamp(instant) == text


@given(st.uuids(), st.integers(0, 100_000))
def test_the_id_of_an_event_is_the_uuidv5_of_its_position_in_its_entry(entry: UUID, position: int) -> None:
    assert event_id(str(entry), position) == str(uuid5(entry, str(position)))
